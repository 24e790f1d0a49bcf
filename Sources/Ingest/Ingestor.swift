// Paths in, documents and a ledger out.
//
// Finds files, reads them several at a time, and sees to it that each path ends in exactly one outcome, also when the
// ingestion stops early. What happens with one file is `FileIngestion`.

import Diagnostics
import Documents

/// Reads files into documents.
package struct Ingestor: Sendable {
    private let options: IngestOptions
    private let cache: (any ExtractionCache)?
    private let pool: WorkerPool

    /// An ingestor with its settings. Without a cache everything is extracted anew; without a pool it starts workers
    /// of its own, which end with it.
    package init(
        _ options: IngestOptions = IngestOptions(), cache: (any ExtractionCache)? = nil, pool: WorkerPool? = nil
    ) {
        self.options = options
        self.cache = cache
        let seconds = options.limits.seconds
        self.pool =
            pool
            ?? WorkerPool(
                limits: WorkerLimits(
                    memoryBytes: options.limits.workerBytes, cpuSeconds: seconds, documentSeconds: Double(seconds) * 2,
                    inputBytes: options.limits.fileBytes),
                workers: max(1, options.workers))
    }

    /// Reads files and directories and waits for all of them.
    package func report(_ paths: [String]) async -> IngestReport {
        await report(paths) { (_: IngestEvent) in }
    }

    /// Reads files and directories and waits for all of them; `-` is standard input. The last event is `completed`.
    ///
    /// A cancelled task gets a full report all the same: files that were not read are skipped as `notReached`. Files
    /// wait while `progress` works, so that no more than a few documents are in memory where none are kept.
    ///
    /// - Parameters:
    ///   - keepsText: whether the report's documents have their text; those that `progress` sees always have it.
    ///   - progress: called for one event after the other.
    /// - Throws: what `progress` throws; no further file is read then.
    package func report<Failure: Error>(
        _ paths: [String], keepsText: Bool = true, progress: (IngestEvent) throws(Failure) -> Void
    ) async throws(Failure) -> IngestReport {
        let found = FileFinder.find(paths, options)
        try progress(.found(total: found.count))
        var outcomes = [[IngestOutcome]](repeating: [], count: found.count)
        var total = found.count
        var fault: UserError?
        var thrown: Failure?
        let ingestion = FileIngestion(
            options: options, selection: FileSelection(options, of: paths), cache: cache, pool: pool)
        await withTaskGroup(of: (Int, FileIngestion.Result).self) { group in
            var next = 0
            var running = 0
            var stopped = false
            func tell(_ event: IngestEvent) {
                guard thrown == nil else { return }
                do { try progress(event) } catch { thrown = error }
                stopped = stopped || thrown != nil
            }
            func settle(_ index: Int, _ result: FileIngestion.Result) {
                fault = fault ?? result.fault
                if result.found != 1 {
                    total += result.found - 1
                    tell(.found(total: total))
                }
                for var outcome in result.outcomes {
                    outcome.characters = outcome.document?.text.unicodeScalars.count ?? 0
                    outcome.quality = outcome.document?.quality
                    tell(.finished(outcome))
                    if !keepsText { outcome.dropText() }
                    outcomes[index].append(outcome)
                }
                stopped = stopped || result.stops(options)
            }
            while next < found.count || running > 0 {
                while running < max(1, options.workers), next < found.count {
                    let index = next
                    next += 1
                    switch found[index] {
                    case .settled(let outcome): settle(index, FileIngestion.Result(outcome))
                    case .candidate(let path, let name, let place):
                        if stopped || Task.isCancelled {
                            settle(index, FileIngestion.Result(.init(path: path, status: .skipped(.notReached))))
                            continue
                        }
                        tell(.started(path: path))
                        running += 1
                        group.addTask { (index, await ingestion.read(path: path, name: name, place: place)) }
                    }
                }
                guard running > 0, let (index, result) = await group.next() else { continue }
                running -= 1
                settle(index, result)
            }
        }
        await pool.shutdown()
        if let thrown { throw thrown }
        let report = IngestReport(found: total, outcomes: outcomes.flatMap { $0 }, fault: fault)
        try progress(.completed(report))
        return report
    }
}

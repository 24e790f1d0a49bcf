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

    /// Reads files and directories; `-` is standard input. The last event is `completed`.
    ///
    /// When the consuming task is cancelled, files in work are given up and the stream ends.
    package func ingest(_ paths: [String]) -> AsyncStream<IngestEvent> {
        AsyncStream { continuation in
            let task = Task {
                _ = await run(paths) { continuation.yield($0) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// Reads files and directories and waits for all of them. A cancelled task gets a full report all the same: files
    /// that were not read are skipped as `notReached`.
    package func report(
        _ paths: [String], progress: @Sendable (IngestEvent) -> Void = { _ in }
    ) async -> IngestReport {
        await run(paths, progress)
    }

    private func run(_ paths: [String], _ progress: @Sendable (IngestEvent) -> Void) async -> IngestReport {
        let found = FileFinder.find(paths, options)
        progress(.found(total: found.count))
        var outcomes = [[IngestOutcome]](repeating: [], count: found.count)
        var total = found.count
        var fault: UserError?
        let ingestion = FileIngestion(options: options, cache: cache, pool: pool)
        await withTaskGroup(of: (Int, FileIngestion.Result).self) { group in
            var next = 0
            var running = 0
            var stopped = false
            while next < found.count || running > 0 {
                while running < max(1, options.workers), next < found.count {
                    let index = next
                    next += 1
                    switch found[index] {
                    case .settled(let outcome):
                        outcomes[index] = [outcome]
                        progress(.finished(outcome))
                        stopped = stopped || FileIngestion.Result(outcome).stops(options)
                    case .candidate(let path, let name):
                        if stopped || Task.isCancelled {
                            let outcome = IngestOutcome(path: path, status: .skipped(.notReached))
                            outcomes[index] = [outcome]
                            progress(.finished(outcome))
                            continue
                        }
                        progress(.started(path: path))
                        running += 1
                        group.addTask { (index, await ingestion.read(path: path, name: name)) }
                    }
                }
                guard running > 0, let (index, result) = await group.next() else { continue }
                running -= 1
                outcomes[index] = result.outcomes
                fault = fault ?? result.fault
                if result.found != 1 {
                    total += result.found - 1
                    progress(.found(total: total))
                }
                for outcome in result.outcomes { progress(.finished(outcome)) }
                stopped = stopped || result.stops(options)
            }
        }
        await pool.shutdown()
        let report = IngestReport(found: total, outcomes: outcomes.flatMap { $0 }, fault: fault)
        progress(.completed(report))
        return report
    }
}

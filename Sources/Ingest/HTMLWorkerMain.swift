// The hidden mode of docproc in which it reads one web page after another for its parent.

import Documents
import Glibc

/// The worker behind `docproc __extract-html`.
package enum HTMLWorkerMain {
    /// Serves requests on standard input until it ends; returns the exit status. `arguments`: those behind the mode's
    /// name on the command line.
    package static func run(_ arguments: [String] = Array(CommandLine.arguments.dropFirst(2))) -> Int32 {
        // Converters are files of the C library: open them while files can be opened.
        let decoders = Decoders()
        decoders.preload()
        let extractor = HTMLExtractor(decoders: decoders)
        return WorkerMain.run(
            extractor: HTMLExtractor.name, arguments: arguments,
            usage: "docproc starts this mode by itself to read web pages"
        ) { bytes, request, _ in
            guard request.format == .html else {
                return .failure(ExtractionFailure(.unsupported, "this worker reads HTML, not \(request.format)"))
            }
            return extractor.extract(Array(bytes), request)
        }
    }
}

// The hidden mode of docproc in which it reads web pages, office documents and archives for its parent.

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
        let books = EPUBExtractor(html: extractor)
        return WorkerMain.run(
            extractor: HTMLExtractor.name, arguments: arguments,
            usage: "docproc starts this mode by itself to read web pages and office documents"
        ) { bytes, request, output in
            switch request.format {
            case .html: extractor.extract(Array(bytes), request)
            case .epub: books.extract(bytes, request, progress: output.progress)
            case .docx: DOCXExtractor.extract(bytes, request)
            case .docling: DoclingExtractor.extract(bytes, request)
            case .archive: ArchiveExtractor.extract(bytes, request)
            case .pdf, .markdown, .text:
                .failure(ExtractionFailure(.unsupported, "this worker does not read \(request.format)"))
            }
        }
    }
}

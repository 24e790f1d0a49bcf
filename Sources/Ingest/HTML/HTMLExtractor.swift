// One web page to blocks: character set, parse, content, blocks, metadata. Runs inside the worker process.

import CHTML
import Documents

/// Extracts web pages.
struct HTMLExtractor {
    /// Name and version; a change of the text that it gives is a new version.
    static let name = "html/2"

    private let decoders: Decoders

    init(decoders: Decoders) {
        self.decoders = decoders
    }

    /// Reads a page. Options of the request: `html`: main or full; `hidden`: flag, drop or keep; `charset`: a label
    /// from outside the file; `milliseconds`: time for the parser.
    func extract(_ bytes: [UInt8], _ request: ExtractionRequest) -> Result<ExtractedDocument, ExtractionFailure> {
        let label = request.options["charset"].flatMap { Charset(label: $0) } ?? HTMLCharsetLabel.find(in: bytes)
        let decoded = decoders.decode(bytes, declared: label)
        let milliseconds = request.options["milliseconds"].flatMap { Int($0) } ?? 30_000
        let tree = HTMLTree(decoded.utf8, milliseconds: milliseconds)
        var notes: [QualityNote] = decoded.isGuessed ? [.encodingGuessed] : []
        switch tree.shortfall {
        case .none: break
        case .outOfMemory: return .failure(ExtractionFailure(.memoryLimit, "the page does not fit in memory"))
        case .timeout: return .failure(ExtractionFailure(.timeout, "parsing took over \(milliseconds) ms"))
        case .tooLarge: return .failure(ExtractionFailure(.tooLarge, "the page is too large for the parser"))
        case .tooManyElements: notes.append(.truncatedFile)
        }
        let mode = IngestOptions.HTMLMode(rawValue: request.options["html"] ?? "main") ?? .main
        let hidden = IngestOptions.HiddenText(rawValue: request.options["hidden"] ?? "flag") ?? .flag
        let content = HTMLContent(tree, mode: mode)
        let blocks = HTMLBlocks(tree, content, keepsHidden: hidden == .keep).blocks
        if hidden != .drop, content.hiddenWords >= 5 { notes.append(.hiddenText) }
        if decoded.errors * 20 > decoded.utf8.count { notes.append(.garbled) }
        let metadata = HTMLMetadata(tree)
        var values = metadata.values
        values["charset"] = decoded.charset.rawValue
        let page = ExtractedPage(blocks: blocks)
        return .success(
            ExtractedDocument(
                extractor: Self.name, title: metadata.title, metadata: values, pageCount: 1, pages: [page],
                notes: notes))
    }
}

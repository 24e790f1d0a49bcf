// A Word document to blocks: its parts in the order in which they are read. Runs inside the worker process.
//
// Raw text is the parts' XML, one behind the other: body, footnotes, endnotes, headers, footers.

import Documents

/// Extracts DOCX.
enum DOCXExtractor {
    /// Name and version; a change of the text that it gives is a new version.
    static let name = "docx/2"

    /// Reads a document. Options of the request: `hidden`: flag, drop or keep.
    static func extract(
        _ bytes: ArraySlice<UInt8>, _ request: ExtractionRequest
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        do throws(ExtractionFailure) {
            return .success(try read(bytes))
        } catch {
            return .failure(error)
        }
    }

    private static func read(_ bytes: ArraySlice<UInt8>) throws(ExtractionFailure) -> ExtractedDocument {
        var package = try OfficePackage(bytes)
        let roots = try package.relationships(of: "")
        let main = roots.first { $0.type == "officeDocument" }?.target ?? "word/document.xml"
        guard package.contains(main) else { throw ExtractionFailure(.malformed, "it has no part \(main)") }
        let related = try package.relationships(of: main)
        func parts(_ type: String) -> [String] {
            related.filter { $0.type == type }.map(\.target).sorted()
        }

        var metadata = OfficeMetadata()
        if let core = roots.first(where: { $0.type == "core-properties" })?.target, let xml = try package.xml(core) {
            metadata = OfficeMetadata(xml)
        }
        var styles = DOCXStyles()
        if let part = parts("styles").first, let xml = try package.xml(part) { styles = DOCXStyles(xml) }
        metadata.setLanguage(styles.language)
        var numbering = DOCXNumbering()
        if let part = parts("numbering").first, let xml = try package.xml(part) { numbering = DOCXNumbering(xml) }

        var blocks: [ExtractedBlock] = []
        var base = 0
        var margins: Set<String> = []
        let order: [([String], Element.Kind?)] = [
            ([main], nil), (parts("footnotes"), .footnote), (parts("endnotes"), .footnote),
            (parts("header"), .pageHeader), (parts("footer"), .pageFooter),
        ]
        for (names, kind) in order {
            for name in names {
                guard let source = try package.bytes(name) else { continue }
                let found = DOCXBody.blocks(
                    try XMLEvents(source, part: name), styles, numbering, part: name, base: base, kind: kind)
                base += source.count
                // Sections repeat the headers of others.
                blocks += found.filter { block in
                    (kind != .pageHeader && kind != .pageFooter)
                        || margins.insert(block.lines.map(\.text).joined()).inserted
                }
            }
        }
        return ExtractedDocument(
            extractor: Self.name, title: metadata.title, metadata: metadata.values,
            pages: [ExtractedPage(blocks: blocks)])
    }
}

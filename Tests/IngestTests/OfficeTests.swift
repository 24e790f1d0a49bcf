// Word documents, e-books and Docling's JSON, all written by other programs: see Fixtures/office/README.md.

import Documents
import Foundation
import Testing

@testable import Ingest

enum OfficeFixture {
    static func bytes(_ name: String, in folder: String = "office") throws -> [UInt8] {
        let url = WorkerTest.root.appending(path: "Tests/IngestTests/Fixtures/\(folder)/\(name)")
        return try Array(Data(contentsOf: url))
    }

    /// Reads bytes as the worker does, in this process.
    static func extract(
        _ bytes: [UInt8], _ format: DocumentFormat, _ options: [String: String] = [:], pages: [ClosedRange<Int>]? = nil
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        let request = ExtractionRequest(format: format, pages: pages, options: options)
        return switch format {
        case .docx: DOCXExtractor.extract(bytes[...], request)
        case .docling: DoclingExtractor.extract(bytes[...], request)
        default:
            EPUBExtractor(html: HTMLExtractor(decoders: Decoders())).extract(
                bytes[...],
                ExtractionRequest(format: .epub, options: options.merging(["html": "full"]) { left, _ in left })
            ) { _, _ in }
        }
    }

    /// A fixture as a document.
    static func document(_ name: String, hidden: String = "flag", pages: [ClosedRange<Int>]? = nil) throws -> Document {
        let format = try #require(
            name.hasSuffix("docx") ? .docx : name.hasSuffix("epub") ? DocumentFormat.epub : .docling)
        let extracted = try extract(try bytes(name), format, ["hidden": hidden], pages: pages).get()
        return Normalizer.document(
            extracted, sha256: "", path: name, format: format, keepsHidden: hidden == "keep",
            notesHidden: hidden != "drop"
        ).document
    }
}

@Suite struct OfficeTests {
    private func elements(_ document: Document) -> [String] {
        document.elements.map { element in
            let text = document.text(in: element.textRange)
            return switch element.kind {
            case .heading(let level): "h\(level) \(text)"
            default: "\(element.kind) \(text)"
            }
        }
    }

    /// The text that pandoc turned into all three, in its own words.
    private static let body = [
        "h1 Berths and tides",
        "paragraph The committee met on Tuesday and agreed on the budget for the coming year, as planned; the “quoted” "
            + "words — all of them — stay.",
        "h2 Findings", "listItem First item of the list", "listItem Second item, with a link to a page",
        "listItem One numbered item", "listItem Another numbered item",
    ]

    @Test(arguments: ["pandoc.docx", "libreoffice.docx"])
    func wordDocumentsOfOtherPrograms(_ name: String) throws {
        let document = try OfficeFixture.document(name)
        let found = elements(document)
        #expect(document.title == "The harbour report")
        #expect(document.metadata["author"] == "Anna Writer")
        // Word writes the numbers of lists.
        let body = Self.body.map { line in
            line.replacing("listItem One", with: "listItem 1. One")
                .replacing("listItem Another", with: "listItem 2. Another")
        }
        for line in body { #expect(found.contains(line), "\(line)") }
        for line in [
            "caption Sums by year", "tableRow Year | Sum | Note", "tableRow 2023 | 11 | R&D and tax",
            "tableRow 2024 | 12 | none", "quote A quotation that somebody wrote long ago.",
            "footnote The note at the foot of the page.", "h1 Second chapter",
            "paragraph Café naïve final words: 日本語 text at the end.", "code let a = 1\n  let b = 2",
        ] { #expect(found.contains(line), "\(line) in \(found)") }
        let order = body.compactMap { found.firstIndex(of: $0) }
        #expect(order == order.sorted())
    }

    @Test(arguments: ["pandoc.epub", "pandoc2.epub"])
    func booksOfPandoc(_ name: String) throws {
        let document = try OfficeFixture.document(name)
        let found = elements(document)
        #expect(document.title == "The harbour report")
        #expect(document.metadata["author"] == "Anna Writer" && document.metadata["language"] == "en-GB")
        for line in Self.body { #expect(found.contains(line), "\(line)") }
        for line in [
            "tableRow 2023 | 11 | R&D and tax", "quote A quotation that somebody wrote long ago.",
            "h1 Second chapter", "paragraph Café naïve final words: 日本語 text at the end.",
            "code let a = 1\n  let b = 2",
        ] { #expect(found.contains(line), "\(line) in \(found)") }
        // Chapters in the order of the spine, the table of contents not among them.
        #expect(found.filter { $0 == "h1 Berths and tides" }.count == 1)
        #expect(try #require(document.elements.last?.path).contains("ch002.xhtml#html/body"))
    }

    @Test func wordDocumentsWithChangesHiddenTextAndBoxes() throws {
        let document = try OfficeFixture.document("python-docx.docx")
        #expect(
            elements(document) == [
                "h1 Minutes of the board", "h1 Decisions", "paragraph The price is fifty euros for each seat.",
                "listItem A bullet point", "listItem 1. A numbered point", "quote Somebody said so.",
                "tableRow Name | Seat | Price", "tableRow Adams & Sons | A<1> | 50",
                "paragraph A paragraph in a box of its own.",
                "paragraph Tab here and a line break, then non\u{2011}breaking.",
                "image A grey square of four pixels", "paragraph Text in a box.", "paragraph Beside the box.",
                "pageHeader Confidential draft header", "pageFooter Footer of every page",
            ])
        #expect(document.metadata["author"] == "B. Clerk" && document.metadata["language"] == "en-US")
        #expect(document.metadata["date"] == "2023-03-01T09:00:00Z")
        #expect(document.notes == [.hiddenText])
        #expect(try OfficeFixture.document("python-docx.docx", hidden: "drop").notes.isEmpty)
        let kept = try OfficeFixture.document("python-docx.docx", hidden: "keep")
        let hidden = kept.elements.filter(\.hidden).map { kept.text(in: $0.textRange) }
        #expect(hidden == ["Secret words that nobody sees here."])
    }

    @Test func offsetsLeadBackToTheParts() throws {
        let bytes = try OfficeFixture.bytes("python-docx.docx")
        let document = try OfficeFixture.document("python-docx.docx")
        var package = try OfficePackage(bytes[...])
        let part = try #require(try package.bytes("word/document.xml"))
        func raw(_ words: String) throws -> String {
            let found = try #require(document.text.utf8.firstRange(of: Array(words.utf8)))
            let start = document.text.utf8.distance(from: document.text.utf8.startIndex, to: found.lowerBound)
            return String(decoding: part[document.offsets.raw(start..<start + words.utf8.count)], as: UTF8.self)
        }
        #expect(try raw("A bullet point") == "A bullet point")
        #expect(try raw("Adams & Sons") == "Adams &amp; Sons")
        #expect(try raw("for each seat") == "for each seat")
        #expect(try raw("fifty euros") == "fifty euros")
    }

    @Test func doclingKeepsPagesAndBoxes() throws {
        let document = try OfficeFixture.document("docling.json")
        #expect(
            elements(document) == [
                "h1 The harbour report", "h2 Berths", "pageHeader Harbour authority",
                "paragraph This paragraph begins on the first page a", "paragraph nd ends on the second.",
                "listItem First item", "listItem Second item", "caption Table 1. Sums by year", "tableRow Year | Sum",
                "tableRow 2023 | 11", "tableRow 2024 | 12", "code let a = 1\n  let b = 2",
                "paragraph a^2 + b^2 = c^2", "footnote 1 The note at the foot.", "pageFooter 3",
            ])
        #expect(document.elements.map(\.page) == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3])
        #expect(document.elements[0].boxes == [Box(x0: 72, y0: 52, x1: 540, y1: 72)])
        #expect(document.pages.map(\.number) == [1, 2, 3] && document.pages[0].width == 612)
        let some = try OfficeFixture.document("docling.json", pages: [2...2])
        #expect(some.pages.map(\.number) == [2] && some.text.hasPrefix("nd ends"))
    }

    @Test func protectedAndHostileOnesFail() throws {
        func failure(_ name: String, _ format: DocumentFormat) throws -> ExtractionFailure? {
            guard case .failure(let failure) = OfficeFixture.extract(try OfficeFixture.bytes(name), format) else {
                return nil
            }
            return failure
        }
        #expect(try failure("drm.epub", .epub)?.reason == .encrypted)
        let entities = try failure("entities.docx", .docx)
        #expect(entities?.reason == .malformed && entities?.detail.contains("entities") ?? false)
        #expect(try failure("pandoc.epub", .docx)?.reason == .malformed)
        let json = Array(#"{"schema_name":"DoclingDocument","body":{"children":[{"$ref":3}]}}"#.utf8)
        guard case .failure(let broken) = OfficeFixture.extract(json, .docling) else {
            Issue.record("a pointer that is a number was read")
            return
        }
        #expect(broken.reason == .malformed)
    }

    /// Circles and depth cost nothing: each item is read once.
    @Test func doclingTreesMayBeCircles() throws {
        let json = """
            {"schema_name":"DoclingDocument","body":{"children":[{"$ref":"#/groups/0"}]},
            "groups":[{"children":[{"$ref":"#/groups/0"},{"$ref":"#/texts/0"},{"$ref":"#/texts/9"}]}],
            "texts":[{"label":"text","text":"Once.","children":[{"$ref":"#/groups/0"}]}]}
            """
        let document = try OfficeFixture.extract(Array(json.utf8), .docling).get()
        #expect(document.pages.map(\.rawText) == ["Once."])
        let deep = #"{"schema_name":"DoclingDocument","body":"# + String(repeating: "[", count: 100_000)
        #expect(throws: ExtractionFailure.self) { try OfficeFixture.extract(Array(deep.utf8), .docling).get() }
    }
}

// Documents go in and come out equal, through reopening, other processes' eyes and damage.

import Documents
import Foundation
import Testing

@testable import Store

@Suite struct DocumentCacheTests {
    /// A document that uses every field and every kind of element.
    static let full = Document(
        sha256: hash("full"), path: "Ordner/ä \u{1F600}.pdf", format: .pdf, title: "Titel",
        metadata: ["author": "Zoë", "date": "2024"], text: "Überschrift\nText\u{0} mit Null\nEnde",
        pages: [
            DocumentPage(number: 1, label: "iv", textRange: 0..<12, width: 595.28, height: 841.89, notes: [.twoColumn]),
            DocumentPage(number: 2, textRange: 12..<33, notes: [.scan, .hiddenText]),
        ],
        elements: [
            Element(
                kind: .heading(level: 2), textRange: 0..<12, page: 1,
                places: LinePlaces(boxes: [Box(x0: 1.5, y0: -2, x1: 1e9, y1: 0.1)]),
                path: "html/body/h1"),
            Element(kind: .tableRow, textRange: 13..<20, page: 2, hidden: true),
        ]
            + [Element.Kind.paragraph, .listItem, .code, .quote, .caption, .footnote, .pageHeader, .pageFooter, .image]
            .map {
                Element(kind: $0, textRange: 20..<20, page: 2)
            },
        offsets: {
            var map = OffsetMap()
            map.append(text: 0, raw: 5, count: 7)
            map.append(text: 7, raw: 20, count: 0)
            map.append(text: 8, raw: 19, count: 25)
            return map
        }(),
        outline: [OutlineEntry(level: 1, title: "Teil", page: 2), OutlineEntry(level: 2, title: "Ende")],
        links: [
            Link(textRange: 0..<5, target: .address("https://example.org/ü")),
            Link(textRange: 13..<20, target: .page(2)),
        ], notes: [.garbled, .truncatedFile])

    @Test func everyFieldSurvives() throws {
        let bytes = DocumentCodec.encode(Self.full)
        #expect(DocumentCodec.decode(bytes) == Self.full)
    }

    /// A field added to these types must be added to the codec: the count reminds.
    @Test func codecKnowsAllFields() {
        #expect(Mirror(reflecting: Self.full).children.count == 12)
        #expect(Mirror(reflecting: Self.full.pages[0]).children.count == 6)
        #expect(Mirror(reflecting: Self.full.elements[0]).children.count == 6)
        #expect(Mirror(reflecting: Self.full.offsets.runs[0]).children.count == 3)
    }

    @Test func cutOrForeignBytesAreRefused() {
        let bytes = DocumentCodec.encode(Self.full)
        for count in 0..<bytes.count { #expect(DocumentCodec.decode(Array(bytes.prefix(count))) == nil) }
        #expect(DocumentCodec.decode(bytes + [0]) == nil)
        #expect(DocumentCodec.decode([DocumentCodec.version + 1] + bytes.dropFirst()) == nil)
    }

    /// Flipped bits may give another document but never a crash.
    @Test func flippedBytesNeverCrash() {
        let bytes = DocumentCodec.encode(Self.full)
        var refused = 0
        for index in bytes.indices {
            for value in [UInt8(0), 0x7F, 0x80, 0xFF] {
                var copy = bytes
                copy[index] = value
                if DocumentCodec.decode(copy) == nil { refused += 1 }
            }
        }
        #expect(refused > bytes.count)
    }

    @Test func documentsSurviveReopening() throws {
        let scratch = try Scratch()
        let store = try CorpusStore(directory: scratch.path)
        try store.save(Self.full, extractor: "pdf/1 main")
        try store.close()
        let again = try CorpusStore(directory: scratch.path)
        #expect(try again.document(sha256: Self.full.sha256, extractor: "pdf/1 main") == Self.full)
        #expect(try again.document(sha256: Self.full.sha256, extractor: "pdf/2 main") == nil)
        #expect(try again.document(sha256: hash("other"), extractor: "pdf/1 main") == nil)
        #expect(again.setAside == nil)
    }

    @Test func directoryIsPrivate() throws {
        let scratch = try Scratch()
        let directory = scratch.file("a/b")
        _ = try CorpusStore(directory: directory)
        let mode = try FileManager.default.attributesOfItem(atPath: directory)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func foreignFileIsPutAside() throws {
        let scratch = try Scratch()
        let file = scratch.file(CorpusStore.fileName)
        try Data(repeating: 0x41, count: 20_000).write(to: URL(fileURLWithPath: file))
        let store = try CorpusStore(directory: scratch.path)
        #expect(store.setAside == file + ".damaged-1")
        try store.save(Self.full, extractor: "x")
        #expect(try store.document(sha256: Self.full.sha256, extractor: "x") == Self.full)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file + ".damaged-1")).count == 20_000)
        _ = try store.purgeAll()
        #expect(!FileManager.default.fileExists(atPath: file + ".damaged-1"))
    }

    @Test func damagedPagesGiveATypedErrorThenARepair() throws {
        let scratch = try Scratch()
        let store = try CorpusStore(directory: scratch.path)
        let (document, segments) = sample("long", (0..<4000).map { "paragraph \($0) about suppliers and notice" })
        try store.save(document, extractor: "x")
        try store.index(document, segments: segments, variant: "x")
        try store.run("PRAGMA wal_checkpoint(TRUNCATE)")
        try store.close()
        // Overwrites a few pages in the middle of the document's body: opening works and reading does not.
        let file = scratch.file(CorpusStore.fileName)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes.replaceSubrange(35 * 4096..<40 * 4096, with: Data(repeating: 0xEE, count: 5 * 4096))
        try bytes.write(to: URL(fileURLWithPath: file))

        let broken = try CorpusStore(directory: scratch.path)
        #expect(broken.setAside == nil)
        let error = #expect(throws: StoreError.self) {
            _ = try broken.document(sha256: document.sha256, extractor: "x")
        }
        guard case .damaged(file, _) = error else { throw try #require(error) }
        try? broken.close()

        let repaired = try CorpusStore(directory: scratch.path)
        #expect(repaired.setAside == file + ".damaged-1")
        try repaired.index(document, segments: segments, variant: "x")
        #expect(try repaired.search("suppliers", documents: [document.sha256], variant: "x", limit: 3).count == 3)
    }

    @Test func laterVersionIsLeftAlone() throws {
        let scratch = try Scratch()
        let store = try CorpusStore(directory: scratch.path)
        try store.run("INSERT INTO grdb_migrations VALUES ('9 from the future')")
        try store.close()
        #expect(throws: StoreError.newer(path: scratch.file(CorpusStore.fileName))) {
            _ = try CorpusStore(directory: scratch.path)
        }
    }

    @Test func fullDiskIsATypedError() throws {
        let scratch = try Scratch()
        let store = try CorpusStore(directory: scratch.path, options: .init(maximumBytes: 200_000))
        let (document, segments) = sample("big", (0..<4000).map { "row \($0) \(String($0 * 7919, radix: 36))" })
        #expect(throws: StoreError.full(path: scratch.file(CorpusStore.fileName))) {
            try store.index(document, segments: segments, variant: "x")
        }
        // Nothing of it stays, and smaller things still fit.
        #expect(try store.isIndexed(sha256: document.sha256, variant: "x") == false)
        try store.save(Self.full, extractor: "x")
    }

    @Test func fileInTheWayIsATypedError() throws {
        let scratch = try Scratch()
        try Data([1]).write(to: URL(fileURLWithPath: scratch.file("file")))
        #expect(throws: StoreError.io(path: scratch.file("file"), detail: "is not a directory")) {
            _ = try CorpusStore(directory: scratch.file("file"))
        }
        #expect(throws: StoreError.io(path: scratch.file("file"), detail: "is not a directory")) {
            _ = try CorpusStore(directory: scratch.file("file/below"))
        }
    }

    @Test(.enabled(if: geteuid() != 0, "skipped: root may write everywhere"))
    func noPermissionIsATypedError() throws {
        let scratch = try Scratch()
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: scratch.path)
        #expect(throws: StoreError.noPermission(path: scratch.file("cache"))) {
            _ = try CorpusStore(directory: scratch.file("cache"))
        }
    }

    @Test func memoryStoreLeavesNothing() throws {
        let store = try CorpusStore.inMemory()
        try store.save(Self.full, extractor: "x")
        #expect(try store.document(sha256: Self.full.sha256, extractor: "x") == Self.full)
        #expect(store.path == nil)
        #expect(try store.usage().documents == 1)
    }
}

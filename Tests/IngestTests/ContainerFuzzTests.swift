// Changed bytes in office documents and archives: whatever comes out, the program lives. What would crash the worker
// in the field would crash this process.
//
// DOCPROC_FUZZ=50000 makes that many changes of each file instead of 150.

import Documents
import Foundation
import Testing

@testable import Ingest

@Suite struct ContainerFuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["DOCPROC_FUZZ"].flatMap { Int($0) } ?? 150

    /// A generator of its own: the same changes on every machine.
    private struct Generator {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(max(bound, 1)))
        }
    }

    /// Bytes flipped, set to extremes, cut out, doubled or cut off.
    private static func mutate(_ bytes: [UInt8], _ random: inout Generator) -> [UInt8] {
        var result = bytes
        for _ in 0...random.next(4) {
            guard !result.isEmpty else { return result }
            // Half of the changes near the end, where a zip file has its directory.
            let at = random.next(2) == 0 ? random.next(result.count) : max(0, result.count - 1 - random.next(400))
            switch random.next(7) {
            case 0: result[at] ^= 1 << UInt8(random.next(8))
            case 1: result[at] = [0, 0xFF, 0x7F, 0x80][random.next(4)]
            case 2: for index in at..<min(at + 4, result.count) { result[index] = 0xFF }
            case 3: result.removeSubrange(at..<min(at + 1 + random.next(30), result.count))
            case 4: result.insert(contentsOf: result[at..<min(at + 1 + random.next(60), result.count)], at: at)
            case 5: result[at] = UInt8(random.next(256))
            default: if random.next(8) == 0 { result.removeLast(result.count - at) }
            }
        }
        return result
    }

    private static let files = [
        ("office", "pandoc.docx"), ("office", "python-docx.docx"), ("office", "pandoc.epub"),
        ("office", "docling.json"),
        ("archives", "archive.zip"), ("archives", "zip64.zip"), ("archives", "stream.zip"),
        ("archives", "page.html.gz"),
    ]

    @Test(arguments: files.indices)
    func changedFilesCrashNothing(_ file: Int) throws {
        let (folder, name) = Self.files[file]
        let bytes = try OfficeFixture.bytes(name, in: folder)
        var random = Generator(state: UInt64(file) &* 0x9E37_79B9_7F4A_7C15 &+ 7)
        var outcomes = (read: 0, failed: 0)
        for _ in 0..<Self.rounds {
            let changed = Self.mutate(bytes, &random)
            if Self.read(changed, name) { outcomes.read += 1 } else { outcomes.failed += 1 }
        }
        #expect(outcomes.read + outcomes.failed == Self.rounds)
        #expect(outcomes.failed > 0, "changes that nobody notices test nothing")
    }

    /// XML changed inside the package: past the checks of the zip file, into the walkers.
    @Test(arguments: ["word/document.xml", "word/styles.xml", "word/numbering.xml", "word/_rels/document.xml.rels"])
    func changedPartsCrashNothing(_ part: String) throws {
        var package = try OfficePackage(try OfficeFixture.bytes("python-docx.docx")[...])
        let source = try #require(try package.bytes(part))
        var random = Generator(state: 99)
        var parsed = 0
        for _ in 0..<Self.rounds / 10 {
            let changed = Self.mutateMarkup(source, &random)
            guard let xml = try? XMLEvents(changed, part: part) else { continue }
            parsed += 1
            let blocks = DOCXBody.blocks(
                xml, DOCXStyles(xml), DOCXNumbering(xml), part: part, base: 0, kind: nil)
            _ = Normalizer.document(
                ExtractedDocument(extractor: "fuzz", pages: [ExtractedPage(blocks: blocks)]), sha256: "", path: "",
                format: .docx)
        }
        #expect(parsed > 0)
    }

    /// Exchanges whole elements and values, so that the result often stays well-formed.
    private static func mutateMarkup(_ bytes: [UInt8], _ random: inout Generator) -> [UInt8] {
        let words = [
            "w:p", "w:r", "w:t", "w:tr", "w:tc", "w:tbl", "w:del", "w:pPr", "w:rPr", "w:vanish", "w:tab", "w:numId",
            "w:style", "w:basedOn", "w:abstractNum", "w:num", "w:lvl", "w:lvlText", "w:rt", "w:ruby",
        ]
        var text = String(decoding: bytes, as: UTF8.self)
        for _ in 0..<3 {
            let from = words[random.next(words.count)]
            let to = words[random.next(words.count)]
            text = text.replacingOccurrences(of: "<" + from + ">", with: "<" + to + ">")
            text = text.replacingOccurrences(of: "</" + from + ">", with: "</" + to + ">")
            text = text.replacingOccurrences(of: "<" + from + "/>", with: "<" + to + "/>")
        }
        return random.next(4) == 0 ? mutate(Array(text.utf8), &random) : Array(text.utf8)
    }

    private static func read(_ bytes: [UInt8], _ name: String) -> Bool {
        let limits = ArchiveLimits(memberBytes: 1 << 24, totalBytes: 1 << 26)
        switch FileKind.recognize(bytes, name: name) {
        case .docx: return normalized(OfficeFixture.extract(bytes, .docx), .docx)
        case .epub: return normalized(OfficeFixture.extract(bytes, .epub), .epub)
        case .docling: return normalized(OfficeFixture.extract(bytes, .docling), .docling)
        case .gzip: return (try? Inflater.gunzip(bytes[...], limits: limits, limit: limits.memberBytes).get()) != nil
        case .zip:
            guard let directory = try? ZipDirectory(bytes[...], limits: limits) else { return false }
            return directory.entries.allSatisfy { entry in
                let packed = bytes[entry.data]
                return (try? ZipFile.unpack(packed, entry, limits: limits, limit: limits.memberBytes).get()) != nil
            }
        default: return false
        }
    }

    private static func normalized(
        _ result: Result<ExtractedDocument, ExtractionFailure>, _ format: DocumentFormat
    ) -> Bool {
        guard case .success(let extracted) = result else { return false }
        let document = Normalizer.document(extracted, sha256: "", path: "", format: format, keepsHidden: true).document
        // What the rest of docproc does first.
        _ = Segmenter.segments(of: document)
        return true
    }
}

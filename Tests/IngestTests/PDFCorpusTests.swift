// The PDF worker on real files: broken and hostile ones never harm more than themselves, and the text of the scored
// corpus stays as good as it was. The files stand in `../shared`; without it these tests say so and are skipped.

import Documents
import Foundation
import Testing

@testable import Ingest

@Suite(.enabled(if: WorkerTest.hasCorpora), .serialized) struct PDFCorpusTests {
    /// What Poppler cannot get at and what peers can; everything else with text has to give text.
    private static let known: [String: Int] = [
        "ContentStreamCycleType3insideType3": 2, "Pages-tree-refs": 22, "append-xref-loop": 200,
        "bookmarks_circular": 10,
        "control_characters": 28, "encrypted_hello_world_r6": 28, "helloworld-bad": 13, "issue6010_2": 10,
        "noembed-eucjp": 5, "noembed-sjis": 5, "scan-bad": 6, "text_rise_eol_bug": 38, "vertical": 8,
        "xref_command_missing": 17,
    ]
    private static let passwords = ["encrypted_hello_world_r6": "âge", "issue6010_2": "æøå"]
    /// Far below the defaults, so that files made to last are given up soon.
    private static let limits = WorkerLimits(cpuSeconds: 2, documentSeconds: 60, pageSeconds: 60)

    @Test func malformedFilesEndWellAndGiveWhatTextTheyHave() async throws {
        let folder = try #require(WorkerTest.shared).appending(path: "corpora/malformed")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".pdf") }
            .sorted()
        #expect(names.count >= 29)
        let pool = WorkerPool(limits: Self.limits, workers: 2)
        for name in names {
            let id = String(name.dropLast(4))
            let bytes = try WorkerTest.bytes(folder.appending(path: name))
            let request = ExtractionRequest(format: .pdf, password: Self.passwords[id])
            switch try await pool.extract(bytes, request) {
            case .success(let document):
                let characters = document.pages.reduce(0) { $0 + $1.rawText.filter { !$0.isNewline }.count }
                #expect(characters >= Self.known[id] ?? 0, "\(name) gives \(characters) characters")
            case .failure(let failure):
                #expect(Self.known[id] == nil, "\(name): \(failure)")
                #expect(
                    [.malformed, .encrypted, .timeout, .memoryLimit, .empty].contains(failure.reason),
                    "\(name): \(failure)")
            }
        }
    }

    @Test func hostileFilesAreBounded() async throws {
        let tool = try #require(WorkerTest.shared).appending(path: "tools/make_hostile.py").path
        let folder = try WorkerTest.Folder()
        guard try Self.run("/usr/bin/python3", [tool, folder.url.path, "--small"]) == 0 else {
            print("SKIPPED: python3 is needed to make the hostile files")
            return
        }
        let pool = WorkerPool(limits: Self.limits, workers: 2)
        let manifest = try String(contentsOf: folder.url.appending(path: "manifest.tsv"), encoding: .utf8)
        var count = 0
        for row in manifest.split(separator: "\n").map({ $0.split(separator: "\t") }) where row[0].hasSuffix(".pdf") {
            count += 1
            let bytes = try WorkerTest.bytes(folder.url.appending(path: String(row[0])))
            let result = try await pool.extract(bytes, ExtractionRequest(format: .pdf))
            switch (result, row[2]) {
            case (.success(let document), "text:needle"):
                #expect(document.pages.contains { $0.rawText.contains("needle") }, "\(row[0])")
            case (.failure(let failure), "text:needle"): Issue.record("\(row[0]): \(failure)")
            case (.success, "error"): Issue.record("\(row[0]) is no PDF")
            case (.failure(let failure), _):
                #expect(
                    [.malformed, .timeout, .memoryLimit, .tooLarge, .empty].contains(failure.reason),
                    "\(row[0]): \(failure)")
            case (.success, _): break
            }
        }
        #expect(count == 15)
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        guard FileManager.default.isExecutableFile(atPath: program) else { return -1 }
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The measure `edit` of `score_pdf.py` for every file of the corpus against a floor that is kept in a file.
    @Test func qualityStaysAboveItsFloor() async throws {
        let corpus = try #require(WorkerTest.shared).appending(path: "corpora/pdf")
        let floor = try Floor(WorkerTest.root.appending(path: "Tests/IngestTests/Fixtures/pdf/floor.txt"))
        let names = try FileManager.default.contentsOfDirectory(atPath: corpus.appending(path: "files").path)
            .filter { $0.hasSuffix(".pdf") }.map { String($0.dropLast(4)) }.sorted()
        var truth: [String: String] = [:]
        for name in names {
            truth[name] = try String(contentsOf: corpus.appending(path: "truth/\(name).txt"), encoding: .utf8)
        }
        let hash = EditScore.hash(names.flatMap { [$0, truth[$0] ?? ""] })
        guard hash == floor.corpus else {
            print("SKIPPED: the corpus has hash \(hash), the floor is for \(floor.corpus)")
            return
        }
        let pool = WorkerPool(workers: 2)
        var scores: [String: Double] = [:]
        for name in names {
            let bytes = try WorkerTest.bytes(corpus.appending(path: "files/\(name).pdf"))
            let document = try await pool.extract(bytes, ExtractionRequest(format: .pdf)).get()
            let score = EditScore.edit(
                EditScore.tokens(EditScore.text(of: document)), EditScore.tokens(truth[name] ?? ""))
            scores[name] = score
            if let least = floor.documents[name] { #expect(score >= least, "\(name): \(score) is below \(least)") }
        }
        let mean = scores.values.reduce(0, +) / Double(scores.count)
        print("pdf corpus: edit \((mean * 1000).rounded() / 1000), hash \(hash)")
        #expect(mean >= floor.mean)
        #expect(floor.documents.count == names.count)
    }

    /// `corpus HASH`, `mean X`, then a name and its lowest score a line; `#` begins a remark.
    private struct Floor {
        var corpus = ""
        var mean = 0.0
        var documents: [String: Double] = [:]

        init(_ file: URL) throws {
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#")
            {
                let parts = line.split(separator: " ")
                switch parts[0] {
                case "corpus": corpus = String(parts[1])
                case "mean": mean = Double(String(parts[1])) ?? 1
                default: documents[String(parts[0])] = Double(String(parts[1])) ?? 1
                }
            }
        }
    }
}

/// `edit` as `score_pdf.py` defines it: 2·LCS/(n+m) over words.
enum EditScore {
    /// Blocks without running heads, presentation forms folded, words cut at line ends joined: the least that any
    /// reader of extracted text does.
    static func text(of document: ExtractedDocument) -> String {
        var text = ""
        for block in document.pages.flatMap(\.blocks) where block.kind != .pageHeader && block.kind != .pageFooter {
            for line in block.lines {
                let folded = fold(line.text)
                let cut = text.last.map { "-\u{2010}\u{ad}".contains($0) } == true && folded.first?.isLowercase == true
                if cut, text.dropLast().last?.isLetter == true { text.removeLast() } else { text += "\n" }
                text += folded
            }
            text += "\n"
        }
        return text
    }

    private static func fold(_ text: String) -> String {
        var folded = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0xfb00...0xfdff, 0xfe70...0xfefc: folded += String(scalar).precomposedStringWithCompatibilityMapping
            default: folded.unicodeScalars.append(scalar)
            }
        }
        return folded
    }

    /// Runs of letters and digits; of scripts written without spaces each sign.
    static func tokens(_ text: String) -> [String] {
        var tokens: [String] = []
        var word = String.UnicodeScalarView()
        func end() {
            if !word.isEmpty { tokens.append(String(word)) }
            word = String.UnicodeScalarView()
        }
        for scalar in text.precomposedStringWithCanonicalMapping.lowercased().unicodeScalars {
            switch scalar.value {
            case 0xad, 0x200b...0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff, 0x640: continue
            case 0xe00...0xeff, 0x1000...0x109f, 0x1780...0x17ff, 0x2e80...0x2fdf, 0x3005...0x3007, 0x3040...0x30ff,
                0x3100...0x312f, 0x31a0...0x31bf, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xf900...0xfaff, 0x20000...0x3ffff:
                end()
                tokens.append(String(scalar))
            default:
                switch scalar.properties.generalCategory {
                case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
                    .decimalNumber,
                    .letterNumber, .otherNumber:
                    word.append(scalar)
                default: end()
                }
            }
        }
        end()
        return tokens
    }

    static func edit(_ a: [String], _ b: [String]) -> Double {
        a.isEmpty && b.isEmpty ? 1 : 2 * Double(longestCommonSubsequence(a, b)) / Double(a.count + b.count)
    }

    /// Bit-parallel, after Hyyrö, "Bit-parallel LCS-length computation revisited" (2004): a bit a word of `b`.
    private static func longestCommonSubsequence(_ a: [String], _ b: [String]) -> Int {
        var masks: [String: [UInt64]] = [:]
        let count = (b.count + 63) / 64
        for (index, word) in b.enumerated() {
            masks[word, default: [UInt64](repeating: 0, count: count)][index / 64] |= 1 << UInt64(index % 64)
        }
        var row = [UInt64](repeating: .max, count: count)
        for word in a {
            guard let mask = masks[word] else { continue }
            row.withUnsafeMutableBufferPointer { row in
                mask.withUnsafeBufferPointer { mask in
                    var carry: UInt64 = 0
                    for index in 0..<count {
                        let matched = row[index] & mask[index]
                        let (half, first) = row[index].addingReportingOverflow(matched)
                        let (sum, second) = half.addingReportingOverflow(carry)
                        carry = first || second ? 1 : 0
                        row[index] = sum | (row[index] & ~mask[index])
                    }
                }
            }
        }
        var zeros = 0
        for index in b.indices where row[index / 64] & (1 << UInt64(index % 64)) == 0 { zeros += 1 }
        return zeros
    }

    /// FNV-1a over texts, enough to tell that a corpus has changed.
    static func hash(_ texts: [String]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in texts.joined(separator: "\0").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

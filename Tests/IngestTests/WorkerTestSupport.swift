// Where tests of workers find programs and files, and small PDF files made on the spot.

import Documents
import Foundation
import Ingest
import Testing

enum WorkerTest {
    /// The worker beside the test program in the build folder.
    static let programs = WorkerPrograms.installed
    static let hasWorker: Bool = {
        let found = FileManager.default.isExecutableFile(atPath: programs.pdf.path)
        if !found { print("SKIPPED: no docproc-pdf at \(programs.pdf.path); build it and run again") }
        return found
    }()

    /// The repository's root, through whatever link the sources are reached by.
    static let root: URL = {
        let file = URL(filePath: #filePath).resolvingSymlinksInPath()
        return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }()

    /// `../shared` beside the repository, with the large corpora; not everybody has it.
    static let shared: URL? = {
        let folder = root.deletingLastPathComponent().appending(path: "shared")
        if FileManager.default.fileExists(atPath: folder.appending(path: "corpora/MANIFEST.tsv").path) { return folder }
        print("SKIPPED: no corpora at \(folder.path)")
        return nil
    }()
    static let hasCorpora = hasWorker && shared != nil

    static func fixture(_ name: String) throws -> [UInt8] {
        let folder = root.appending(path: "Tests/IngestTests/Fixtures/pdf")
        return try Array(Data(contentsOf: folder.appending(path: name)))
    }

    static func bytes(_ url: URL) throws -> [UInt8] {
        try Array(Data(contentsOf: url))
    }

    /// A folder that goes away with the value.
    final class Folder: Sendable {
        let url: URL

        init() throws {
            url = FileManager.default.temporaryDirectory.appending(path: "docproc-test-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        deinit {
            try? FileManager.default.removeItem(at: url)
        }

        /// An executable file in the folder.
        func script(_ name: String, _ text: String) throws -> String {
            let file = url.appending(path: name)
            try text.write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
            return file.path
        }
    }
}

/// PDF files as bytes, written by hand so that a test shows all that is in its input.
enum MadePDF {
    /// Objects 1 … n with a right cross-reference table; object 1 is the catalogue.
    static func file(_ objects: [String]) -> [UInt8] {
        var text = "%PDF-1.7\n"
        var offsets: [Int] = []
        for (index, body) in objects.enumerated() {
            offsets.append(text.utf8.count)
            text += "\(index + 1) 0 obj\n\(body)\nendobj\n"
        }
        let start = text.utf8.count
        text += "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n"
        for offset in offsets {
            let digits = String(offset)
            text += String(repeating: "0", count: 10 - digits.count) + digits + " 00000 n \n"
        }
        text += "trailer\n<</Size \(objects.count + 1)/Root 1 0 R>>\nstartxref\n\(start)\n%%EOF\n"
        return Array(text.utf8)
    }

    static func stream(_ content: String, _ extra: String = "") -> String {
        "<</Length \(content.utf8.count)\(extra)>>\nstream\n\(content)\nendstream"
    }

    /// A line of text at a place, counted from the bottom left.
    struct Line {
        var text: String
        var x: Int
        var y: Int
        var size = 11
        var font = "F1"
    }

    /// A file with one page for each list of lines, on US letter paper.
    static func pages(_ pages: [[Line]]) -> [UInt8] {
        let kids = pages.indices.map { "\(5 + 2 * $0) 0 R" }.joined(separator: " ")
        var objects = [
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[\(kids)]/Count \(pages.count)>>",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
        ]
        for (index, lines) in pages.enumerated() {
            objects.append(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents \(6 + 2 * index) 0 R"
                    + "/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>>>")
            let content = lines.map { "BT /\($0.font) \($0.size) Tf \($0.x) \($0.y) Td (\($0.text)) Tj ET" }
            objects.append(stream(content.joined(separator: "\n")))
        }
        return file(objects)
    }

    /// Nested forms that each draw the next one ten times: far more work than anybody has time for, from few bytes.
    static func fanout(levels: Int = 9) -> [UInt8] {
        var objects = [
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
                + "/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>>",
            stream("/X Do"), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ]
        for level in 0..<levels {
            let isLast = level == levels - 1
            let resources = isLast ? "/Font<</F1 5 0 R>>" : "/XObject<</X \(7 + level) 0 R>>"
            let content = isLast ? "BT /F1 12 Tf 72 700 Td (leaf) Tj ET" : String(repeating: "/X Do ", count: 10)
            objects.append(
                stream(content, "/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<<\(resources)>>"))
        }
        return file(objects)
    }
}

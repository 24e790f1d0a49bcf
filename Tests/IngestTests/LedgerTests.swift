// Every path found ends in exactly one outcome, whatever lies in the tree.

import Diagnostics
import Documents
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Ingest

/// A cache in memory.
private final class MemoryCache: ExtractionCache {
    private let documents = Mutex<[String: Document]>([:])
    let isBroken: Bool

    init(isBroken: Bool = false) { self.isBroken = isBroken }

    private static let broken = UserError(.diskFull, "no space left", remedies: [.init("docproc cache prune")])

    func document(sha256: String, extractor: String) async throws(UserError) -> Document? {
        if isBroken { throw Self.broken }
        return documents.withLock { $0[sha256 + extractor] }
    }

    func store(_ document: Document, extractor: String) async throws(UserError) {
        if isBroken { throw Self.broken }
        documents.withLock { $0[document.sha256 + extractor] = document }
    }
}

/// Workers that don't exist: PDF and HTML fail as values.
private let noWorkers = WorkerPool(
    programs: WorkerPrograms(
        pdf: WorkerProgram(path: "/nonexistent/pdf"), html: WorkerProgram(path: "/nonexistent/html")))

@Suite struct LedgerTests {
    private func report(_ paths: [String], _ options: IngestOptions = IngestOptions()) async -> IngestReport {
        await Ingestor(options, pool: noWorkers).report(paths)
    }

    private func names(_ report: IngestReport, below folder: WorkerTest.Folder) -> [String] {
        report.outcomes.map { outcome in
            let name = outcome.path.replacingOccurrences(of: folder.url.path + "/", with: "")
            switch outcome.status {
            case .read: return "read \(name)"
            case .skipped(let reason): return "\(reason.rawValue) \(name)"
            case .failed(let failure): return "failed \(failure.reason.rawValue) \(name)"
            }
        }
    }

    private func write(_ folder: WorkerTest.Folder, _ files: [String: String]) throws {
        for (name, text) in files {
            let file = folder.url.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    @Test func nothingGivesAnEmptyLedger() async {
        let report = await report([])
        #expect(report.isBalanced && report.found == 0)
    }

    @Test func aTreeOfEverything() async throws {
        let folder = try WorkerTest.Folder()
        try write(
            folder,
            [
                "b.txt": "Text.", "a/z.md": "# Title\n\nWords.", "a.txt": "First.", "empty.txt": "", "x.png": "GIF89a",
                "sub/ignored.txt": "No.", ".gitignore": "ignored.txt\nnode_modules/\n", "node_modules/a.txt": "No.",
                ".hidden/a.txt": "No.", "a-b.txt": "Second.", "bin.dat": "\0\u{1}\u{2}", "page.html": "<html>x",
                "same.txt": "Twice.",
            ])
        let path = folder.url.path
        #expect(mkfifo(path + "/pipe", 0o600) == 0)
        #expect(symlink(path, path + "/sub/loop") == 0)
        #expect(symlink("nowhere", path + "/sub/dangling.txt") == 0)
        #expect(link(path + "/same.txt", path + "/same2.txt") == 0)
        let report = await report([path])
        #expect(report.isBalanced)
        #expect(
            names(report, below: folder) == [
                "hidden .gitignore", "hidden .hidden/", "read a-b.txt", "read a.txt", "read a/z.md", "read b.txt",
                "binary bin.dat", "empty empty.txt", "ignored node_modules/", "failed unsupported page.html",
                "special pipe", "read same.txt", "duplicate same2.txt", "failed missing sub/dangling.txt",
                "ignored sub/ignored.txt", "loop sub/loop/", "image x.png",
            ])
        #expect(report.pages == PageCounts(read: 5))
        #expect(report.fault != nil)
        let again = await self.report([path])
        #expect(again == report)
    }

    @Test func selection() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": "A.", "b.md": "B.", "sub/c.txt": "C.", "old/d.txt": "D."])
        let options = IngestOptions(include: ["*.txt"], exclude: ["old/"])
        #expect(
            names(await report([folder.url.path], options), below: folder) == [
                "read a.txt", "excluded b.md", "excluded old/", "read sub/c.txt",
            ])
        let pages = await report([folder.url.path + "/a.txt"], IngestOptions(pages: [2...3]))
        #expect(pages.outcomes[0].status == .skipped(.pagesOutside))
    }

    @Test func namedFilesAreReadWhateverIgnoreFilesSay() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, [".gitignore": "*.txt", "a.txt": "A.", ".env": "B."])
        let path = folder.url.path
        let report = await report([path + "/a.txt", path + "/.env", path + "/a.txt", path + "/none.txt", "/dev/null"])
        #expect(
            names(report, below: folder) == ["read a.txt", "read .env", "failed missing none.txt", "special /dev/null"])
        #expect(report.isBalanced)
    }

    @Test func limitsHold() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": String(repeating: "a", count: 2000), "b.txt": "B."])
        let report = await report([folder.url.path], IngestOptions(limits: IngestLimits(fileBytes: 1000)))
        #expect(names(report, below: folder) == ["failed tooLarge a.txt", "read b.txt"])
    }

    @Test func failingStopsWhenAsked() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.html": "<html>x", "b.txt": "B.", "c.txt": "C."])
        let report = await report([folder.url.path], IngestOptions(onUnreadable: .fail, workers: 1))
        #expect(
            names(report, below: folder) == ["failed unsupported a.html", "not-reached b.txt", "not-reached c.txt"])
    }

    @Test func namesThatAreNoUTF8StayApart() async throws {
        let folder = try WorkerTest.Folder()
        for byte in [0xFE, 0xFF] as [UInt8] {
            let name = Array(folder.url.path.utf8) + Array("/x".utf8) + [byte, 0]
            let descriptor = name.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { open($0.baseAddress!, O_CREAT | O_WRONLY, 0o600) }
            }
            try #require(descriptor >= 0)
            _ = Glibc.write(descriptor, "Text.", 5)
            close(descriptor)
        }
        let report = await report([folder.url.path])
        #expect(names(report, below: folder) == ["read x\\xfe", "read x\\xff"])
        #expect(report.isBalanced)
    }

    @Test func unreadableFilesFail() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": "A.", "d/b.txt": "B."])
        chmod(folder.url.path + "/a.txt", 0)
        chmod(folder.url.path + "/d", 0)
        let report = await report([folder.url.path])
        chmod(folder.url.path + "/d", 0o700)
        #expect(report.isBalanced)
        // Root reads everything.
        guard getuid() != 0 else {
            print("SKIPPED: permissions don't bind root")
            return
        }
        #expect(names(report, below: folder) == ["failed unreadable a.txt", "failed unreadable d/"])
    }

    @Test func theCacheAnswersTheSecondTime() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": "Same words.", "b.txt": "Same words."])
        let cache = MemoryCache()
        let first = await Ingestor(IngestOptions(workers: 1), cache: cache, pool: noWorkers).report([folder.url.path])
        #expect(first.outcomes.map(\.cached) == [false, true])
        let second = await Ingestor(cache: cache, pool: noWorkers).report([folder.url.path])
        #expect(second.outcomes.map(\.cached) == [true, true])
        #expect(second.documents == first.documents)
        #expect(second.documents.map(\.path) == ["a.txt", "b.txt"].map { folder.url.path + "/" + $0 })
        #expect(second.pages == first.pages)
    }

    @Test func anotherBuildReadsAnew() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": "A.", "build-1": "1", "build-two": "two"])
        let cache = MemoryCache()
        func cached(_ build: String) async -> [Bool] {
            let program = WorkerProgram(path: folder.url.path + "/" + build)
            let pool = WorkerPool(programs: WorkerPrograms(pdf: program, html: program))
            return await Ingestor(cache: cache, pool: pool).report([folder.url.path + "/a.txt"]).outcomes.map(\.cached)
        }
        #expect(await cached("build-1") == [false])
        #expect(await cached("build-1") == [true])
        #expect(await cached("build-two") == [false])
    }

    @Test func aBrokenCacheCostsAWarning() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": "A."])
        let report = await Ingestor(cache: MemoryCache(isBroken: true), pool: noWorkers).report([folder.url.path])
        let words = "no space left (docproc cache prune helps)"
        #expect(report.read == 1)
        #expect(
            report.outcomes[0].warnings == ["not looked up in the cache: \(words)", "not kept in the cache: \(words)"])
    }

    @Test func eventsTellTheSame() async throws {
        let folder = try WorkerTest.Folder()
        try write(folder, ["a.txt": "A.", "b.txt": "B.", "c.png": "GIF89a"])
        var found = 0
        var finished: [String] = []
        var completed: IngestReport?
        let report = await Ingestor(pool: noWorkers).report([folder.url.path], keepsText: false) { event in
            switch event {
            case .found(let total): found = total
            case .started: #expect(completed == nil)
            case .finished(let outcome):
                finished.append(outcome.path)
                if outcome.path.hasSuffix("a.txt") { #expect(outcome.document?.text == "A.") }
            case .completed(let report): completed = report
            }
        }
        #expect(found == 3 && report.isBalanced && completed == report)
        #expect(report.outcomes.map(\.characters) == [2, 2, 0])
        #expect(report.documents.allSatisfy { $0.text.isEmpty && $0.elements.isEmpty })
        #expect(finished.sorted() == report.outcomes.map(\.path).sorted())
    }

    @Test(arguments: 0..<5) func randomTreesBalance(_ seed: Int) async throws {
        let folder = try WorkerTest.Folder()
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let contents = ["Words.", "", "%PDF-1.4", "\u{7F}ELF", "<html>x", "# H", "\0\0\u{1}", "a\tb\n"]
        let suffixes = ["txt", "md", "pdf", "html", "bin", "csv", "png", ""]
        var folders = [folder.url.path]
        for index in 0..<60 {
            let parent = folders[random(folders.count)]
            let path = parent + "/\(random(2) == 0 ? "." : "")n\(index).\(suffixes[random(suffixes.count)])"
            switch random(8) {
            case 0:
                _ = mkdir(path, 0o700)
                folders.append(path)
            case 1: _ = symlink(folders[random(folders.count)], path)
            case 2: _ = mkfifo(path, 0o600)
            default: try Data(contents[random(contents.count)].utf8).write(to: URL(filePath: path))
            }
        }
        try Data("*.csv\nn1*\n".utf8).write(to: folder.url.appending(path: ".docprocignore"))
        let report = await report([folder.url.path, folders[random(folders.count)], "-nothing"])
        #expect(report.isBalanced, "seed \(seed)")
        #expect(report.pages.total >= report.read)
        let paths = report.outcomes.dropLast().map { Array($0.path.utf8) }
        #expect(paths.count > 5)
    }
}

// Ignore patterns, against the manual's words and against git itself.

import Foundation
import Testing

@testable import Ingest

@Suite struct IgnoreRulesTests {
    static let patterns = [
        "*.o", "/top.txt", "build/", "doc/*.txt", "**/deep", "a/**/z", "logs/**", "!keep.o", "# comment", "\\#hash",
        "sp\\ ace", "[a-c]?.md", "x[!0-9]y", "trail ", "foo*bar", "sub/dir/", "*.tmp", "!important.tmp", "\\!bang",
    ]
    static let paths = [
        "a.o", "src/a.o", "keep.o", "src/keep.o", "top.txt", "src/top.txt", "src/build", "doc/a.txt", "doc/sub/a.txt",
        "deep", "x/deep", "a/z", "a/b/z", "a/b/c/z", "logs/x", "logs/a/b", "#hash", "sp ace", "b1.md", "d1.md", "x5y",
        "xay", "trail", "foobar", "foo123bar", "foo/bar", "src/sub/dir", "a.tmp", "important.tmp", "!bang", "comment",
        "ü.o", "doc", "b한.md",
    ]

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/git"), "needs git"))
    func agreesWithGit() throws {
        let folder = try WorkerTest.Folder()
        try Self.patterns.joined(separator: "\n").write(
            to: folder.url.appending(path: ".gitignore"), atomically: true, encoding: .utf8)
        try git(["init", "-q", "."], in: folder.url)
        let output = try git(
            ["-c", "core.quotePath=false", "check-ignore", "--no-index", "--stdin"], in: folder.url,
            input: Self.paths.joined(separator: "\n"))
        let ignored = Set(
            output.split(separator: "\n").map { $0.hasPrefix("\"") ? String($0.dropFirst().dropLast()) : String($0) })
        var rules = IgnoreRules()
        rules.add(Self.patterns.joined(separator: "\n"), directory: "")
        for path in Self.paths {
            // As the walk does: parents first.
            let parts = path.split(separator: "/")
            let isIgnored = (1...parts.count).contains { count in
                rules.ignores(parts.prefix(count).joined(separator: "/"), isDirectory: count < parts.count)
            }
            #expect(isIgnored == ignored.contains(path), "\(path)")
        }
    }

    @discardableResult
    private func git(_ arguments: [String], in folder: URL, input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/git")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let (standardInput, output) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    @Test func laterRulesAndDeeperFilesDecide() {
        var rules = IgnoreRules()
        rules.add("*.log\n!a.log\n", directory: "")
        rules.add("/a.log\n", directory: "sub")
        #expect(rules.ignores("x.log", isDirectory: false))
        #expect(!rules.ignores("a.log", isDirectory: false))
        #expect(rules.ignores("sub/a.log", isDirectory: false))
        #expect(!rules.ignores("sub/deep/a.log", isDirectory: false))
    }

    @Test func rulesFromAboveTheRootSeeWholePaths() {
        var rules = IgnoreRules()
        rules.add("/docs/private/\n", directory: "", prefix: "docs")
        #expect(rules.ignores("private", isDirectory: true))
        #expect(!rules.ignores("other", isDirectory: true))
    }

    @Test func manyStarsEndSoon() throws {
        let pattern = try #require(GlobPattern(String(repeating: "*a", count: 40) + "b"))
        let clock = ContinuousClock()
        let time = clock.measure {
            #expect(!pattern.matches(String(repeating: "a", count: 2000), isDirectory: false))
        }
        #expect(time < .seconds(60))
    }
}

// Events, ids, JSON, record logs that survive a kill, run folders, plans.

import Diagnostics
import Foundation
import Testing

@testable import Runs

/// A directory that is gone when the test is.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("docproc-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

@Suite struct EventTests {
    @Test func lineIsThatOfTheManual() {
        var event = Event.prefill(
            run: "01KB2X7E9T", window: 18, done: 40960, total: 65536, cached: 0, tokensPerSecond: 164.2)
        event.milliseconds = 1_795_284_131_482
        #expect(
            event.line
                == #"{"schema":"docproc.event/1","t":"2026-11-21T18:02:11.482Z","run":"01KB2X7E9T","type":"prefill","window":18,"done":40960,"total":65536,"cached":0,"tokens_per_second":164.2}"#
        )
    }

    @Test func kindsAreThoseOfTheManual() {
        #expect(
            Event.Kind.allCases.map(\.rawValue) == [
                "run.start", "plan", "doc.ingested", "window.start", "prefill", "text.delta", "citation", "kv",
                "doc.result", "check", "warning", "error", "checkpoint", "run.end",
            ])
    }

    @Test func textNeverBreaksTheLine() throws {
        let event = Event.textDelta(run: "R", text: "a\nb\r\u{2028}\u{0}\"\\\u{7F}é😀")
        #expect(!event.line.unicodeScalars.contains { $0 == "\n" || $0 == "\r" || $0 == "\u{2028}" })
        let decoded = try JSONSerialization.jsonObject(with: Data(event.line.utf8)) as? [String: Any]
        #expect(decoded?["text"] as? String == "a\nb\r\u{2028}\u{0}\"\\\u{7F}é😀")
    }

    /// Against Foundation's own formatter, over two centuries with their leap days.
    @Test func timestampsAgreeWithFoundation() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        for step in 0..<4000 {
            let milliseconds = -2_000_000_000_000 + step * 1_577_847_301_000 / 500 + step % 1000
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            #expect(WallClock.timestamp(milliseconds) == formatter.string(from: date))
        }
        #expect(abs(WallClock.milliseconds() - Int(Date().timeIntervalSince1970 * 1000)) < 5000)
    }

    @Test func idsSortByTime() {
        #expect(RunID.at(0) == "0000000000")
        // From the ULID specification: 01ARZ3NDEK is 1469922850259.
        #expect(RunID.at(1_469_922_850_259) == "01ARZ3NDEK")
        #expect(RunID.at(1000) < RunID.at(1001))
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[true,false,null],"c":{"d":"e"}}"#, "[]", "{}", #""\u0000é😀""#, "-12", "0.5", "[1,[2,[3]]]",
    ])
    func roundTrip(_ text: String) throws {
        #expect(try JSONValue(parsing: text).line == text)
        #expect(try JSONValue(parsing: JSONValue(parsing: text).pretty).line == text)
    }

    @Test func readsWhatJSONAllows() throws {
        let value = try JSONValue(parsing: " { \"a\" : \"\\ud83d\\ude00\\/\\n\" , \"b\":\t1e3, \"c\":-0.25E-1 }\r\n")
        #expect(value["a"]?.text == "😀/\n")
        #expect(value["b"]?.number == 1000)
        #expect(value["c"]?.number == -0.025)
        #expect(JSONValue.double(.nan).line == "null")
        #expect(JSONValue.double(3).line == "3")
        #expect(JSONValue.double(1e300).line == "1e+300")
    }

    @Test(arguments: [
        ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("{\"a\" 1}", 5), ("01", 1), ("1.", 2), ("+1", 0),
        ("tru", 0),
        ("\"abc", 0), ("\"a\nb\"", 2), ("\"\\x\"", 1), ("\"\\ud83d\"", 1), ("\"\\u12g4\"", 1), ("1 2", 2), ("{a:1}", 1),
        ("{\"a\":1,\"a\":2}", 7), ("nan", 0), ("1e999", 0), ("'a'", 0), ("// x", 0),
    ])
    func refusesEverythingElse(_ text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { _ = try JSONValue(parsing: text) }
        #expect(error?.offset == offset)
    }

    @Test func depthIsBounded() {
        #expect(throws: JSONError.self) {
            _ = try JSONValue(parsing: String(repeating: "[", count: 100_000))
        }
    }
}

@Suite struct RecordLogTests {
    let scratch: Scratch
    var path: String { scratch.file("results.jsonl") }

    init() throws { scratch = try Scratch() }

    @Test func linesAreKept() throws {
        let log = try RecordLog(path: path)
        try log.append("one")
        try log.append("two", synced: false)
        #expect(try RecordLog.read(path).lines == ["one", "two"])
        #expect(try RecordLog.read(scratch.file("none")).lines.isEmpty)
    }

    /// A kill can leave any beginning of the file: readers see whole lines, the next writer goes on behind them.
    @Test func everyTornEndIsRepaired() throws {
        let whole = "{\"a\":1}\n{\"b\":\"\(String(repeating: "ä", count: 3000))\"}\n{\"c\":3}\n"
        let bytes = Array(whole.utf8)
        let ends = bytes.indices.filter { bytes[$0] == 10 }
        for count in Array(0...20) + Array(stride(from: 21, to: bytes.count, by: 97)) + [bytes.count - 1, bytes.count] {
            try Data(bytes[..<count]).write(to: URL(fileURLWithPath: path))
            let complete = ends.count { $0 < count }
            let (lines, torn) = try RecordLog.read(path)
            #expect(lines.count == complete)
            #expect(torn == (count > 0 && bytes[count - 1] != 10))
            let log = try RecordLog(path: path)
            try log.append("{\"next\":true}")
            let after = try RecordLog.read(path)
            #expect(after.lines == lines + ["{\"next\":true}"] && !after.torn)
        }
    }

    @Test func threadsDoNotMixLines() async throws {
        let log = try RecordLog(path: path)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<50 {
                        try? log.append("\(writer):\(number):" + String(repeating: "x", count: 500), synced: false)
                    }
                }
            }
        }
        let lines = try RecordLog.read(path).lines
        #expect(lines.count == 400 && Set(lines).count == 400)
        #expect(lines.allSatisfy { $0.hasSuffix(String(repeating: "x", count: 500)) })
    }

    @Test func failuresAreTyped() throws {
        #expect(throws: FileError.missing(path: scratch.file("no/such/log"))) {
            _ = try RecordLog(path: scratch.file("no/such/log"))
        }
        #expect(FileError.full(path: "x").userError.exit == .refused)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "skipped: there is no /dev/full"))
    func fullDiskIsTyped() throws {
        let log = try RecordLog(path: "/dev/full")
        #expect(throws: FileError.full(path: "/dev/full")) { try log.append("x") }
    }
}

@Suite struct FileTests {
    @Test func writesReplaceWholeFiles() throws {
        let scratch = try Scratch()
        let path = scratch.file("a/b/c.txt")
        try AtomicFile.write("old", to: path)
        try AtomicFile.write("new", to: path)
        #expect(try TextFile.read(path) == "new")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("a/b")) == ["c.txt"])
        #expect(throws: FileError.missing(path: path + "/d")) { try AtomicFile.write("x", to: path + "/d") }
        #expect(throws: FileError.tooLarge(path: path, limit: 2)) { _ = try TextFile.read(path, limit: 2) }
        try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: path))
        #expect(throws: FileError.notUTF8(path: path)) { _ = try TextFile.read(path) }
        try Data([0xEF, 0xBB, 0xBF, 0x41]).write(to: URL(fileURLWithPath: path))
        #expect(try TextFile.read(path) == "A")
    }
}

@Suite struct RunFolderTests {
    @Test func aRunOnDisk() throws {
        let scratch = try Scratch()
        var manifest = RunManifest(
            command: "ask", arguments: ["docs", "What?"],
            inputs: [RunInput(path: "docs/a.pdf", sha256: "ab", bytes: 3), RunInput(path: "b", sha256: nil, bytes: 0)],
            settings: [.init("seed", 7)], versions: [.init("docproc", "0.1")])
        let first = try RunFolder(in: scratch.file("runs"), manifest: manifest, at: 1_469_922_850_259)
        let second = try RunFolder(in: scratch.file("runs"), manifest: manifest, at: 1_469_922_850_259)
        #expect(first.id == "01ARZ3NDEK" && second.id == "01ARZ3NDEM")
        try first.append(Event.warning(run: first.id, message: "x"))
        try first.appendResult("{}")
        manifest.exit = 0
        try first.write(manifest)
        let json = try JSONValue(parsing: TextFile.read(first.path + "/run.json"))
        #expect(json["schema"] == "docproc.run/1" && json["exit"] == 0 && json["started"] == "2016-07-30T23:54:10.259Z")
        #expect(json["inputs"]?.elements?.map { $0["sha256"] } == ["ab", .null])
        #expect(try RecordLog.read(first.path + "/events.jsonl").lines.count == 1)
        #expect(try RecordLog.read(first.path + "/results.jsonl").lines == ["{}"])
        let mode = try FileManager.default.attributesOfItem(atPath: first.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func plansSayWhatTheyExceed() {
        let plan = RunPlan(
            command: "ask", strategy: "map",
            model: .init(name: "m", quant: "q4_0", sha256: "3f", bytes: 5, license: "Apache-2.0"),
            windows: .init(count: 31, tokens: 99, largest: 64, reliable: 64, accepted: 128),
            memory: .init(bytes: 17, limit: 16), disk: .init(bytes: 1), files: 412, filesReused: 370, seconds: 60)
        #expect(plan.exceedsLimits)
        #expect(
            plan.json.line
                == #"{"schema":"docproc.plan/1","command":"ask","strategy":"map","model":{"name":"m","quant":"q4_0","bytes":5,"sha256":"3f","license":"Apache-2.0"},"windows":{"count":31,"tokens":99,"largest":64,"reliable":64,"accepted":128},"memory":{"bytes":17,"limit":16,"exceeded":true},"disk":{"bytes":1,"exceeded":false},"files":{"total":412,"reused":370},"time":{"seconds":60}}"#
        )
        #expect(!RunPlan(command: "ingest", files: 1).exceedsLimits)
    }
}

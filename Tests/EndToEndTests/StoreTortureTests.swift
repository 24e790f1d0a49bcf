// The store of keys and values under the whole program: killed at random moments, without room, with its folder gone,
// shared and mixed up. Nothing of that may change an answer.
//
// A few rounds by default; `DOCPROC_TORTURE=1` makes it 1,000 kills, a larger number as many as it says.

import Foundation
import Testing

@Suite(.enabled(if: TortureModel.areThere, TortureModel.missing))
struct StoreTortureTests {
    private static let wanted = Int(ProcessInfo.processInfo.environment["DOCPROC_TORTURE"] ?? "") ?? 0
    private static let isFull = wanted > 0
    private static let kills = wanted == 1 ? 1000 : wanted

    // MARK: - Kills

    /// After each kill: what is visible is sound, what was there is there, of the segments that were computed at most
    /// one is missing, and the next run answers as one without a store.
    @Test(arguments: TortureModel.all)
    fileprivate func killedAtAnyMoment(model: TortureModel) throws {
        let bench = try TortureBench(model)
        defer { bench.program.remove() }
        var random = SystemRandomNumberGenerator()
        let kills = Self.isFull ? Self.kills * model.share / 100 : 4
        let plain = try bench.questions.map { try bench.ask($0, ["--no-store"]).answer }
        let clock = ContinuousClock()
        let start = clock.now
        _ = try bench.ask(bench.questions[0])
        let whole = clock.now - start
        // In the order of the chain.
        let order = bench.segments.sorted { bench.modified($0) < bench.modified($1) }
        #expect(order.count >= 3)
        var (hit, whileWriting, lost, damaged, changed, round) = (0, 0, 0, 0, 0, -1)
        // One that comes after the end does not count.
        while hit < kills, round < 3 * kills {
            round += 1
            let gone = order.indices.filter { _ in Bool.random(using: &random) }
            for index in gone.isEmpty ? [order.count - 1] : gone {
                try FileManager.default.removeItem(atPath: bench.store + "/" + order[index])
            }
            let before = bench.segments
            let waits = round % 2 == 1, files = Int.random(in: 1...max(gone.count, 1), using: &random)
            let folder = bench.store + "/" + String(order[0].prefix { $0 != "/" })
            let pause = Double.random(in: 0...1, using: &random)
            let killed = try bench.program.run(bench.arguments(bench.questions[0], ["--jsonl"])) { process in
                if waits {
                    // Into the writing of a segment.
                    var seen = Set<String>()
                    while process.isRunning, seen.count < files { seen.formUnion(TortureBench.written(folder)) }
                    usleep(UInt32(pause * 2000))
                } else {
                    let missing = Double(gone.count) / Double(order.count)
                    usleep(UInt32(pause * (0.2 + 0.8 * missing) * whole.microseconds))
                }
                kill(process.processIdentifier, SIGKILL)
            }
            if killed.status == SIGKILL { hit += 1 }
            let unfinished = bench.temporary.count
            if waits, unfinished > 0 { whileWriting += 1 }
            let after = bench.segments
            #expect(before.isSubset(of: after), "round \(round)")
            let check = try bench.program.run("cache", "verify", "--json")
            #expect(check.status == 0, "round \(round): \(check.output)")
            #expect(check.json?["sound"] as? Int == after.count, "round \(round)")
            damaged += (check.json?["damaged"] as? [Any])?.count ?? 0
            // What it said that it had computed.
            let done = killed.output.split(separator: "\n").compactMap { line in
                let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return event?["type"] as? String == "prefill" ? event?["done"] as? Int : nil
            }.max()
            let missing = order.prefix((done ?? 0) / 8192).filter { !after.contains($0) }.count
            lost = max(lost, missing)
            #expect(missing <= 1, "round \(round)")
            let question = round % bench.questions.count
            let next = try bench.ask(bench.questions[question])
            #expect(next.answer == plain[question], "round \(round)")
            if next.answer != plain[question] { changed += 1 }
            // The store is whole again.
            #expect(Set(order).isSubset(of: bench.segments), "round \(round)")
            #expect(next.warnings.isEmpty, "round \(round): \(next.warnings)")
            if hit > 0, hit.isMultiple(of: 50) { print("\(model.name): \(hit) kills of \(round + 1) rounds") }
        }
        print(
            "\(model.name): \(hit) kills, \(whileWriting) of them while a segment was written: at most \(lost) lost at a "
                + "time, \(damaged) damaged, \(changed) answers changed")
        #expect(hit == kills)
    }

    // MARK: - Disks

    /// A write that fails in its middle.
    @Test func filesMayNotGrow() throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        let plain = try bench.ask(bench.questions[0], ["--no-store"])
        let line = bench.arguments(bench.questions[0], ["--json"]).map { "'\($0)'" }.joined(separator: " ")
        let result = try bench.program.shell("ulimit -f 400; docproc \(line)")
        #expect(result.status == plain.status)
        #expect(try bench.parts(result).answer == plain.answer)
        #expect(bench.storeWarnings(result.error).count == 1, "\(result.error)")
        #expect(bench.segments.isEmpty && bench.temporary.isEmpty)
    }

    /// No file can be made, nothing fits, nothing can be written: the work goes on and says so at most once.
    @Test(arguments: ["size=8g,nr_inodes=2", "size=2m", "size=8g,ro"])
    func fullAndReadOnlyDisks(options: String) throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        let plain = try bench.ask(bench.questions[0], ["--no-store"])
        let folder = bench.program.folder + "/home/.cache/docproc/kv"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard try bench.program.shell("mount -t tmpfs -o \(options) tmpfs \(folder)").status == 0 else {
            FileHandle.standardError.write(Data("SKIPPED: full disks: only root can mount one\n".utf8))
            return
        }
        defer { _ = try? bench.program.shell("umount \(folder)") }
        for _ in 0..<2 {
            let result = try bench.ask(bench.questions[0])
            #expect(result.status == plain.status)
            #expect(result.answer == plain.answer)
            #expect(result.warnings.count <= 1, "\(result.warnings)")
            if !options.hasPrefix("size=2m") { #expect(result.warnings.count == 1) }
            #expect(bench.segments.isEmpty && bench.temporary.isEmpty)
        }
    }

    @Test func theFolderVanishes() throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        let plain = try bench.ask(bench.questions[0], ["--no-store"])
        let folder = bench.program.folder + "/home/.cache/docproc/kv"
        for round in 0..<4 {
            // The first two while segments are written, the others while they are read.
            if round < 2 { try? FileManager.default.removeItem(atPath: folder) }
            let result = try bench.program.run(bench.arguments(bench.questions[0], ["--json"])) { process in
                if round < 2 {
                    while process.isRunning, bench.segments.count <= round {}
                } else {
                    usleep(UInt32.random(in: 0...60_000))
                }
                try? FileManager.default.removeItem(atPath: folder)
            }
            #expect(result.status == plain.status)
            #expect(try bench.parts(result).answer == plain.answer)
            #expect(bench.storeWarnings(result.error).count <= 1, "\(result.error)")
            let again = try bench.ask(bench.questions[0])
            #expect(again.answer == plain.answer)
            #expect(try bench.program.run("cache", "verify").status == 0)
        }
    }

    // MARK: - Others

    /// Processes that write and read the same segments at once.
    @Test func severalProcessesAtOnce() throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        let plain = try bench.questions.map { try bench.ask($0, ["--no-store"]).answer }
        _ = try bench.ask(bench.questions[0])
        let all = bench.segments
        for round in 0..<(Self.isFull ? 50 : 3) {
            try FileManager.default.removeItem(atPath: bench.program.folder + "/home/.cache/docproc/kv")
            let runs = (0..<4).map { bench.arguments(bench.questions[$0 % 2], ["--json"]) }
            let lines = runs.enumerated().map { index, arguments in
                "docproc " + arguments.map { "'\($0)'" }.joined(separator: " ") + " >out\(index) 2>err\(index) &"
            }
            #expect(try bench.program.shell(lines.joined(separator: " ") + " wait").status == 0)
            for index in runs.indices {
                let output = bench.program.read("out\(index)") ?? "", error = bench.program.read("err\(index)") ?? ""
                let result = Program.Result(output: output, error: error, status: 0)
                #expect(try bench.parts(result).answer == plain[index % 2], "round \(round): \(error)")
                #expect(bench.storeWarnings(error).isEmpty, "round \(round): \(error)")
            }
            #expect(bench.segments == all, "round \(round)")
            #expect(bench.temporary.isEmpty)
            #expect(try bench.program.run("cache", "verify").status == 0)
        }
    }

    /// The same model in another place is the same model; one byte less and it is another.
    @Test func modelsAreKnownByTheirContent() throws {
        let bench = try TortureBench(.sliding)
        defer { bench.program.remove() }
        let first = try bench.ask(bench.questions[0])
        #expect(first.cached == 0)
        #expect(bench.folders.count == 1)
        let copy = bench.program.folder + "/copy.gguf"
        try FileManager.default.copyItem(atPath: TortureModel.sliding.path, toPath: copy)
        var other = bench
        other.model.path = copy
        let second = try other.ask(bench.questions[0])
        #expect(second.answer == first.answer)
        #expect(second.cached > 1000)
        #expect(bench.folders.count == 1)
        // Other weights under the same name, of the same size and age.
        var bytes = try Data(contentsOf: URL(filePath: copy))
        bytes[bytes.count - 100] ^= 0x40
        let age = try FileManager.default.attributesOfItem(atPath: copy)[.modificationDate]
        let file = try FileHandle(forUpdating: URL(filePath: copy))
        try file.write(contentsOf: bytes)
        try file.close()
        try FileManager.default.setAttributes([.modificationDate: try #require(age)], ofItemAtPath: copy)
        #expect(try other.ask(bench.questions[0]).cached == 0)
        #expect(bench.folders.count == 2)
    }

    // MARK: - Pins, purges, archives

    @Test func pinsAndPurges() throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        try bench.program.write("other/towers.txt", String(repeating: "The tower of Brill has a clock.\n", count: 200))
        func run(_ arguments: String...) throws -> Program.Result {
            let result = try bench.program.run(arguments + ["--json"])
            #expect(result.status == 0, "\(result.error)")
            return result
        }
        func ask(_ folders: String...) throws -> Int {
            let arguments = ["ask"] + folders + [bench.questions[0]] + bench.arguments("", ["--json"]).dropFirst(3)
            return try bench.parts(try bench.program.run(arguments)).cached
        }
        _ = try ask("docs")
        _ = try ask("other")
        _ = try ask("docs", "other")
        let all = bench.segments.count
        #expect(all >= 5)
        let pinned = try run("cache", "pin", "--corpus", "other").json?["pinned"] as? Int ?? 0
        // What is about the bridges alone is not meant.
        #expect(pinned >= 2 && pinned < all)
        let usage = try run("cache", "du").json?["kv"] as? [String: Any]
        #expect((usage?["models"] as? [[String: Any]])?.first?["model"] as? String == "gemma4-e2b-Q8_0")
        #expect(usage?["pinned"] as? Int ?? 0 >= pinned)
        // Ages are told in whole seconds.
        Thread.sleep(forTimeInterval: 1.1)
        #expect(try run("cache", "prune", "--days", "0").json?["kv"] as? Int == all - (usage?["pinned"] as? Int ?? 0))
        #expect(try ask("other") > 500)
        #expect(try run("cache", "unpin", "--all").json?["unpinned"] as? Int == pinned)
        _ = try ask("docs")

        let removed = try run("cache", "purge", "--corpus", "other").json?["kv"] as? Int
        #expect(removed == pinned)
        #expect(try ask("docs") > 8000)
        #expect(try ask("other") == 0)
        #expect(try bench.program.run("cache", "pin").status == 2)
        #expect(try bench.program.run("cache", "pin", "--model", "unknown").status == 4)
        let left = bench.segments.count
        #expect(try run("cache", "purge", "--all", "--yes").json?["kv"] as? Int == left)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.store).isEmpty)
    }

    /// Carried to another machine, which is another cache here.
    @Test func segmentsAreCarried() throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        let first = try bench.ask(bench.questions[0])
        let exported = try bench.program.run("cache", "export", "all.kvs", "--json")
        #expect(exported.status == 0 && exported.json?["count"] as? Int == bench.segments.count, "\(exported.error)")
        let here = bench.segments.count

        var there = try TortureBench(.edge)
        defer { there.program.remove() }
        let archive = bench.program.folder + "/all.kvs"
        func take(_ path: String, _ more: String...) throws -> Program.Result {
            try there.program.run(["cache", "import", path, "--json"] + more)
        }
        let imported = try take(archive)
        #expect(imported.status == 0 && imported.json?["count"] as? Int == here, "\(imported.error)")
        let models = imported.json?["models"] as? [[String: Any]]
        #expect(models?.first?["usable"] as? Bool == true && models?.first?["model"] as? String == "gemma4-e2b-Q8_0")
        let second = try there.ask(there.questions[0])
        #expect(second.cached > 16_384)
        #expect(second.answer == first.answer)
        #expect(try take(archive).json?["present"] as? Int == here)

        // On a processor with other kernels they are of no use, and that is said.
        there.program.environment["DOCPROC_KERNELS"] = "scalar"
        let other = try take(archive).json?["models"] as? [[String: Any]]
        #expect(other?.first?["usable"] as? Bool == false)

        // Damage: a segment of it is refused, the others are taken; a damaged list refuses all.
        let whole = try Data(contentsOf: URL(filePath: archive))
        var random = SystemRandomNumberGenerator()
        let broken = there.program.folder + "/broken.kvs"
        for round in 0..<(Self.isFull ? 300 : 8) {
            try? FileManager.default.removeItem(atPath: there.store)
            var bytes = whole
            if round % 4 == 3 {
                bytes = whole.prefix(.random(in: 0..<whole.count, using: &random))
            } else {
                bytes[.random(in: 0..<whole.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            try bytes.write(to: URL(filePath: broken))
            let result = try take(broken)
            #expect(result.status == 7 || result.status == 3, "round \(round): \(result.output)")
            if result.status == 7 {
                #expect((result.json?["refused"] as? [Any])?.count == 1)
                #expect(there.segments.count == here - 1)
            } else {
                #expect(there.segments.isEmpty)
            }
            #expect(there.temporary.isEmpty)
            #expect(try there.program.run("cache", "verify").status == 0)
        }
    }

    /// Another model's folder under our name, and a segment under another's.
    @Test func anotherModelsSegments() throws {
        let bench = try TortureBench(.edge)
        defer { bench.program.remove() }
        let plain = try bench.ask(bench.questions[0], ["--no-store"])
        _ = try bench.ask(bench.questions[0])
        let ours = try #require(bench.folders.first), mine = bench.segments
        let foreign = try bench.program.run(
            "ask", "docs", bench.questions[0], "--strategy", "full", "--model", TortureModel.sliding.path, "--fresh",
            "--threads", "1")
        #expect(foreign.status == plain.status, "\(foreign.error)")
        let theirs = try #require(bench.folders.first { $0 != ours })
        let files = FileManager.default
        try files.removeItem(atPath: bench.store + "/" + ours)
        try files.moveItem(atPath: bench.store + "/" + theirs, toPath: bench.store + "/" + ours)
        // Their first segment under the name of ours, which is looked for before anything is computed.
        let names = try files.contentsOfDirectory(atPath: bench.store + "/" + ours).filter { $0.hasSuffix(".kv") }
        for (name, mine) in zip(names.sorted(), mine.sorted()) {
            let target = bench.store + "/" + mine
            if !files.fileExists(atPath: target) {
                try files.moveItem(atPath: bench.store + "/" + ours + "/" + name, toPath: target)
            }
        }
        let mixed = try bench.ask(bench.questions[0])
        #expect(mixed.answer == plain.answer)
        #expect(!mixed.warnings.isEmpty)
        let healed = try bench.ask(bench.questions[1])
        #expect(healed.answer == (try bench.ask(bench.questions[1], ["--no-store"])).answer)

        // Two of our own under each other's names.
        let pair = bench.segments.sorted().prefix(2).map { bench.store + "/" + $0 }
        try files.moveItem(atPath: pair[0], toPath: pair[0] + ".x")
        try files.moveItem(atPath: pair[1], toPath: pair[0])
        try files.moveItem(atPath: pair[0] + ".x", toPath: pair[1])
        #expect(try bench.ask(bench.questions[0]).answer == plain.answer)
        #expect(try bench.ask(bench.questions[0]).answer == plain.answer)
    }
}

/// A fixture that reads tens of thousands of tokens in well under a second.
private struct TortureModel: Sendable, CustomTestStringConvertible {
    let name: String
    var path: String
    /// Lines of the document that is asked about: three segments or more.
    let lines: Int
    /// Of a hundred kills.
    let share: Int

    var testDescription: String { name }

    /// Sliding and full layers; prompt tokens stop after the layers that have keys and values.
    static let edge = TortureModel(
        name: "gemma4-e2b", file: "gemma4-e2b/gguf/gemma4-e2b-Q8_0.gguf", lines: 480, share: 85)
    /// Chunked and full layers.
    static let chunked = TortureModel(name: "llama4-scout", file: "llama4-scout", lines: 420, share: 15)
    static let sliding = TortureModel(name: "gemma3", file: "gemma3/gguf/gemma3-Q8_0.gguf", lines: 100, share: 0)
    static let all = [edge, chunked]

    static var areThere: Bool {
        [edge, chunked, sliding].allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
    }
    static let missing: Comment = "SKIPPED: the golden models in ../shared/fixtures/models are not there"

    private init(name: String, file: String, lines: Int, share: Int) {
        self.name = name
        self.lines = lines
        self.share = share
        // `../shared` beside the repository. The path of this file may lead through a link.
        path =
            URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("shared/fixtures/models/\(file)").path
    }
}

/// A model, a document and a cache of its own.
private struct TortureBench {
    var program: Program
    var model: TortureModel
    let questions = ["When was the bridge of Dover opened?", "Which bridge was opened in 1870?"]

    init(_ model: TortureModel) throws {
        self.model = model
        program = try Program()
        let towns = ["Ashford", "Brill", "Corby", "Dover", "Epping", "Frome", "Goole", "Hythe"]
        let lines = (0..<model.lines).map {
            "The bridge of \(towns[$0 % 8]) number \($0) was opened in \(1850 + $0).\n"
        }
        try program.write("docs/bridges.txt", lines.joined())
    }

    /// The folder of all namespaces.
    var store: String { program.folder + "/home/.cache/docproc/kv" }

    /// Those of namespaces.
    var folders: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: store)) ?? []).filter { $0 != "uses" }
    }

    /// Visible segments, as paths below `store`.
    var segments: Set<String> { files { $0.hasSuffix(".kv") } }

    /// Files that are being written, or were.
    var temporary: Set<String> { files { $0.hasSuffix(".tmp") } }

    private func files(_ isWanted: (String) -> Bool) -> Set<String> {
        Set(
            folders.flatMap { folder in
                ((try? FileManager.default.contentsOfDirectory(atPath: store + "/" + folder)) ?? []).filter(isWanted)
                    .map { folder + "/" + $0 }
            })
    }

    /// What is being written in a folder, found quickly.
    static func written(_ folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".tmp") { names.append(name) }
        }
        return names
    }

    func modified(_ name: String) -> Date {
        let facts = try? FileManager.default.attributesOfItem(atPath: store + "/" + name)
        return facts?[.modificationDate] as? Date ?? .distantPast
    }

    func arguments(_ question: String, _ more: [String]) -> [String] {
        [
            "ask", "docs", question, "--strategy", "full", "--model", model.path, "--fresh", "--threads", "1",
            "--progress", "none",
        ] + more
    }

    struct Outcome {
        /// What the model wrote, and what became of it.
        var answer: String
        var cached: Int
        var status: Int32
        /// Complaints about the store.
        var warnings: [String]
    }

    func ask(_ question: String, _ more: [String] = []) throws -> Outcome {
        try parts(try program.run(arguments(question, more + ["--json"])))
    }

    func parts(_ result: Program.Result) throws -> Outcome {
        let json = try #require(result.json, "\(result.error)")
        let usage = try #require(json["usage"] as? [String: Any], "\(result.output) \(result.error)")
        let names: Set<String> = ["answer", "status", "rejected", "citations", "coverage"]
        let compared = try JSONSerialization.data(
            withJSONObject: json.filter { names.contains($0.key) }, options: .sortedKeys)
        return Outcome(
            answer: String(decoding: compared, as: UTF8.self) + " \(usage["output_tokens"] ?? "")",
            cached: try #require(usage["cached_tokens"] as? Int), status: result.status,
            warnings: storeWarnings(result.error))
    }

    func storeWarnings(_ error: String) -> [String] {
        error.split(separator: "\n").filter { $0.contains("keys and values") }.map(String.init)
    }
}

extension Duration {
    fileprivate var microseconds: Double { Double(components.seconds) * 1e6 + Double(components.attoseconds) * 1e-12 }
}

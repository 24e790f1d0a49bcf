// Damaged files of every kind that is read: each ends with an outcome, none takes the program along, none takes long.
//
// A few hundred in each run of the suite; DOCPROC_FUZZ=100000 makes as many as it says, DOCPROC_FUZZ_SEED others.

import Documents
import Foundation
import Testing

@testable import Ingest

@Suite(.enabled(if: WorkerTest.hasWorker), .serialized) struct FuzzTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["DOCPROC_FUZZ"].flatMap { Int($0) } ?? 400
    private static let seed = environment["DOCPROC_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    /// Seconds of processor time that a worker has for one file here.
    private static let seconds = 3
    /// Seconds by the clock after which a worker is ended; only one that hangs comes near where nothing else runs.
    private static let patience = 30.0
    /// Files made to take long: damaged ones would test patience and nothing else.
    private static let bombs: Set<String> = ["bomb_giant.pdf"]

    @Test func damagedFilesHaveOutcomesAndHarmNothing() async throws {
        let seeds = try Self.seeds()
        #expect(Set(seeds.map(\.suffix)).isSuperset(of: ["pdf", "html"]))
        var random = Generator(state: Self.seed)
        var reasons: [String: Int] = [:]
        var longest = (seconds: 0.0, what: "")
        var made = 0
        while made < Self.count {
            let folder = try WorkerTest.Folder()
            var sources: [String: String] = [:]
            for index in 0..<min(200, Self.count - made) {
                let seed = seeds[random.below(seeds.count)]
                let other = seeds[random.below(seeds.count)]
                let name = "\(index).\(seed.suffix)"
                sources[folder.url.path + "/" + name] = seed.name
                let bytes = Mutation.apply(seed.bytes, other: other.bytes, &random)
                try Data(bytes).write(to: folder.url.appending(path: name))
            }
            made += sources.count
            var begun: [String: ContinuousClock.Instant] = [:]
            let limits = WorkerLimits(memoryBytes: 2 << 30, cpuSeconds: Self.seconds, documentSeconds: Self.patience)
            let ingestor = Ingestor(
                IngestOptions(limits: IngestLimits(seconds: Self.seconds)),
                pool: WorkerPool(limits: limits, workers: 2, programs: Self.programs))
            let report = await ingestor.report([folder.url.path], keepsText: false) { (event: IngestEvent) in
                switch event {
                case .started(let path): begun[path] = .now
                case .finished(let outcome):
                    guard let start = begun[outcome.path] else { return }
                    let seconds = (ContinuousClock.now - start) / .seconds(1)
                    if seconds > longest.seconds { longest = (seconds, sources[outcome.path] ?? outcome.path) }
                default: break
                }
            }
            #expect(report.isBalanced && report.fault == nil && report.found >= sources.count)
            for outcome in report.outcomes {
                switch outcome.status {
                case .read: reasons["read", default: 0] += 1
                case .skipped(let reason): reasons["skipped: \(reason.rawValue)", default: 0] += 1
                case .failed(let failure):
                    reasons["failed: \(failure.reason.rawValue)", default: 0] += 1
                    if failure.reason == .crashed {
                        print("a worker ended at \(sources[outcome.path] ?? ""): \(failure.detail)")
                    }
                }
            }
        }
        var usage = rusage()
        getrusage(RUSAGE_CHILDREN.rawValue, &usage)
        let told = reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        print("\(made) damaged files: \(told)")
        print("longest \(longest.seconds) s (\(longest.what)), largest worker \(usage.ru_maxrss >> 10) MiB")
        // Beside the rest of the suite the clock says nothing about a file: its tests wait for each other.
        if Self.environment["DOCPROC_FUZZ"] != nil { #expect(longest.seconds < Self.patience + 10) }
        #expect(reasons["failed: crashed", default: 0] * 100 <= made)
        #expect(reasons["read", default: 0] * 4 > made, "too much damage tests nothing")
    }

    /// The built programs: tests run in one that reads no HTML.
    private static let programs: WorkerPrograms = {
        let folder = WorkerTest.programs.pdf.path.dropLast("docproc-pdf".count)
        return WorkerPrograms(
            pdf: WorkerTest.programs.pdf,
            html: WorkerProgram(path: folder + "docproc", arguments: [WorkerPrograms.htmlMode]))
    }()

    private struct Seed {
        var name: String
        var suffix: String
        var bytes: [UInt8]
    }

    /// Small files of all kinds: fixtures, and those of the shared corpora where they are at hand.
    private static func seeds() throws -> [Seed] {
        var folders = ["Tests/IngestTests/Fixtures", "Corpora"].map { WorkerTest.root.appending(path: $0) }
        if let shared = WorkerTest.shared {
            folders += ["malformed", "html/pages", "encodings/pages", "pdf/files"].map {
                shared.appending(path: "corpora/\($0)")
            }
        }
        let kinds: Set<String> = ["pdf", "html", "docx", "epub", "zip", "gz", "json"]
        var seeds: [Seed] = []
        for folder in folders {
            let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            for name in names.sorted() {
                let url = folder.appending(path: name)
                guard kinds.contains(url.pathExtension), !bombs.contains(name) else { continue }
                let bytes = try WorkerTest.bytes(url)
                guard (1...150_000).contains(bytes.count) else { continue }
                seeds.append(Seed(name: name, suffix: url.pathExtension, bytes: bytes))
            }
        }
        return seeds
    }

    /// SplitMix64.
    struct Generator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }

        mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
    }

    /// Ways to damage a file.
    enum Mutation {
        private static let words: [[UInt8]] =
            [
                "<<", ">>", "stream\n", "endstream", "endobj", "obj", "/Length 99999999", "/Kids[1 0 R]",
                "/Filter/FlateDecode",
                "/Parent 1 0 R", "BT", "ET", "Do", "-1", "2147483648", "<table>", "<div>", "<p>", "</html>", "<!--",
                "<script>",
                "&#x110000;", "<![CDATA[", "PK\u{3}\u{4}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "{", "[", "\"",
            ].map { Array($0.utf8) } + [[0], [0xFF, 0xFF, 0xFF, 0xFF], [0xFE, 0xFF]]

        static func apply(_ source: [UInt8], other: [UInt8], _ random: inout Generator) -> [UInt8] {
            var bytes = source
            for _ in 0...random.below(8) {
                let at = random.below(bytes.count)
                let length = min(1 + random.below(random.below(10) == 0 ? 4096 : 24), bytes.count - at)
                switch random.below(8) {
                case 0:
                    for _ in 0...random.below(16) where !bytes.isEmpty {
                        bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                    }
                case 1: if !bytes.isEmpty { bytes[at] ^= 1 << UInt8(random.below(8)) }
                case 2: bytes.removeSubrange(at..<at + length)
                case 3: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
                case 4: bytes.insert(contentsOf: words[random.below(words.count)], at: at)
                case 5:
                    // A digit of a number: lengths, offsets, counts.
                    if let digit = bytes[at...].firstIndex(where: { (0x30...0x39).contains($0) }) {
                        bytes[digit] = 0x30 + UInt8(random.below(10))
                    }
                case 6:
                    if random.below(4) == 0 { bytes.removeSubrange(at...) }
                default:
                    let from = random.below(other.count)
                    bytes.insert(contentsOf: other[from..<min(from + length * 8, other.count)], at: at)
                }
                if bytes.isEmpty { return source }
            }
            return bytes
        }
    }
}

// Damage in segment files, at random places and of every kind that a disk or a crash leaves: never another token, every
// one of them noticed, and the store is whole again afterwards.
//
// A few hundred by default; `DOCPROC_TORTURE=1` flips 10,000 bits.

import Foundation
import Hashing
import KVCache
import Kernels
import Synchronization
import SystemPackage
import Testing

@testable import Inference

@Suite(.enabled(if: FixtureModel.areThere, FixtureModel.missing))
struct StoreDamageTests {
    private static let isFull = (Int(ProcessInfo.processInfo.environment["DOCPROC_TORTURE"] ?? "") ?? 0) > 0

    /// What happens to a file.
    enum Damage: String, CaseIterable, CustomTestStringConvertible {
        case bit, cut, zeroed, foreign, longer, empty

        var testDescription: String { rawValue }

        /// The same file, damaged; never the same bytes.
        func apply(to bytes: Data, other: Data, _ random: inout some RandomNumberGenerator) -> Data {
            var changed = bytes
            // A piece as disks and page caches lose it.
            let size = [512, 4096].randomElement(using: &random) ?? 512
            let start = Int.random(in: 0..<max(bytes.count / size, 1), using: &random) * size
            let piece = start..<min(start + size, bytes.count)
            switch self {
            case .bit:
                changed[.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case .cut: changed = bytes.prefix(.random(in: 0..<bytes.count, using: &random))
            case .zeroed: changed.resetBytes(in: piece)
            case .foreign:
                if piece.upperBound <= other.count { changed.replaceSubrange(piece, with: other[piece]) }
            case .longer: changed.append(Data((0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }))
            case .empty: changed = Data()
            }
            // The piece was zero, or the other's was the same.
            return changed == bytes ? bytes.dropLast() : changed
        }
    }

    @Test(arguments: Damage.allCases)
    func neverAnotherToken(damage: Damage) async throws {
        var random = SystemRandomNumberGenerator()
        let all = FixtureModel.kinds
        let total = Self.isFull ? (damage == .bit ? 10_000 : 1000) : (damage == .bit ? 70 : 14)
        var (reported, found, missed, changed, healed) = (0, 0, 0, 0, 0)
        for (index, model) in all.enumerated() {
            let bench = try await DamageBench(model, type: index % 2 == 0 ? .f16 : .f32)
            let plain = bench.plain
            for round in 0..<(total + all.count - 1 - index) / all.count {
                let file = try #require(bench.files.randomElement(using: &random))
                let bytes = try Data(contentsOf: file)
                let other = try Data(contentsOf: try #require(bench.files.first { $0 != file }))
                try damage.apply(to: bytes, other: other, &random).write(to: file)
                let before = bench.problems
                // Questions about one of two texts, so that the file may be the one that is read or not.
                for prompt in 0..<2 {
                    let output = try await bench.run(prompt)
                    #expect(output == plain[prompt], "\(model.testDescription), round \(round)")
                    if output != plain[prompt] { changed += 1 }
                }
                if bench.problems > before {
                    reported += 1
                } else {
                    // Not read for these questions: the check of all files finds it.
                    let isFound = bench.verify().damaged.count == 1
                    #expect(isFound, "\(model.testDescription), round \(round)")
                    if isFound { found += 1 } else { missed += 1 }
                    for prompt in 0..<2 { #expect(try await bench.run(prompt) == plain[prompt]) }
                }
                let check = bench.verify()
                #expect(check.damaged.isEmpty && check.sound == 2, "\(model.testDescription), round \(round)")
                if check.sound == 2, check.damaged.isEmpty { healed += 1 }
            }
        }
        print(
            "\(damage.rawValue): \(total) damaged files of \(all.count) models, \(reported) noticed when read, \(found) by "
                + "the check, \(missed) missed, \(changed) outputs changed, \(healed) healed")
        #expect(reported + found == total && healed == total)
    }

    /// Chains of several segments, each damaged in turn: what comes before it is still used.
    @Test func damageInAChain() async throws {
        let model = try #require(FixtureModel.kinds.first { $0.folder == "gemma4-e2b" })
        var random = SystemRandomNumberGenerator()
        let bench = try await DamageBench(model, type: .f16, tokens: 3 * 8192 + 500)
        #expect(bench.files.count >= 8)
        for round in 0..<(Self.isFull ? 300 : 10) {
            let files = bench.files
            let count = Int.random(in: 1...3, using: &random)
            for file in files.shuffled(using: &random).prefix(count) {
                let bytes = try Data(contentsOf: file)
                let other = try Data(contentsOf: try #require(files.randomElement(using: &random)))
                let damage = try #require(Damage.allCases.randomElement(using: &random))
                try damage.apply(to: bytes, other: other, &random).write(to: file)
            }
            for prompt in 0..<2 {
                #expect(try await bench.run(prompt) == bench.plain[prompt], "round \(round)")
            }
            // What was not read is found now and stored by the next one.
            _ = bench.verify()
            for prompt in 0..<2 {
                #expect(try await bench.run(prompt) == bench.plain[prompt], "round \(round)")
            }
            #expect(bench.verify().damaged.isEmpty)
            #expect(bench.files.count == files.count, "round \(round)")
        }
    }
}

/// A model with a store in which two texts have been kept.
private final class DamageBench: Sendable {
    struct Output: Equatable {
        var tokens: [Int32] = []
        var logProbabilities: [Float] = []
    }

    /// Outlives the engine's last report.
    private final class Reports: Sendable {
        let count = Mutex(0)
    }

    let plain: [Output]
    private let reports = Reports()
    private let root = FilePath(NSTemporaryDirectory()).appending("docproc-damage-\(UUID().uuidString)")
    private let engine: Engine
    private let tokens: Int

    init(_ model: FixtureModel, type: KVType, tokens: Int = 330) async throws {
        self.tokens = tokens
        let context = tokens + 100
        let without = try await model.open(numerics: .fast, kvType: type, threads: 1, contextLimit: context)
        plain = [
            try await Self.run(without, Self.prompt(0, tokens), kept: 0),
            try await Self.run(without, Self.prompt(1, tokens), kept: 0),
        ]
        let options = KVStoreOptions(root: root, namespace: ContentHash(of: model.testDescription), limit: nil) {
            [reports] _ in reports.count.withLock { $0 += 1 }
        }
        engine = try await model.open(
            numerics: .fast, kvType: type, threads: 1, contextLimit: context, kvStore: options)
        for prompt in 0..<2 { #expect(try await run(prompt) == plain[prompt]) }
    }

    deinit { try? FileManager.default.removeItem(atPath: root.string) }

    var files: [URL] {
        (FileManager.default.enumerator(at: URL(filePath: root.string), includingPropertiesForKeys: nil)?
            .compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "kv" }
    }

    /// How often something was said about the store.
    var problems: Int { reports.count.withLock { $0 } }

    func verify() -> (sound: Int, damaged: [FilePath]) { KVSegmentFiles(root: root).verify() }

    /// As another process would.
    func run(_ prompt: Int) async throws -> Output {
        await engine.forget()
        return try await Self.run(engine, Self.prompt(prompt, tokens), kept: tokens)
    }

    private static func prompt(_ text: Int, _ tokens: Int) -> [Int32] {
        (0..<tokens).map { Int32(($0 * 7 + text * 31) % 200 + 4) } + [9, 10, 11]
    }

    private static func run(_ engine: Engine, _ prompt: [Int32], kept: Int) async throws -> Output {
        var output = Output()
        let request = GenerationRequest(prompt: prompt, maxOutputTokens: 6, stopTokens: [], keptTokens: kept)
        for try await event in engine.generate(request) {
            if case .token(let id, _, let logProbability, _) = event {
                output.tokens.append(id)
                output.logProbabilities.append(logProbability)
            }
        }
        return output
    }
}

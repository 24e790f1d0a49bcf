// The safetensors reader on well-formed, malformed and mutated files, and on files that other software wrote.

import Diagnostics
import Foundation
import Testing
import Weights

@Suite
struct SafetensorsTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try SafetensorsFile(path: try scratch.write("m.safetensors", bytes))
    }

    private func problem(_ bytes: [UInt8]) throws -> SafetensorsError.Problem? {
        do {
            _ = try open(bytes)
            return nil
        } catch let error as SafetensorsError {
            return error.problem
        }
    }

    private func refusal(_ change: (inout SafetensorsBuilder) -> Void) throws -> SafetensorsError.Problem? {
        var builder = SafetensorsBuilder.sample()
        change(&builder)
        return try problem(builder.build())
    }

    private func problem(of header: String) throws -> SafetensorsError.Problem? {
        try problem(GGUFBuilder.bytes(UInt64(header.utf8.count)) + Array(header.utf8))
    }

    private func isBadJSON(_ problem: SafetensorsError.Problem?) -> Bool {
        if case .badJSON = problem { true } else { false }
    }

    @Test
    func readsEveryType() throws {
        let file = try open(SafetensorsBuilder.sample().build())
        #expect(Set(file.tensors.map(\.type)) == Set(SafetensorsType.allCases))
        let weights = try #require(file.tensor("w.weight"))
        #expect(weights.shape == [2, 1] && weights.byteCount == 8 && weights.elements == 2)
        #expect(weights.bytes.loadUnaligned(as: Float.self) == 1.5)
        #expect(weights.bytes.loadUnaligned(fromByteOffset: 4, as: Float.self) == -2)
        #expect(file.tensor("t.AI16")?.bytes.loadUnaligned(as: Int16.self) == 0x0707)
        #expect(file.tensor("scalar")?.shape == [] && file.tensor("scalar")?.elements == 1)
        #expect(file.tensor("empty")?.elements == 0)
        #expect(file.tensor("__metadata__") == nil && file.tensor("absent") == nil)
    }

    @Test
    func refusesImpossibleFiles() throws {
        #expect(try problem(Array("PK".utf8)) == .notSafetensors)
        #expect(try problem(GGUFBuilder.bytes(UInt64(2)) + Array("[]".utf8)) == .notSafetensors)
        #expect(try refusal { $0.headerLength = 1 << 40 } == .headerTooLong(1 << 40))
        #expect(try refusal { $0.headerLength = .max } == .headerTooLong(.max))
        #expect(try refusal { $0.add("x", "F8_E4M3", [1], [0]) } == .unsupportedType(tensor: "x", type: "F8_E4M3"))
        #expect(try refusal { $0.add("flags", "U8", [1], [0]) } == .duplicateTensor("flags"))
        #expect(try refusal { $0.add("x", "U8", [2], [0]) } == .wrongSize(tensor: "x", needed: 2, stored: 1))
        #expect(
            try refusal { $0.add("x", "U8", [1 << 62, 1 << 62], [0]) } == .badShape(tensor: "x"))
        let size = SafetensorsBuilder.sample().data.count
        #expect(
            try refusal { $0.describe("x", "U8", [9], size..<size + 9) }
                == .outsideFile(tensor: "x", begin: size, end: size + 9, available: size))
        #expect(try refusal { $0.describe("x", "U8", [3], 0..<3) } == .overlapping("flags", "x"))
        #expect(try refusal { $0.data += [0, 0] } == .hole(from: size, to: size + 2))
        #expect(
            try refusal {
                $0.data.append(0)
                $0.add("x", "U8", [1], [0])
            } == .hole(from: size, to: size + 1))
    }

    @Test(arguments: [
        "{", "{\"a\"}", "{\"a\":1}", "{\"a\":{}}", "{} x",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", "{\"a\":{\"dtype\":\"U8\",\"x\":1}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", "{\"a", "{\"a\\", "{\"\\x\":1}",
        "{\"\\ud800\":1}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,1]}}", "{\"\u{1}\":1}",
    ])
    func refusesMalformedJSON(header: String) throws {
        let problem = try problem(of: header)
        #expect(isBadJSON(problem), "\(String(describing: problem))")
    }

    @Test
    func nestingIsBounded() throws {
        let header = "{\"__metadata__\":" + String(repeating: "[", count: 100_000)
        #expect(isBadJSON(try problem(of: header)))
    }

    /// No truncation and no flipped bit may crash; what opens must have its tensors inside the file.
    @Test
    func mutatedFilesNeverCrash() throws {
        let good = SafetensorsBuilder.sample().build()
        for count in stride(from: 0, to: good.count, by: 7) {
            #expect(throws: SafetensorsError.self) { try open(Array(good.prefix(count))) }
        }
        var random = SeededGenerator(seed: 1)
        var opened = 0
        for _ in 0..<1000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let file = try? open(bytes) else { continue }
            opened += 1
            for tensor in file.tensors {
                let start = tensor.bytes - file.mapping.base
                #expect(start >= 8 && start + tensor.byteCount <= file.mapping.count)
            }
        }
        #expect(opened > 10)
    }

    private func shard(_ tensors: [String]) -> [UInt8] {
        var file = SafetensorsBuilder()
        for name in tensors { file.add(name, "U8", [2], [1, 2]) }
        return file.build()
    }

    private func folder(_ map: String, shards: [(String, [String])]) throws -> SafetensorsError.Problem? {
        let folder = "f\(UUID().uuidString)"
        for (name, tensors) in shards { try scratch.write("\(folder)/\(name)", shard(tensors)) }
        try scratch.write("\(folder)/model.safetensors.index.json", Array(map.utf8))
        do {
            let opened = try SafetensorsFolder(path: "\(scratch.path)/\(folder)")
            #expect(opened.tensors.map(\.name) == ["a", "b", "c"] && opened.tensorBytes == 6)
            #expect(opened.tensor("c")?.shape == [2] && opened.files.count == 2)
            return nil
        } catch {
            return error.problem
        }
    }

    @Test
    func shardsAreCheckedAgainstTheIndex() throws {
        func index(_ map: String) -> String { "{\"metadata\":{\"total_size\":6.0},\"weight_map\":{\(map)}}" }
        let whole = index("\"a\":\"1.st\",\"b\":\"1.st\",\"c\":\"2.st\"")
        #expect(try folder(whole, shards: [("1.st", ["a", "b"]), ("2.st", ["c", "unlisted"])]) == nil)
        #expect(try folder(whole, shards: [("1.st", ["a", "b"])]) == .missingShard("2.st"))
        #expect(
            try folder(whole, shards: [("1.st", ["a"]), ("2.st", ["c"])]) == .missingTensor("b", shard: "1.st"))
        #expect(
            try folder(whole, shards: [("1.st", ["a", "b"]), ("2.st", ["c", "a"])]) == .duplicateTensor("a"))
        for name in ["../1.st", "/etc/passwd", "x\\\\y", "", ".."] {
            #expect(
                try folder(index("\"a\":\"\(name)\""), shards: [])
                    == .badShardName(name == "x\\\\y" ? "x\\y" : name))
        }
        #expect(try folder(index("\"a\":\"1.st\",\"a\":\"1.st\""), shards: []) == .duplicateTensor("a"))
        #expect(isBadJSON(try folder("{}", shards: [])))
    }

    @Test
    func aFolderWithoutWeightsSaysSo() throws {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFolder(path: scratch.path) }
        #expect(error?.problem == .noWeights && error?.userError.code == .modelMissing)
        try scratch.write("model.safetensors", SafetensorsBuilder.sample().build())
        #expect(try SafetensorsFolder(path: scratch.path).tensor("w.weight") != nil)
    }

    /// Files that the format's own library wrote, one of them in shards.
    @Test
    func readsFilesOfOtherSoftware() throws {
        let shared = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../shared/fixtures/models").standardizedFileURL.path
        guard FileManager.default.fileExists(atPath: shared) else {
            print("NOT TESTED: \(shared) is missing")
            return
        }
        let folder = try SafetensorsFolder(path: shared + "/gemma4-moe")
        #expect(folder.files.count == 3)
        #expect(folder.tensor("model.language_model.norm.weight")?.shape == [64])
        let golden = try SafetensorsFile(path: shared + "/gemma4-moe/golden.safetensors")
        #expect(golden.tensor("p0.greedy")?.type == .i32 && golden.tensor("p0.greedy")?.shape == [16])
    }
}

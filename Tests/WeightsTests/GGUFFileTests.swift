// The GGUF reader on well-formed, malformed and mutated files.

import Foundation
import SystemPackage
import Tensors
import Testing
import Weights

@Suite
struct GGUFFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func open(_ bytes: [UInt8]) throws -> GGUFFile { try GGUFFile(path: try scratch.write("m.gguf", bytes)) }

    private func refusal(_ change: (inout GGUFBuilder) -> Void) throws -> GGUFError? {
        var builder = GGUFBuilder.sample()
        change(&builder)
        do {
            _ = try open(builder.build())
            return nil
        } catch let error as GGUFError {
            return error
        }
    }

    @Test
    func readsEveryTypeOfValue() throws {
        let file = try open(GGUFBuilder.sample().build())
        #expect(file.architecture == "test")
        #expect(file.keys.count == 15 && file.keys.first == "general.architecture")
        #expect(file.integer("u8") == 200 && file.integer("i8") == -1)
        #expect(file.integer("u16") == 60_000 && file.integer("i16") == -2)
        #expect(file.integer("u32") == 4_000_000_000 && file.integer("i32") == -3)
        #expect(file.integer("u64") == 1 << 40 && file.integer("i64") == -5)
        // Wild files write counts as floats; only whole ones count as integers.
        #expect(file.integer("f64") == 32 && file.integer("f32") == nil)
        #expect(file.float("f32") == 1.5 && file.float("u8") == 200)
        #expect(file.boolean("bool") == true && file.boolean("u8") == nil)
        #expect(file.strings("tokens") == ["a", "", "▁bc"])
        let table = try #require(file.stringTable("tokens"))
        #expect(table.bytes == Array("a▁bc".utf8) && table.ends == [1, 1, 6])
        #expect(file.integers("types") == [1, 3, 6] && file.arrayCount("types") == 3)
        #expect(file.integers("u8") == [200] && file.floats("types") == [1, 3, 6])
        #expect(file.integers("nested") == nil && file.string("tokens") == nil && file.integer("absent") == nil)
    }

    @Test
    func findsTensors() throws {
        let file = try open(GGUFBuilder.sample().build())
        #expect(file.tensors.map(\.name) == ["norm.weight", "proj.weight", "experts.weight"])
        let norm = try #require(file.tensor("norm.weight"))
        #expect(norm.type == .f32 && norm.shape == [4] && norm.byteCount == 16)
        let floats = try #require(norm.floats)
        #expect((0..<4).map { floats[$0] } == [0, 1, 2, 3])
        let experts = try #require(file.tensor("experts.weight"))
        #expect(experts.type == .q4_K && experts.rows == 4 && experts.byteCount == 144 * 4)
        #expect(experts.bytes.load(as: UInt8.self) == 9)
        #expect(file.tensor("absent") == nil)
        #expect(file.tensorBytes == 16 + 34 * 3 + 144 * 4)
    }

    @Test
    func alignmentIsHonoured() throws {
        var builder = GGUFBuilder.sample()
        builder.tensors = []
        builder.data = []
        builder.alignment = 256
        builder.add("general.alignment", 4, GGUFBuilder.bytes(UInt32(256)))
        builder.add("a", [4], type: 0, [UInt8](repeating: 1, count: 16))
        builder.add("b", [4], type: 0, [UInt8](repeating: 2, count: 16))
        let file = try open(builder.build())
        #expect(file.tensor("b")?.bytes.load(as: UInt8.self) == 2)
    }

    @Test
    func refusesOtherFiles() throws {
        #expect(throws: GGUFError.notGGUF) { try open(Array("PK, no model".utf8)) }
        #expect(throws: GGUFError.notGGUF) { try open([0x47]) }
        #expect(throws: GGUFError.notGGUF) { try open([]) }
        #expect(throws: GGUFError.io(.noSuchFileOrDirectory)) { try GGUFFile(path: scratch.path + "/absent.gguf") }
        #expect(throws: GGUFError.io(.isDirectory)) { try GGUFFile(path: scratch.path) }
        #expect(throws: GGUFError.io(.notSupported)) { try GGUFFile(path: "/dev/zero") }
        #expect(try refusal { $0.version = 1 } == .unsupportedVersion(1))
        #expect(try refusal { $0.version = 0x0300_0000 } == .bigEndian)
    }

    @Test
    func refusesImpossibleMetadata() throws {
        #expect(try refusal { $0.add("u8", 0, [1]) } == .duplicateKey("u8"))
        #expect(try refusal { $0.add("x", 13, [1]) } == .badValueType(key: "x", type: 13))
        #expect(try refusal { $0.pairCount = 1 << 60 } == .truncated("the number of metadata pairs", offset: 16))
        #expect(try refusal { $0.tensorCount = .max } == .truncated("the number of tensors", offset: 8))
        // Lengths and counts far beyond the file.
        for length in [UInt64.max, 1 << 63, 1 << 40] {
            let value = GGUFBuilder.bytes(length)
            #expect(try refusal { $0.add("x", 8, value) } != nil)
            #expect(try refusal { $0.add("x", 9, GGUFBuilder.bytes(UInt32(8)) + value) } != nil)
            #expect(try refusal { $0.add("x", 9, GGUFBuilder.bytes(UInt32(12)) + value) } != nil)
        }
        var deep: [UInt8] = []
        for _ in 0..<9 { deep += GGUFBuilder.bytes(UInt32(9)) + GGUFBuilder.bytes(UInt64(1)) }
        deep += GGUFBuilder.bytes(UInt32(0)) + GGUFBuilder.bytes(UInt64(1)) + [0]
        #expect(try refusal { $0.add("deep", 9, deep) } == .nestedTooDeep(key: "deep"))
        for alignment in [0, 24, 1 << 20] as [UInt32] {
            #expect(
                try refusal { $0.add("general.alignment", 4, GGUFBuilder.bytes(alignment)) }
                    == .badAlignment(Int(alignment)))
        }
        #expect(throws: GGUFError.missing(key: "general.architecture")) {
            try open(GGUFBuilder(architecture: nil).build())
        }
        #expect(
            try refusal {
                $0.add("split.count", 2, GGUFBuilder.bytes(UInt16(3)))
                $0.add("split.no", 2, GGUFBuilder.bytes(UInt16(1)))
            } == .split(part: 2, of: 3))
    }

    @Test
    func refusesImpossibleTensors() throws {
        #expect(
            try refusal { $0.describe("norm.weight", [4], type: 0, offset: 0) } == .duplicateTensor("norm.weight"))
        #expect(try refusal { $0.describe("x", [], type: 0, offset: 0) } == .badDimensions(tensor: "x"))
        #expect(try refusal { $0.describe("x", [1, 1, 1, 1, 1], type: 0, offset: 0) } == .badDimensions(tensor: "x"))
        #expect(try refusal { $0.describe("x", [4, 0], type: 0, offset: 0) } == .badDimensions(tensor: "x"))
        let huge: [UInt64] = [1 << 62, 1 << 62]
        #expect(try refusal { $0.describe("x", huge, type: 0, offset: 0) } == .badDimensions(tensor: "x"))
        #expect(try refusal { $0.describe("x", [.max], type: 0, offset: 0) } == .badDimensions(tensor: "x"))
        #expect(
            try refusal { $0.describe("x", [100], type: 12, offset: 0) }
                == .partialBlock(tensor: "x", type: "Q4_K", columns: 100))
        #expect(
            try refusal { $0.describe("x", [256], type: 16, offset: 0) }
                == .unsupportedType(tensor: "x", id: 16, name: "IQ2_XXS"))
        for id in [4, 5, 31, 33, 36, 38, 77] as [UInt32] {
            #expect(try refusal { $0.describe("x", [256], type: id, offset: 0) } == .unknownType(tensor: "x", id: id))
        }
        #expect(try refusal { $0.describe("x", [4], type: 0, offset: 4) } == .badOffset(tensor: "x", offset: 4))
        #expect(
            try refusal { $0.describe("x", [4], type: 0, offset: .max) } == .badOffset(tensor: "x", offset: .max))
        if case .outsideFile(let name, _, _) = try refusal({ $0.describe("x", [4], type: 0, offset: 1 << 40) }) {
            #expect(name == "x")
        } else {
            Issue.record("a tensor outside the file was taken")
        }
        #expect(
            try refusal { $0.describe("x", [4], type: 0, offset: 0) } == .overlapping("norm.weight", "x"))
    }

    @Test
    func everyTruncationIsRefused() throws {
        let whole = GGUFBuilder.sample().build()
        for length in 0..<whole.count {
            #expect(throws: GGUFError.self) { try open(Array(whole[..<length])) }
        }
    }

    /// Any header must give either a file whose tensors all can be read, or a typed error.
    @Test
    func mutatedHeadersNeverCrash() throws {
        let whole = GGUFBuilder.sample().build()
        let header = whole.count - GGUFBuilder.sample().data.count
        var generator = SeededGenerator(seed: 0x6767_7566)
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
        var opened = 0
        for _ in 0..<4000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<header, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes[place] = extremes.randomElement(using: &generator) ?? 0
                default:
                    for offset in place..<min(place + 8, header) {
                        bytes[offset] = .random(in: 0...255, using: &generator)
                    }
                }
            }
            do {
                let file = try open(bytes)
                opened += 1
                for tensor in file.tensors {
                    _ = tensor.bytes.load(fromByteOffset: tensor.byteCount - 1, as: UInt8.self)
                }
                for key in file.keys {
                    _ = (file.string(key), file.integer(key), file.strings(key), file.integers(key), file.floats(key))
                }
            } catch is GGUFError {
                continue
            }
        }
        #expect(opened > 0, "some mutations only change values")
    }

    @Test(.enabled(if: Models.smollm2 != nil, "needs the SmolLM2 file in the model folder"))
    func readsARealFile() throws {
        let path = try #require(Models.smollm2)
        let model = try GGUFFile(path: path)
        #expect(model.architecture == "llama" && model.tensors.count == 272)
        #expect(model.arrayCount("tokenizer.ggml.tokens") == 49152)
        #expect(model.tensors.filter { $0.type == .q4_1 }.count == 210)
        #expect(model.integer("llama.context_length") == 8192)
    }
}

/// Real models, where they are installed.
enum Models {
    static let smollm2: String? = {
        let directory = ModelStore.defaultDirectory(environment: ProcessInfo.processInfo.environment)
        let path = directory + "/smollm2-135m-instruct-q4_1.gguf"
        if FileManager.default.fileExists(atPath: path) { return path }
        print("SKIPPED: \(path) is missing, so no real model file is read")
        return nil
    }()
}

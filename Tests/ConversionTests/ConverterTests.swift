// Conversion of files that other software wrote and of small ones made here.

import Conversion
import Kernels
import Tensors
import Testing
import Weights

@Suite
struct ConverterTests {
    private let scratch: Scratch
    private let pool = ThreadPool(threads: 2)

    init() throws { scratch = try Scratch() }

    /// A file with a matrix for each rule, of numbers that repeat nowhere; two layers.
    private func source() throws -> GGUFFile {
        let tensors = [
            GGUFTensorDeclaration(name: "token_embd.weight", type: .f32, shape: [256, 40]),
            GGUFTensorDeclaration(name: "blk.0.attn_norm.weight", type: .f32, shape: [256]),
            GGUFTensorDeclaration(name: "blk.0.attn_q.weight", type: .f32, shape: [256, 64]),
            GGUFTensorDeclaration(name: "blk.0.ffn_down_exps.weight", type: .f32, shape: [96, 64, 3]),
            GGUFTensorDeclaration(name: "blk.0.ffn_gate_inp.weight", type: .f32, shape: [256, 3]),
            GGUFTensorDeclaration(name: "blk.1.ffn_up.weight", type: .f32, shape: [40, 8]),
        ]
        let metadata: [(key: String, value: MetadataValue)] = [
            ("general.architecture", .text("llama")), ("general.file_type", .uint32(0)),
            ("llama.block_count", .uint32(2)), ("split.count", .uint16(1)),
            ("tokenizer.ggml.tokens", .array([.text("a"), .string([0xFF])])),
        ]
        let writer = try GGUFWriter(path: scratch.path + "/source.gguf", metadata: metadata, tensors: tensors)
        var number = 0
        for tensor in tensors {
            let numbers = (0..<tensor.byteCount / 4).map { _ in
                number += 1
                return Float((number * 7_919) % 20_011 - 10_005) / 10_005
            }
            try unsafe numbers.withUnsafeBytes { try unsafe writer.write($0, of: tensor.name) }
        }
        try writer.finish()
        return try GGUFFile(path: writer.path)
    }

    @Test
    func everyTensorIsWrittenInItsType() throws {
        let source = try source()
        let converter = try Converter(source, to: .q4_k, pool: pool)
        var seen: [Converter.Progress] = []
        let path = scratch.path + "/q4_k.gguf"
        try converter.write(to: path) { seen.append($0) }
        let result = try GGUFFile(path: path)
        #expect(result.tensors.map(\.type) == [.q6_K, .f32, .q4_K, .q5_0, .f32, .f16])
        #expect(seen.map(\.tensor) == source.tensorNames && seen.last?.bytes == converter.tensorBytes)
        #expect(seen.last?.totalBytes == result.tensorBytes)
        let allowed: [DataType: Double] = [.f32: 0, .f16: 0.000_2, .q5_0: 0.02, .q6_K: 0.012, .q4_K: 0.04]
        for (old, new) in zip(source.tensors, result.tensors) {
            #expect(old.name == new.name && old.shape == new.shape)
            let error = Blocks.error(Blocks.numbers(old), Blocks.numbers(new))
            let bound = try #require(allowed[new.type])
            #expect(error <= bound, "\(new.name): \(error)")
        }
        #expect(
            result.keys == [
                "general.architecture", "general.file_type", "llama.block_count", "tokenizer.ggml.tokens",
                "general.quantization_version",
            ])
        #expect(result.integer("general.file_type") == 15 && result.integer("general.quantization_version") == 2)
        #expect(result.value("tokenizer.ggml.tokens") == source.value("tokenizer.ggml.tokens"))
    }

    /// Blocks that already are what they should be are copied.
    @Test
    func convertingTwiceChangesNothing() throws {
        try Converter(try source(), to: .q8_0, pool: pool).write(to: scratch.path + "/a.gguf")
        let once = try GGUFFile(path: scratch.path + "/a.gguf")
        try Converter(once, to: .q8_0, pool: pool).write(to: scratch.path + "/b.gguf")
        let twice = try GGUFFile(path: scratch.path + "/b.gguf")
        #expect(once.mapping.count == twice.mapping.count)
        let (first, second) = unsafe (
            UnsafeRawBufferPointer(start: once.mapping.base, count: once.mapping.count),
            UnsafeRawBufferPointer(start: twice.mapping.base, count: twice.mapping.count)
        )
        #expect(unsafe first.elementsEqual(second))
    }

    @Test
    func cancellingLeavesNothing() throws {
        struct Cancelled: Error {}
        let converter = try Converter(try source(), to: .q4_0, pool: pool)
        #expect(throws: Cancelled.self) {
            try converter.write(to: scratch.path + "/x.gguf") { progress in
                if progress.tensor == "blk.0.attn_q.weight" { throw Cancelled() }
            }
        }
        #expect(scratch.names == ["source.gguf"])
    }

    @Test
    func filesOfOtherSoftwareAreConverted() throws {
        guard let folder = sharedFixtures("models/llama4-scout-8k/gguf") else { return }
        let source = try GGUFFile(path: folder + "/llama4-scout-8k-F16.gguf")
        let path = scratch.path + "/scout.gguf"
        try Converter(source, to: .q8_0, pool: pool).write(to: path)
        let result = try GGUFFile(path: path)
        #expect(result.tensor("blk.0.ffn_gate_exps.weight")?.type == .q8_0)
        for name in source.tensorNames {
            let (old, new) = (try #require(source.tensor(name)), try #require(result.tensor(name)))
            let numbers = Blocks.numbers(old)
            let largest = numbers.reduce(0) { max($0, abs($1)) }
            #expect(Blocks.error(numbers, Blocks.numbers(new)) <= Double(largest) / 254, "\(name)")
        }
    }
}

// Shapes of synthesized models against published sizes, and the spread of their random blocks. That llama.cpp loads
// and runs such files was tried by hand.

import Kernels
import Tensors
import Testing
import Weights

@testable import Conversion

@Suite
struct SynthesizerTests {
    /// Parameters in billions as published; the text model alone is somewhat smaller than the whole.
    @Test(arguments: [
        (SyntheticModel.gemma4E2B, 4.5...5.1), (.gemma4E4B, 7.3...8.0), (.gemma412B, 11.7...12.0),
        (.gemma426B, 24.6...25.3), (.gemma431B, 30.0...30.8), (.llama4Scout, 107.0...109.0),
        (.llama4Maverick, 396.0...402.0),
    ])
    func fullModelsHaveThePublishedSize(model: SyntheticModel, billions: ClosedRange<Double>) {
        let synthesizer = Synthesizer(model, type: .q4_0)
        let parameters = synthesizer.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        #expect(billions.contains(Double(parameters) / 1e9), "\(parameters)")
        #expect(Set(synthesizer.tensors.map(\.name)).count == synthesizer.tensors.count)
    }

    @Test
    func fewerLayersKeepThePattern() throws {
        for (layers, shared) in [(35, 20), (14, 8), (10, 5), (6, 1), (5, 0), (4, 0), (1, 0)] {
            let plan = SyntheticModel.gemma4E2B.plan(layers: layers)
            let pairs = Dictionary(uniqueKeysWithValues: plan.metadata.map { ($0.key, $0.value) })
            #expect(pairs["gemma4.attention.shared_kv_layers"]?.integer == shared, "\(layers)")
            let isLocal = try #require(pairs["gemma4.attention.sliding_window_pattern"]).elements.map {
                $0.integer == 1
            }
            #expect(isLocal.count == layers && isLocal.last == false)
            // What shares has both kinds to share from.
            if shared > 0 { #expect(Set(isLocal.prefix(layers - shared)) == [true, false]) }
            let names = Set(plan.tensors.map(\.name))
            for layer in 0..<layers {
                #expect(names.contains("blk.\(layer).attn_k.weight") == (layer < layers - shared))
                let wide = plan.tensors.first { $0.name == "blk.\(layer).ffn_up.weight" }?.shape[1]
                #expect(wide == (layer < layers - shared ? 6144 : 12_288))
            }
        }
        let dense = SyntheticModel.gemma431B.plan(layers: 12)
        let names = Set(dense.tensors.map(\.name))
        #expect((0..<12).filter { !names.contains("blk.\($0).attn_v.weight") } == [5, 11])
        let maverick = Set(SyntheticModel.llama4Maverick.plan(layers: 4).tensors.map(\.name))
        #expect((0..<4).filter { maverick.contains("blk.\($0).ffn_gate_exps.weight") } == [1, 3])
        #expect(!maverick.contains("rope_freqs.weight"))
    }

    @Test
    func scoutsFrequencyDivisorsSwitchOnce() throws {
        let plan = SyntheticModel.llama4Scout.plan(layers: 1)
        let divisors = try #require(plan.tensors.first { $0.name == "rope_freqs.weight" }).content
        // 2 pi 500000^(j/64) passes 8192 between j = 34 and 35.
        #expect(divisors == .values((0..<64).map { $0 < 35 ? 1 : 16 }))
    }

    @Test(arguments: [DataType.f32, .q8_0, .q4_0, .q5_0, .q4_K, .q6_K])
    func randomBlocksKeepTheSpread(type: DataType) {
        let blocks = (1 << 18) / type.blockElements
        func make(_ seed: UInt64, _ spread: Float, threads: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: blocks * type.blockBytes)
            unsafe bytes.withUnsafeMutableBytes { memory in
                guard let base = memory.baseAddress else { return }
                unsafe RandomBlocks(type: type, spread: spread)
                    .fill(base, blocks: blocks, seed: seed, pool: ThreadPool(threads: threads))
            }
            return bytes
        }
        for spread in [1, 0.0625, 0.0136] as [Float] {
            let numbers = Blocks.numbers(make(1, spread, threads: 1), type)
            let mean = numbers.reduce(0.0) { $0 + Double($1) } / Double(numbers.count)
            let size = Blocks.error(numbers, Array(repeating: 0, count: numbers.count))
            #expect(abs(size / Double(spread) - 1) < 0.01, "\(size) for \(spread)")
            #expect(abs(mean) < 0.01 * Double(spread), "\(mean)")
        }
        #expect(make(1, 1, threads: 3) == make(1, 1, threads: 1))
        #expect(make(2, 1, threads: 1) != make(1, 1, threads: 1))
    }

    @Test(arguments: [
        ("gemma4", 262_144, [1: "<eos>", 106: "<turn|>", 107: "\n", 238: "<0x00>", 493: "<0xFF>"]),
        ("llama4", 202_048, [0: "Ā", 200_000: "<|begin_of_text|>", 200_008: "<|eot|>"]),
    ])
    func vocabulariesAreWhole(family: String, size: Int, fixed: [Int: String]) throws {
        let pairs = family == "gemma4" ? SyntheticVocabulary.gemma4() : SyntheticVocabulary.llama4()
        let values = Dictionary(uniqueKeysWithValues: pairs.map { ($0.key, $0.value) })
        let tokens = try #require(values["tokenizer.ggml.tokens"]).elements.compactMap(\.string)
        #expect(tokens.count == size && Set(tokens).count == size && !tokens.contains(""))
        #expect(values["tokenizer.ggml.token_type"]?.elements.count == size)
        for (id, token) in fixed { #expect(tokens[id] == token) }
        let known = Set(tokens)
        for merge in try #require(values["tokenizer.ggml.merges"]).elements.compactMap(\.string) {
            let parts = merge.split(separator: " ")
            #expect(parts.count == 2 && known.isSuperset(of: [String(parts[0]), String(parts[1]), parts.joined()]))
        }
    }
}

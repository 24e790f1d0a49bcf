import Conversion
import Tensors
import Testing

@Suite
struct TypePolicyTests {
    private func type(
        _ name: String, _ shape: [Int] = [512, 512], _ type: QuantizedType = .q4_k, source: DataType? = .bf16
    ) -> DataType {
        TypePolicy(type, layers: 16).type(of: name, shape: shape, source: source)
    }

    @Test
    func whatIsSmallOrDecidesStaysExact() {
        for name in [
            "output_norm.weight", "blk.0.attn_q_norm.weight", "rope_freqs.weight", "blk.3.layer_output_scale.weight",
            "blk.0.attn_q.bias", "blk.0.ffn_gate_inp.scale",
        ] { #expect(type(name, [512]) == .f32) }
        #expect(type("blk.0.ffn_gate_inp.weight") == .f32)
        #expect(type("blk.0.ffn_down_exps.scale", [8]) == .f32)
        #expect(type("position_ids", [8], source: .i32) == .i32)
    }

    @Test
    func embeddingAndHeadKeepMoreBits() {
        for name in ["token_embd.weight", "output.weight"] {
            #expect(type(name) == .q6_K && type(name, [512, 8], .q4_0) == .q6_K)
            #expect(type(name, [96, 8], .q4_0) == .q8_0)
            #expect(type(name, [512, 8], .q8_0) == .q8_0 && type(name, [512, 8], .q6_k) == .q6_K)
        }
        #expect(type("per_layer_token_embd.weight") == .q4_K)
        #expect(type("per_layer_model_proj.weight", source: .bf16) == .bf16)
    }

    @Test
    func valuesAndDownProjectionsOfSomeLayersKeepMoreBits() {
        let wide = (0..<16).filter { type("blk.\($0).ffn_down.weight") == .q6_K }
        // The first and last eighth, and every third layer between.
        #expect(wide == [0, 1, 4, 7, 10, 13, 14, 15])
        #expect(type("blk.0.attn_v.weight") == .q6_K && type("blk.0.ffn_down_exps.weight", [512, 8, 4]) == .q6_K)
        #expect(type("blk.0.attn_k.weight") == .q4_K && type("blk.0.ffn_down.weight", [512, 512], .q4_0) == .q4_0)
    }

    @Test
    func rowsThatBlocksDoNotFillGetSmallerBlocks() {
        #expect(type("blk.5.ffn_down.weight", [704, 8]) == .q5_0)
        #expect(type("blk.0.ffn_down.weight", [704, 8]) == .q8_0)
        #expect(type("blk.5.ffn_down.weight", [48, 8]) == .f16)
        #expect(type("blk.5.ffn_down.weight", [48, 8], .q4_0) == .f16)
    }

    @Test
    func matricesDoNotGrow() {
        #expect(type("blk.5.attn_q.weight", [512, 8], .q8_0, source: .q4_K) == .q4_K)
        #expect(type("token_embd.weight", source: .q4_0) == .q4_0)
        #expect(type("blk.5.attn_q.weight", source: .q8_0) == .q4_K)
    }
}

// The walk through the layers that all families share. What a layer does is each family's own file.

import KVCache
import Kernels
import Tensors
import Weights

/// A stack of decoder layers with an embedding below and a vocabulary above.
protocol DecoderStack: LanguageModel {
    var steps: DecoderSteps { get }
    var head: OutputHead { get }

    /// Fills the residual stream of the pass.
    func embed(_ tokens: [Int32], pass: Pass)

    /// One layer. Layers with keys and values of their own store them for all tokens; only `rows` go on.
    func layer(_ index: Int, rows: Range<Int>, pass: Pass)
}

/// What turns hidden states into logits.
struct OutputHead {
    let norm: UnsafePointer<Float>  // [embedding]
    /// [embedding] -> [vocabulary]; the embedding itself where the checkpoint ties them.
    let output: TensorView
    /// logits = cap · tanh(logits / cap)
    var softcap: Float?

    init(_ binder: WeightBinder, embedding: TensorView, softcap: Float? = nil) throws(ModelError) {
        norm = try binder.vector("output_norm.weight", count: embedding.columns)
        output =
            try binder.optionalMatrix("output.weight", rows: embedding.rows, columns: embedding.columns) ?? embedding
        self.softcap = softcap
    }
}

extension DecoderStack {
    var observer: HiddenStateObserver? {
        get { steps.observer }
        set { steps.observer = newValue }
    }

    func forward(_ sequences: [SequenceStep], wanted: Range<Int>) {
        let pass = Pass(sequences, wanted: wanted)
        let tokens = sequences.flatMap(\.tokens)
        embed(tokens, pass: pass)  // [tokens, embedding]
        steps.observeStream("hidden.input", pass: pass)
        // Whoever stores for later layers or later tokens needs the stream of all tokens; from the last layer that
        // stores on, only the rows whose logits are wanted go on. In Gemma 4 E2B these are 20 of 35 layers.
        let last = steps.lastStoringLayer
        for index in configuration.layerPlan.indices {
            let rows = index < last ? pass.all : wanted
            guard !rows.isEmpty || index == last else { break }
            steps.streaming.begin(index)
            layer(index, rows: rows, pass: pass)
            steps.streaming.end(index)
            steps.observeStream("hidden.layer.\(index)", pass: pass)
        }
        steps.streaming.endLookups(tokens: tokens.count)
        for sequence in sequences { sequence.cache.commit(sequence.tokens.count) }
    }

    func logits(rows: Range<Int>, into logits: inout [Float]) {
        steps.project(rows: rows, head, into: &logits)
    }
}

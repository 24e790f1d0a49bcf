// What every family offers to the engine, and which families there are.

package import KVCache
package import Kernels
package import Weights

/// What a checkpoint's metadata says about a model, read and checked before any weight is touched.
package protocol ModelConfiguration: Sendable {
    /// One entry per layer, in order.
    var layerPlan: [LayerPlan] { get }
    /// Positions that the model was made for.
    var contextLength: Int { get }
    /// Rows of the output projection; the tokenizer may have fewer tokens.
    var vocabularyRows: Int { get }
    /// Sizes of the activations.
    var widths: ActivationWidths { get }
    /// Binds the weights. The checkpoint must stay open as long as the model is used.
    func bind(_ checkpoint: any Checkpoint, _ options: BindOptions) throws(ModelError) -> any LanguageModel
}

/// How a model is set up.
package struct BindOptions {
    package var compute: Compute
    /// The most tokens of one forward pass.
    package var chunkTokens: Int
    package var angles: RotaryAngles
    /// Bytes that weights may take; `nil` for no limit.
    package var weightRoom: Int?

    package init(
        compute: Compute, chunkTokens: Int, angles: RotaryAngles = .exact, weightRoom: Int? = nil
    ) {
        self.compute = compute
        self.chunkTokens = chunkTokens
        self.angles = angles
        self.weightRoom = weightRoom
    }
}

/// Sees intermediate results, `[rows, columns]` under the names of the reference files, such as `hidden.layer.3`.
package typealias HiddenStateObserver = (_ name: String, _ values: UnsafeBufferPointer<Float>, _ columns: Int) -> Void

/// A bound model: token ids in, hidden states and logits out. Belongs to one thread.
package protocol LanguageModel: AnyObject {
    var configuration: any ModelConfiguration { get }

    /// Runs tokens that follow those in their caches, and leaves their keys and values there.
    ///
    /// Keeps the hidden states of the rows `wanted` for `logits`. Layers after the last that stores keys and values
    /// compute no more than these.
    /// - Parameters:
    ///   - steps: tokens of one sequence or several, at most one chunk together.
    ///   - wanted: rows of all tokens, counted from 0.
    func forward(_ steps: [SequenceStep], wanted: Range<Int>)

    /// Logits of rows of the last forward pass's `wanted`, the vocabulary's matrix read once for all of them.
    /// - Parameters:
    ///   - rows: elements of `wanted`.
    ///   - logits: `rows.count * vocabularyRows` elements, row after row.
    func logits(rows: Range<Int>, into logits: inout [Float])

    /// Called with every layer's output in passes that want all rows; for comparing with references.
    var observer: HiddenStateObserver? { get set }
}

/// The next tokens of a sequence.
package struct SequenceStep {
    /// Ids below `vocabularyRows`, at least one.
    package var tokens: [Int32]
    package var cache: KVCacheManager

    package init(tokens: [Int32], cache: KVCacheManager) {
        self.tokens = tokens
        self.cache = cache
    }
}

extension LanguageModel {
    /// Runs tokens of one sequence.
    package func forward(_ tokens: [Int32], wanted: Range<Int>, cache: KVCacheManager) {
        forward([SequenceStep(tokens: tokens, cache: cache)], wanted: wanted)
    }

    /// Logits of one row: `vocabularyRows` elements.
    package func logits(row: Int, into logits: inout [Float]) {
        self.logits(rows: row..<row + 1, into: &logits)
    }
}

/// The families that run, by `general.architecture`.
package enum ModelFamily: String, CaseIterable, Sendable {
    case gemma3, gemma4, llama, llama4, qwen2, smollm3

    /// Reads a checkpoint's configuration.
    ///
    /// - Parameter rebuildsKeys: whether layers whose keys follow from their values keep only these. Needs exact angles.
    package static func configuration(
        _ checkpoint: any Checkpoint, rebuildsKeys: Bool = true
    ) throws(ModelError) -> any ModelConfiguration {
        guard let family = ModelFamily(rawValue: checkpoint.architecture) else {
            throw .architecture(checkpoint.architecture, known: allCases.map(\.rawValue))
        }
        return switch family {
        case .gemma3: try Gemma3Configuration(checkpoint)
        case .gemma4: try Gemma4Configuration(checkpoint, rebuildsKeys: rebuildsKeys)
        case .llama, .smollm3, .qwen2: try LlamaConfiguration(checkpoint)
        case .llama4: try Llama4Configuration(checkpoint)
        }
    }
}

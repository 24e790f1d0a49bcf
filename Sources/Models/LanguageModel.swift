// What every family offers to the engine, and which families there are.

package import KVCache
package import Kernels
package import Weights

/// What a file's metadata says about a model, read and checked before any weight is touched.
package protocol ModelConfiguration: Sendable {
    /// One entry per layer, in order.
    var layerPlan: [LayerPlan] { get }
    /// Positions that the model was made for.
    var contextLength: Int { get }
    /// Rows of the output projection; the tokenizer may have fewer tokens.
    var vocabularyRows: Int { get }
    /// Sizes of the activations.
    var widths: ActivationWidths { get }
    /// Binds the weights. The file must stay open as long as the model is used.
    /// - Parameter chunkTokens: the most tokens of one forward pass.
    func bind(_ file: any Checkpoint, compute: Compute, chunkTokens: Int) throws(ModelError) -> any LanguageModel
}

/// A bound model: token ids in, hidden states and logits out. Belongs to one thread.
package protocol LanguageModel: AnyObject {
    var configuration: any ModelConfiguration { get }

    /// Runs tokens that follow those in the cache, and leaves their keys and values there.
    ///
    /// Keeps the hidden states of the rows `wanted` for `logits`. The last layer computes no more than these.
    /// - Parameters:
    ///   - tokens: ids below `vocabularyRows`, at most one chunk.
    ///   - wanted: rows of `tokens`, counted from 0.
    func forward(_ tokens: [Int32], wanted: Range<Int>, cache: KVCacheManager)

    /// Logits of one row of the last forward pass's `wanted`.
    /// - Parameters:
    ///   - row: an element of `wanted`.
    ///   - logits: `vocabularyRows` elements.
    func logits(row: Int, into logits: inout [Float])
}

/// The families that run, by `general.architecture`.
package enum ModelFamily: String, CaseIterable, Sendable {
    case gemma3, llama, qwen2, smollm3

    /// Reads a file's configuration.
    package static func configuration(_ file: any Checkpoint) throws(ModelError) -> any ModelConfiguration {
        guard let family = ModelFamily(rawValue: file.architecture) else {
            throw .architecture(file.architecture, known: allCases.map(\.rawValue))
        }
        return switch family {
        case .gemma3: try Gemma3Configuration(file)
        case .llama, .smollm3: try LlamaConfiguration(file)
        case .qwen2: try Qwen2Configuration(file)
        }
    }
}

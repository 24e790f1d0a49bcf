/// What a model file says about the model in it.
package struct ModelDescription: Sendable, Equatable, Codable {
    /// `general.name` of the file, or the file's own name.
    package var name: String
    package var path: String
    /// `general.architecture`, for example `llama`.
    package var architecture: String
    /// Number of weights.
    package var parameters: Int
    /// Size of the file, or of all its parts.
    package var bytes: Int
    /// Such as `Q4_1`; a label only, files mix block types.
    package var quantization: String
    /// Number of layers by what they attend to, such as `full` or `sliding 512`.
    package var layersByAttention: [String: Int]
    /// Positions of the aligned chunk that a layer sees at least; nil where no layer sees chunks.
    package var attentionChunk: Int?
    /// Positions of the window that a layer sees at least; nil where no layer has one.
    package var slidingWindow: Int?
    /// Positions that the file says the model was made for.
    package var contextLength: Int
    package var vocabularySize: Int
    /// What each further token adds to the cache once the windows of sliding layers are full.
    package var cacheBytesPerToken: Int
    /// What each token would add if every layer kept everything.
    package var cacheBytesPerTokenAllLayers: Int
    /// Name of the chat template in use.
    package var templateName: String
    /// Whether the model was not trained on dialogues, so that prompts must be texts to continue.
    package var isBase: Bool
    /// `general.license`, where the file has it.
    package var license: String?

    package init(
        name: String, path: String, architecture: String, parameters: Int, bytes: Int, quantization: String,
        layersByAttention: [String: Int], attentionChunk: Int?, slidingWindow: Int?, contextLength: Int,
        vocabularySize: Int, cacheBytesPerToken: Int,
        cacheBytesPerTokenAllLayers: Int, templateName: String, isBase: Bool, license: String?
    ) {
        self.name = name
        self.path = path
        self.architecture = architecture
        self.parameters = parameters
        self.bytes = bytes
        self.quantization = quantization
        self.layersByAttention = layersByAttention
        self.attentionChunk = attentionChunk
        self.slidingWindow = slidingWindow
        self.contextLength = contextLength
        self.vocabularySize = vocabularySize
        self.cacheBytesPerToken = cacheBytesPerToken
        self.cacheBytesPerTokenAllLayers = cacheBytesPerTokenAllLayers
        self.templateName = templateName
        self.isBase = isBase
        self.license = license
    }
}

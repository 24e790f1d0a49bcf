/// How long a model may think before it answers.
package enum ThinkingLevel: String, Sendable, Codable, CaseIterable {
    case none, low, medium, high

    /// Tokens of thought; after so many the engine closes it.
    package var budget: Int {
        switch self {
        case .none: 0
        case .low: 256
        case .medium: 1024
        case .high: 4096
        }
    }
}

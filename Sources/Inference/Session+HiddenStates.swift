// Intermediate results of one pass, for comparing with references.

import KVCache
import Models

extension Session {
    /// Computes all tokens in one pass from nothing and keeps what the model shows.
    func hiddenStates(_ tokens: [Int32]) throws -> [String: [Float]] {
        try check(tokens, output: 0)
        forget()
        // The tokens are not noted as stored: nothing reuses this pass.
        defer { cache.truncate(to: 0) }
        var states: [String: [Float]] = [:]
        model.observer = { name, values, _ in states[name] = Array(values) }
        defer { model.observer = nil }
        model.forward(tokens, wanted: 0..<tokens.count, cache: cache)
        return states
    }
}

// One sequence on one model: what the engine's thread does. Synchronous and free of Swift concurrency except that it
// asks whether its task was cancelled, between prefill chunks and between tokens.
//
// The keys and values of the last sequence stay; the next one reuses the longest common prefix.

import KVCache
import Kernels
import Models
import Tokenization

/// A model, its cache, and the tokens that are in it.
final class Session {
    private let model: any LanguageModel
    private let arithmetic: Compute
    private let cache: KVCacheManager
    private let tokenizer: Tokenizer
    private let chunkTokens: Int
    /// Tokens whose keys and values are stored, `cache.count` of them.
    private var stored: [Int32] = []
    private var logits: [Float]
    /// Ids that are never drawn: padding, unknown and control entries other than stop tokens.
    private let undrawable: [Int32]
    /// Built when the first grammar arrives.
    private var trie: TokenTrie?
    /// The last grammar: questions in a row usually share it, and what was found about it stays.
    private var matcher: (grammar: Grammar, stopTokens: Set<Int32>, value: GrammarMatcher)?

    init(
        model: any LanguageModel, arithmetic: Compute, cache: KVCacheManager, tokenizer: Tokenizer, chunkTokens: Int
    ) {
        self.model = model
        self.arithmetic = arithmetic
        self.cache = cache
        self.tokenizer = tokenizer
        self.chunkTokens = chunkTokens
        let rows = model.configuration.vocabularyRows
        logits = Array(repeating: 0, count: rows)
        undrawable = (0..<Int32(rows)).filter { id in
            id >= tokenizer.vocabularySize || (tokenizer.isControl(id) && !tokenizer.stopTokens.contains(id))
        }
    }

    /// Computes a prompt and what follows it. `yield` receives events as they happen.
    func generate(_ request: GenerationRequest, yield: (GenerationEvent) -> Void) throws {
        let stops = request.stopTokens ?? tokenizer.stopTokens
        try check(request.prompt, output: request.maxOutputTokens)
        let grammar = try request.grammar.map { try matcher(for: $0, stopTokens: stops) }
        let clock = ContinuousClock()
        let start = clock.now
        var usage = Usage(
            promptTokens: request.prompt.count, cachedTokens: 0, outputTokens: 0, prefillSeconds: 0, decodeSeconds: 0)
        try compute(
            request.prompt, wantedFrom: request.prompt.count - 1,
            progress: { done, cached in
                usage.cachedTokens = cached
                yield(.prefill(done: done, total: request.prompt.count, cached: cached))
            })
        let prefilled = clock.now
        usage.prefillSeconds = seconds(prefilled - start)
        let reason = try decode(request, stops: stops, grammar: grammar, usage: &usage, yield: yield)
        usage.decodeSeconds = seconds(clock.now - prefilled)
        yield(.finished(reason, usage))
    }

    /// Log-probabilities of continuations of one prompt; the prompt is computed once.
    func score(prompt: [Int32], continuations: [[Int32]]) throws -> [ScoredContinuation] {
        try continuations.map { continuation in
            let sequence = prompt + continuation
            try check(sequence, output: 0)
            guard !prompt.isEmpty else { throw EngineError.emptyPrompt }
            var scores: [Float] = []
            guard !continuation.isEmpty else { return ScoredContinuation(tokenLogProbabilities: scores) }
            try compute(
                sequence.dropLast(), wantedFrom: prompt.count - 1,
                visit: { position in scores.append(self.logProbability(sequence[position + 1])) })
            return ScoredContinuation(tokenLogProbabilities: scores)
        }
    }

    /// Logits of the token after each of `positions`, in the order asked for.
    func logits(_ tokens: [Int32], positions: [Int]) throws -> [[Float]] {
        try check(tokens, output: 0)
        guard let first = positions.min() else { return [] }
        precondition(first >= 0 && positions.allSatisfy { $0 < tokens.count }, "a position outside of the tokens")
        var found: [Int: [Float]] = [:]
        let asked = Set(positions)
        try compute(
            tokens[...], wantedFrom: first,
            visit: { position in if asked.contains(position) { found[position] = self.logits } })
        return positions.compactMap { found[$0] }
    }

    var cacheBytes: Int { cache.residentBytes }

    /// Forgets the sequence, so that the next one starts from nothing.
    func forget() {
        cache.truncate(to: 0)
        stored.removeAll(keepingCapacity: true)
    }

    // MARK: - Steps

    /// Makes the cache hold `sequence`, reusing what it can, and leaves the last logits in `logits`.
    ///
    /// - Parameters:
    ///   - wantedFrom: `visit` is called for this position and each later one, while `logits` belong to it.
    ///   - progress: positions done so far and how many were reused, before the first chunk and after each.
    private func compute(
        _ sequence: ArraySlice<Int32>, wantedFrom: Int, progress: (_ done: Int, _ cached: Int) -> Void = { _, _ in },
        visit: (_ position: Int) -> Void = { _ in }
    ) throws {
        let common = zip(stored, sequence).prefix { $0 == $1 }.count
        cache.truncate(to: min(common, wantedFrom))
        stored.removeLast(stored.count - cache.count)
        let cached = cache.count
        progress(cached, cached)
        while cache.count < sequence.count {
            try Task.checkCancellation()
            let first = cache.count
            let end = min(first + chunkTokens, sequence.count)
            let wanted = min(max(wantedFrom, first), end)..<end
            let chunk = Array(sequence[sequence.startIndex + first..<sequence.startIndex + end])
            model.forward(chunk, wanted: wanted.lowerBound - first..<wanted.upperBound - first, cache: cache)
            stored.append(contentsOf: chunk)
            for position in wanted {
                model.logits(row: position - first, into: &logits)
                visit(position)
            }
            progress(end, cached)
        }
    }

    private func compute(
        _ sequence: [Int32], wantedFrom: Int, progress: (_ done: Int, _ cached: Int) -> Void
    ) throws {
        try compute(sequence[...], wantedFrom: wantedFrom, progress: progress)
    }

    /// Token after token until something ends the output.
    private func decode(
        _ request: GenerationRequest, stops: Set<Int32>, grammar: GrammarMatcher?, usage: inout Usage,
        yield: (GenerationEvent) -> Void
    ) throws -> FinishReason {
        var sampler = Sampler(request.sampling)
        var decoder = StreamingDecoder(tokenizer)
        while true {
            if let grammar, grammar.isExhausted { return .grammar }
            guard usage.outputTokens < request.maxOutputTokens else { return .length }
            try Task.checkCancellation()
            let allowed = try grammar?.allowed()
            let total = arithmetic.logSumExp(logits, count: logits.count)
            for id in undrawable where !stops.contains(id) { logits[Int(id)] = -.infinity }
            let token = sampler.next(logits, allowed: allowed)
            if stops.contains(token) { return .stop }
            let logProbability = logits[Int(token)] - total
            grammar?.accept(tokenizer.bytes(of: token))
            usage.outputTokens += 1
            yield(.token(id: token, text: decoder.append(token), logProbability: logProbability))
            // The logits after the last token that may be generated are of no use.
            guard usage.outputTokens < request.maxOutputTokens else { continue }
            model.forward([token], wanted: 0..<1, cache: cache)
            stored.append(token)
            model.logits(row: 0, into: &logits)
        }
    }

    private func logProbability(_ token: Int32) -> Float {
        logits[Int(token)] - arithmetic.logSumExp(logits, count: logits.count)
    }

    private func matcher(for grammar: Grammar, stopTokens: Set<Int32>) throws(EngineError) -> GrammarMatcher {
        if let matcher, matcher.grammar == grammar, matcher.stopTokens == stopTokens {
            matcher.value.restart()
            return matcher.value
        }
        let trie = self.trie ?? TokenTrie(tokenizer)
        self.trie = trie
        let new = try GrammarMatcher(grammar, trie: trie, stopTokens: stopTokens)
        matcher = (grammar, stopTokens, new)
        return new
    }

    private func check(_ tokens: [Int32], output: Int) throws(EngineError) {
        guard !tokens.isEmpty else { throw .emptyPrompt }
        let limit = cache.layout.contextTokens
        guard tokens.count + output <= limit else {
            throw .context(prompt: tokens.count, output: output, limit: limit)
        }
        let rows = model.configuration.vocabularyRows
        for token in tokens where token < 0 || token >= rows { throw .token(token, vocabularySize: rows) }
    }
}

private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}

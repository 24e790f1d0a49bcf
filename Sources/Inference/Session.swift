// One sequence on one model: what the engine's thread does. Synchronous and free of Swift concurrency except that it
// asks whether its task was cancelled, between prefill chunks and between tokens.
//
// The keys and values of the last sequence stay; the next one reuses the longest common prefix, or a longer one that
// was stored.

import Hashing
import KVCache
import Kernels
import Models
import Tokenization

/// A model, its cache, and the tokens that are in it.
final class Session {
    /// Text that a grammar forces is guessed so far ahead; more than the longest draft holds.
    private static let forcedBytes = 128
    /// How often the tokenizer's tokens of such text are the model's.
    private static let forcedProbability: Float = 0.9

    let model: any LanguageModel
    let arithmetic: Compute
    let cache: KVCacheManager
    let tokenizer: Tokenizer
    private let chunkTokens: Int
    let reading: KVReading
    let segments: KVSegmentStore?
    let memory: MemoryPlan
    private let gauge: KeyValueGauge?
    /// Keys of the full segments that `stored` begins with, as far as they were asked for.
    private var segmentKeys: [ContentHash] = []
    /// What generated tokens of the last request read of paged keys and values.
    var selection = KVSelectionCounts()
    /// Reads of paged keys and values that went wrong.
    private var failures = 0
    /// Tokens whose keys and values are stored, `cache.count` of them.
    private var stored: [Int32] = []
    private var logits: [Float]
    /// Logits of the rows of the last decode step, where it had several.
    private var rows: [Float] = []
    private var speculator = Speculator()
    /// Ids that are never drawn: padding, unknown and control entries other than stop tokens.
    let undrawable: [Int32]
    /// Built when the first grammar arrives.
    private var trie: TokenTrie?
    /// Of the last grammar: questions usually share it.
    private var table: (grammar: Grammar, value: GrammarTable)?

    init(
        model: any LanguageModel, arithmetic: Compute, cache: KVCacheManager, tokenizer: Tokenizer, chunkTokens: Int,
        memory: MemoryPlan, reading: KVReading = .exact, segments: KVSegmentStore? = nil, gauge: KeyValueGauge? = nil
    ) {
        self.memory = memory
        self.reading = reading
        self.segments = segments
        self.gauge = gauge
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
        segments?.documents = request.keptDocuments
        var usage = Usage(
            promptTokens: request.prompt.count, cachedTokens: 0, outputTokens: 0, prefillSeconds: 0, decodeSeconds: 0)
        try compute(
            request.prompt, wantedFrom: request.prompt.count - 1, keeping: request.keptTokens,
            progress: { done, cached in
                usage.cachedTokens = cached
                yield(.prefill(done: done, total: request.prompt.count, cached: cached))
            })
        let prefilled = clock.now
        usage.prefillSeconds = seconds(prefilled - start)
        var output = SequenceOutput(request, stops: stops, grammar: grammar, tokenizer: tokenizer)
        output.usage = usage
        let reason = try decode(request, into: &output, stops: stops, yield: yield)
        output.usage.decodeSeconds = seconds(clock.now - prefilled)
        yield(.finished(reason, output.usage))
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

    var keyValueCounts: KeyValueCounts {
        KeyValueCounts(
            resident: cache.count - cache.pagedCount, paged: cache.pagedCount, residentBytes: cache.residentBytes,
            pagedBytes: cache.pagedBytes, reads: cache.readCounts)
    }

    /// Lets others see where keys and values are while the session computes.
    func showKeyValues() { gauge?.set(keyValueCounts) }

    /// Comparisons of outputs that left out pages with exact ones; nil where none are made.
    var readingCheck: KVReadingCheck? {
        get { arithmetic.readingCheck }
        set { arithmetic.readingCheck = newValue }
    }

    var keyValueUse: KeyValueUse { KeyValueUse(reading, selection) }

    /// Forgets the sequence, so that the next one starts from nothing.
    func forget() { cut(to: 0) }

    // MARK: - Steps

    /// Makes the cache hold `sequence`, reusing what it can, and leaves the last logits in `logits`.
    ///
    /// - Parameters:
    ///   - wantedFrom: `visit` is called for this position and each later one, while `logits` belong to it.
    ///   - worthKeeping: tokens of the sequence that are worth storing.
    ///   - progress: positions done so far and how many were reused, before the first chunk and after each.
    private func compute(
        _ sequence: ArraySlice<Int32>, wantedFrom: Int, keeping worthKeeping: Int = 0,
        progress: (_ done: Int, _ cached: Int) -> Void = { _, _ in }, visit: (_ position: Int) -> Void = { _ in }
    ) throws {
        let common = zip(stored, sequence).prefix { $0 == $1 }.count
        cut(to: min(common, wantedFrom))
        restore(sequence, atMost: wantedFrom)
        let cached = cache.count
        var kept = 0
        func keepFromHere() {
            kept = worthKeeping - cache.count < Self.leastStored ? 0 : min(worthKeeping, wantedFrom)
        }
        keepFromHere()
        var visited = wantedFrom
        showKeyValues()
        progress(cached, cached)
        while cache.count < sequence.count {
            try Task.checkCancellation()
            let first = cache.count
            var end = min(first + chunkTokens, sequence.count)
            let segment = cache.layout.segmentTokens
            if first < kept { end = min(end, kept, (first / segment + 1) * segment) }
            let wanted = min(max(visited, first), end)..<end
            let chunk = Array(sequence[sequence.startIndex + first..<sequence.startIndex + end])
            try makeRoom(chunk.count)
            model.forward(chunk, wanted: wanted.lowerBound - first..<wanted.upperBound - first, cache: cache)
            stored.append(contentsOf: chunk)
            if let failure = cache.takeFailure() {
                try recover(failure)
                restore(sequence, atMost: visited)
                keepFromHere()
                continue
            }
            visited = max(visited, end)
            if end <= kept { keep(end, last: end == kept) }
            for position in wanted {
                model.logits(rows: position - first..<position - first + 1, into: &logits)
                visit(position)
            }
            showKeyValues()
            progress(end, cached)
        }
    }

    private func compute(
        _ sequence: [Int32], wantedFrom: Int, keeping kept: Int, progress: (_ done: Int, _ cached: Int) -> Void
    ) throws {
        try compute(sequence[...], wantedFrom: wantedFrom, keeping: kept, progress: progress)
    }

    /// Goes on with an output whose sequence so far is `sequence`.
    func goOn(
        _ request: GenerationRequest, with output: inout SequenceOutput, behind sequence: [Int32], keeping kept: Int,
        stops: Set<Int32>, yield: (GenerationEvent) -> Void
    ) throws -> FinishReason {
        try compute(sequence[...], wantedFrom: sequence.count - 1, keeping: kept)
        return try decode(request, into: &output, stops: stops, yield: yield)
    }

    /// Makes the cache hold a sequence and nothing behind it.
    func hold(
        _ sequence: [Int32], keeping kept: Int, progress: (_ done: Int, _ cached: Int) -> Void = { _, _ in }
    ) throws {
        try compute(sequence, wantedFrom: sequence.count, keeping: kept, progress: progress)
    }

    // MARK: - Stored prefixes

    /// Prefixes that are shorter are as quickly computed.
    private static let leastStored = 256

    /// Takes a stored prefix where it is much longer than the one in memory.
    private func restore(_ sequence: ArraySlice<Int32>, atMost limit: Int) {
        let present = cache.count
        guard let segments, limit - present >= Self.leastStored else { return }
        let restored = segments.restore(
            Array(sequence), into: cache, atMost: limit, betterThan: present + Self.leastStored)
        guard restored > 0 || cache.count < present else { return }
        speculator.shorten(to: 0)
        stored = Array(sequence.prefix(cache.count))
        segmentKeys = Array(segmentKeys.prefix(present / cache.layout.segmentTokens))
    }

    /// Stores the segment that ends at `end` if it is full or the last one.
    private func keep(_ end: Int, last: Bool) {
        let full = end / cache.layout.segmentTokens, isFull = end % cache.layout.segmentTokens == 0
        guard let segments, isFull || last else { return }
        let parents = keys(isFull ? full - 1 : full, segments)
        segments.store(
            stored, cache, parents: parents, keepsWindow: last || full.isMultiple(of: KVSegment.windowInterval))
    }

    // MARK: - Paging

    /// A disk whose reads fail so often is not asked again.
    private static let mostFailures = 16

    private func makeRoom(_ tokens: Int) throws(EngineError) {
        do {
            try cache.makeRoom(tokens)
        } catch {
            throw .paging(error)
        }
    }

    /// Cuts the sequence back to what lies before pages that came back wrong, so that the rest is computed again.
    func recover(_ failure: KVReadFailure) throws(EngineError) {
        failures += 1
        guard failures <= Self.mostFailures else { throw .reading(failure) }
        if let segments {
            segments.discard(keys(failure.position / cache.layout.segmentTokens + 1, segments), why: failure.why)
        }
        cut(to: failure.position)
    }

    /// Runs a token that follows the stored ones, and guesses behind it.
    ///
    /// - Precondition: `token` is the last of `stored`, and the only one that is not in the cache.
    private func forward(_ token: Int32, _ drafts: [Int32], keeping kept: Int) throws {
        let batch = [token] + drafts
        while true {
            try makeRoom(batch.count)
            cache.reading = reading
            model.forward(batch, wanted: 0..<batch.count, cache: cache)
            cache.reading = .exact
            guard let failure = cache.takeFailure() else { break }
            let before = stored.dropLast()
            try recover(failure)
            try compute(before, wantedFrom: before.count - 1, keeping: kept)
            stored.append(token)
        }
        stored += drafts
    }

    /// Keys of the first full segments of `stored`.
    private func keys(_ count: Int, _ segments: KVSegmentStore) -> [ContentHash] {
        while segmentKeys.count < count {
            let range =
                segmentKeys.count * cache.layout.segmentTokens..<(segmentKeys.count + 1) * cache.layout.segmentTokens
            segmentKeys.append(segments.key(stored[range], parent: segmentKeys.last))
        }
        return Array(segmentKeys.prefix(count))
    }

    /// Token after token until something ends the output.
    ///
    /// A step may compute guesses behind the token: their logits are those that computing them one by one gives, and a
    /// guess counts only where it is what is drawn from the logits before it.
    private func decode(
        _ request: GenerationRequest, into output: inout SequenceOutput, stops: Set<Int32>,
        yield: (GenerationEvent) -> Void
    ) throws -> FinishReason {
        if request.speculation { speculator.begin(stored[...]) }
        var drafts: [Int32] = []
        /// The row of the last step that `logits` belong to; so many guesses were right.
        var row = 0
        _ = cache.takeSelection()
        defer {
            selection = cache.takeSelection()
            // Guesses that nothing confirmed are no part of the sequence. Nor is what follows from less than all keys
            // and values: the next request would go on from it, and store it.
            cut(to: reading == .exact ? stored.count - drafts.count + row : request.prompt.count)
        }
        while true {
            try Task.checkCancellation()
            let token: Int32
            switch try output.next(&logits, arithmetic, undrawable: undrawable, yield: yield) {
            case .finished(let reason): return reason
            // The logits after the last token that may be generated are of no use.
            case .token where output.left == 0: continue
            case .token(let id): token = id
            }
            if row < drafts.count, drafts[row] == token {
                row += 1
                output.usage.acceptedTokens += 1
                if request.speculation { speculator.append(stored[..<(stored.count - drafts.count + row)]) }
                takeRow(row)
            } else {
                let confirmed = stored.count - drafts.count + row
                cut(to: confirmed)
                precondition(stored.count == confirmed, "a draft reached further than it can be taken back")
                row = 0
                drafts = try step(token, request, stops: stops, grammar: output.rules, left: output.left)
                output.usage.draftedTokens += drafts.count
            }
        }
    }

    /// Computes a token that was just generated and guesses behind it, and leaves the logits after the token.
    /// - Parameter left: tokens that may yet be generated.
    /// - Returns: the guesses, whose logits are in `rows`.
    private func step(
        _ token: Int32, _ request: GenerationRequest, stops: Set<Int32>, grammar: GrammarMatcher?, left: Int
    ) throws -> [Int32] {
        stored.append(token)
        var drafts: [Int32] = []
        if request.speculation {
            speculator.append(stored[...])
            let guesses = guesses(grammar, limit: min(left - 1, longestDraft)) { id in
                stops.contains(id) || request.sampling.suppressed.contains(id)
            }
            drafts = guesses.prefix(speculator.worthwhile(guesses)).map(\.token)
        }
        let clock = ContinuousClock()
        let start = clock.now
        try forward(token, drafts, keeping: request.keptTokens)
        showKeyValues()
        if drafts.isEmpty {
            model.logits(rows: 0..<1, into: &logits)
        } else {
            let needed = (1 + drafts.count) * logits.count
            if rows.count > needed { rows.removeLast(rows.count - needed) }
            rows.append(contentsOf: repeatElement(0, count: needed - rows.count))
            model.logits(rows: 0..<1 + drafts.count, into: &rows)
            takeRow(0)
        }
        speculator.measured(tokens: 1 + drafts.count, seconds: seconds(clock.now - start))
        return drafts
    }

    private func takeRow(_ row: Int) {
        logits.replaceSubrange(0..., with: rows[row * logits.count..<(row + 1) * logits.count])
    }

    /// What may come after `stored`: what the grammar leaves no choice about, then what followed the same tokens
    /// before. Ends before anything that cannot be part of an output.
    private func guesses(
        _ grammar: GrammarMatcher?, limit: Int, excluding isExcluded: (Int32) -> Bool
    ) -> [Speculator.Guess] {
        guard limit > 0 else { return [] }
        var guesses: [Speculator.Guess] = []
        if let forced = grammar?.forcedBytes(limit: Self.forcedBytes), !forced.isEmpty {
            // The model may cut the text in another way than the tokenizer; then the guess is wrong.
            guesses = tokenizer.encode(utf8: forced).prefix(limit).map {
                Speculator.Guess(token: $0, probability: Self.forcedProbability)
            }
        }
        if guesses.isEmpty {
            guesses = speculator.guesses(stored[...], limit: limit)
        } else {
            let forced = guesses.count
            stored += guesses.map(\.token)
            guesses += speculator.guesses(stored[...], guessed: forced, limit: limit - forced)
            stored.removeLast(forced)
        }
        if let grammar { guesses = Array(guesses.prefix(grammar.permitted(guesses.map(\.token)))) }
        return Array(guesses.prefix { !tokenizer.isControl($0.token) && !isExcluded($0.token) })
    }

    /// The most tokens behind the next one that can be computed and taken back again.
    private var longestDraft: Int {
        let next = cache.count + 1
        let layout = cache.layout
        var longest = min(Speculator.maximumDraft, layout.chunkTokens - 1, layout.contextTokens - next)
        for layer in cache.plan {
            switch layer.attention {
            case .full: continue
            case .sliding: longest = min(longest, layout.slackTokens)
            // A chunk is given up as soon as all of it is stored.
            case .chunked(let size): longest = min(longest, size - 1 - next % size)
            }
        }
        return max(longest, 0)
    }

    /// Cuts the sequence back to at most `count` tokens.
    private func cut(to count: Int) {
        guard count < stored.count else { return }
        cache.truncate(to: count)
        stored.removeLast(stored.count - cache.count)
        segmentKeys = Array(segmentKeys.prefix(stored.count / cache.layout.segmentTokens))
        speculator.shorten(to: stored.count)
    }

    private func logProbability(_ token: Int32) -> Float {
        logits[Int(token)] - arithmetic.logSumExp(logits, count: logits.count)
    }

    func matcher(for grammar: Grammar, stopTokens: Set<Int32>) throws(EngineError) -> GrammarMatcher {
        if let table, table.grammar == grammar, !table.value.automaton.isOverfull {
            return GrammarMatcher(table.value, stopTokens: stopTokens)
        }
        let trie = self.trie ?? TokenTrie(tokenizer)
        self.trie = trie
        let new = try GrammarTable(grammar, trie: trie)
        table = (grammar, new)
        return GrammarMatcher(new, stopTokens: stopTokens)
    }

    func check(_ tokens: [Int32], output: Int) throws(EngineError) {
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

// Several outputs behind one beginning, step by step together: each step reads the weights, and the keys and values of
// what they share, once for all of them.

import KVCache
import Models
import Tokenization

extension Session {
    /// One of the outputs.
    private struct Member {
        let index: Int
        /// Behind the shared beginning: the request's prompt and what was written so far.
        var tokens: [Int32]
        var output: SequenceOutput
        var cache: KVCacheManager

        /// Tokens that are not in the cache.
        func pending(_ shared: Int) -> ArraySlice<Int32> { tokens[(cache.count - shared)...] }
    }

    /// Memory for keys and values that outputs do not share; more outputs than it holds come one group after another.
    static let forkMemory = 256 << 20

    /// Answers requests whose prompts follow a shared beginning. `yield` tells whose events they are.
    ///
    /// Each output is what it would be alone. Requests are answered without guesses.
    func generate(
        after beginning: [Int32], keeping kept: Int, _ requests: [GenerationRequest],
        yield: (Int, GenerationEvent) -> Void
    ) throws {
        let room = requests.map { $0.prompt.count + $0.maxOutputTokens }.max() ?? 0
        try check(beginning, output: room)
        for request in requests { try check(request.prompt, output: request.maxOutputTokens) }
        var reused = 0
        try hold(beginning, keeping: kept) { done, cached in
            reused = cached
            yield(0, .prefill(done: done, total: beginning.count, cached: cached))
        }
        let most = max(1, min(cache.layout.chunkTokens, Self.forkMemory / max(cache.forkBytes(room: room), 1)))
        for first in stride(from: 0, to: requests.count, by: most) {
            let group = first..<min(first + most, requests.count)
            var members = try group.map { index in
                let request = requests[index]
                let stops = request.stopTokens ?? tokenizer.stopTokens
                var output = SequenceOutput(
                    request, after: beginning, stops: stops,
                    grammar: try request.grammar.map { try newMatcher($0, stopTokens: stops) }, tokenizer: tokenizer)
                output.usage.cachedTokens = reused
                return Member(
                    index: index, tokens: request.prompt, output: output, cache: cache.fork(room: room))
            }
            while !members.isEmpty { try advance(&members, after: beginning, keeping: kept, room: room, yield: yield) }
        }
    }

    /// One pass over the layers for as many members as fit a chunk, and a token for each that it completes.
    private func advance(
        _ members: inout [Member], after beginning: [Int32], keeping kept: Int, room: Int,
        yield: (Int, GenerationEvent) -> Void
    ) throws {
        try Task.checkCancellation()
        var steps: [SequenceStep] = []
        var rows: [(member: Int, row: Int)] = []
        var free = cache.layout.chunkTokens
        for index in members.indices where free > 0 {
            let tokens = members[index].pending(beginning.count).prefix(free)
            free -= tokens.count
            steps.append(SequenceStep(tokens: Array(tokens), cache: members[index].cache))
            if tokens.endIndex == members[index].tokens.endIndex {
                rows.append((index, cache.layout.chunkTokens - free - 1))
            }
        }
        model.forward(steps, wanted: 0..<cache.layout.chunkTokens - free)
        showKeyValues()
        if let failure = cache.takeFailure() {
            // What the members have computed rests on what was read: they begin again behind the shared part.
            try recover(failure)
            try hold(beginning, keeping: kept)
            for index in members.indices { members[index].cache = cache.fork(room: room) }
            return
        }
        let tokens = cache.layout.chunkTokens - free
        // One after the other, the vocabulary's matrix would be read for each.
        let all = rows.count == tokens ? logits(rows: 0..<tokens) : nil
        var finished: Set<Int> = []
        for (member, row) in rows {
            let width = model.configuration.vocabularyRows
            var logits = all.map { Array($0[row * width..<(row + 1) * width]) } ?? logits(rows: row..<row + 1)
            let index = members[member].index
            func next() throws -> SequenceOutput.Step {
                try members[member].output.next(&logits, arithmetic, undrawable: undrawable) { yield(index, $0) }
            }
            var step = try next()
            if case .token(let id) = step {
                members[member].tokens.append(id)
                // The logits after the last token that may be generated are of no use.
                guard members[member].output.left == 0 else { continue }
                step = try next()
            }
            guard case .finished(let reason) = step else { continue }
            yield(index, .finished(reason, members[member].output.usage))
            finished.insert(index)
        }
        members.removeAll { finished.contains($0.index) }
    }

    private func logits(rows: Range<Int>) -> [Float] {
        var logits = [Float](repeating: 0, count: rows.count * model.configuration.vocabularyRows)
        model.logits(rows: rows, into: &logits)
        return logits
    }
}

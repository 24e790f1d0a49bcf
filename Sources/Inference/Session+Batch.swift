// Several outputs behind one beginning, step by step together: each step reads the weights, and the keys and values of
// what they share, once for all of them.

import KVCache
import Kernels
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
        /// Whether the prompt was computed.
        var isRead = false

        /// Tokens that are not in the cache.
        func pending(_ shared: Int) -> ArraySlice<Int32> { tokens[(cache.count - shared)...] }
    }

    /// The most memory for what outputs do not share; more outputs than it holds come one group after another.
    static let batchMemory = 256 << 20

    /// Guesses make fewer outputs faster than writing them together.
    private static let leastTogether = 4

    /// Answers requests whose prompts follow a shared beginning. `yield` tells whose events they are.
    ///
    /// Each output is what it would be alone. Outputs that are written together are written without guesses; few that
    /// may be guessed, those that there is no memory for, and those that leave out pages are written one by one.
    func generate(
        after beginning: [Int32], keeping kept: Int, _ requests: [GenerationRequest],
        yield: (Int, GenerationEvent) -> Void
    ) throws {
        let room = requests.map { $0.prompt.count + $0.maxOutputTokens }.max() ?? 0
        try check(beginning, output: room)
        for request in requests { try check(request.prompt, output: request.maxOutputTokens) }
        segments?.documents = requests.first?.keptDocuments ?? [:]
        var reused = 0
        let total = beginning.count + (requests.first?.prompt.count ?? 0)
        try hold(beginning, keeping: kept) { done, cached in
            reused = cached
            yield(0, .prefill(done: done, total: total, cached: cached))
        }
        guard !requests.isEmpty else { return }
        // What all outputs read together.
        var selection = KVSelectionCounts()
        defer { self.selection = selection }
        let most = min(cache.layout.chunkTokens, batchRoom / (cache.forkBytes(room: room) + logitsBytes))
        let groups = (requests.count + most - 1) / max(most, 1)
        let least = requests.allSatisfy(\.speculation) ? Self.leastTogether : 1
        guard reading == .exact, most > 1, requests.count / groups >= least else {
            for (index, request) in requests.enumerated() {
                var whole = request
                whole.prompt = beginning + request.prompt
                whole.keptTokens = kept
                try generate(whole) { event in
                    if index == 0, case .prefill(let done, let total, _) = event {
                        yield(0, .prefill(done: done, total: total, cached: reused))
                    } else {
                        yield(index, event)
                    }
                }
                selection.add(self.selection)
            }
            return
        }
        for group in 0..<groups {
            // The last output of the group before went on behind it.
            try hold(beginning, keeping: kept)
            _ = cache.takeSelection()
            let indices = group * requests.count / groups..<(group + 1) * requests.count / groups
            var members = try indices.map { index in
                let request = requests[index]
                let stops = request.stopTokens ?? tokenizer.stopTokens
                var output = SequenceOutput(
                    request, after: beginning, stops: stops,
                    grammar: try request.grammar.map { try matcher(for: $0, stopTokens: stops) }, tokenizer: tokenizer)
                output.usage.cachedTokens = index == 0 ? reused : beginning.count
                return Member(
                    index: index, tokens: request.prompt, output: output, cache: cache.fork(room: room))
            }
            while !members.isEmpty {
                if members.count == 1, let last = members.first, isFasterAlone(last, requests[last.index]) {
                    members = []
                    selection.add(cache.takeSelection())
                    try goOn(last, requests[last.index], after: beginning, keeping: kept, yield: yield)
                    selection.add(self.selection)
                } else {
                    try advance(&members, after: beginning, keeping: kept, room: room, yield: yield)
                }
            }
            selection.add(cache.takeSelection())
        }
    }

    /// Whether an output whose companions have ended has so much before it that guesses make up for computing again
    /// what it does not share.
    private func isFasterAlone(_ member: Member, _ request: GenerationRequest) -> Bool {
        request.speculation && member.isRead && member.output.left > member.tokens.count
    }

    private func goOn(
        _ member: Member, _ request: GenerationRequest, after beginning: [Int32], keeping kept: Int,
        yield: (Int, GenerationEvent) -> Void
    ) throws {
        var output = member.output
        let reason = try goOn(
            request, with: &output, behind: beginning + member.tokens, keeping: kept,
            stops: request.stopTokens ?? tokenizer.stopTokens, yield: { yield(member.index, $0) })
        yield(member.index, .finished(reason, output.usage))
    }

    /// Bytes that outputs may take for themselves: what is planned for them, and what the cache leaves of its own.
    private var batchRoom: Int {
        // Buffers for reading pages are in the plan of the cache, and not in what it holds.
        let unused = cache.layout.pages ? 0 : max(memory.cacheBytes - cache.residentBytes, 0)
        return min(memory.batchBytes + unused, Self.batchMemory)
    }

    /// Of one row.
    private var logitsBytes: Int { model.configuration.vocabularyRows * MemoryLayout<Float>.size }

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
            if !members[member].isRead {
                members[member].isRead = true
                let usage = members[member].output.usage
                let read = usage.promptTokens
                yield(members[member].index, .prefill(done: read, total: read, cached: usage.cachedTokens))
            }
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

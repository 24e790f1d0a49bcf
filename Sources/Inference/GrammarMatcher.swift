/// Follows one output through a grammar and tells which tokens may come next.
final class GrammarMatcher {
    private let table: GrammarTable
    private let stopTokens: Set<Int32>
    /// A token beside the grammar that may come next.
    var mark: Int32?
    private var state: GrammarAutomaton.State = 0

    /// - Parameters:
    ///   - table: may serve the matchers of several outputs.
    ///   - stopTokens: allowed wherever the output may end.
    init(_ table: GrammarTable, stopTokens: Set<Int32>) {
        self.table = table
        self.stopTokens = stopTokens
    }

    /// Whether the output may end here.
    var isComplete: Bool { table.automaton.isAccepting(state) }

    /// Whether the output must end here.
    var isExhausted: Bool { isComplete && (!table.automaton.leadsOn(state) || table.tokens(from: state).isEmpty) }

    /// The tokens that may come next, at least one.
    func allowed() throws(EngineError) -> [Int32] {
        let tokens = table.tokens(from: state)
        if table.automaton.isOverfull { throw .grammar("Its automaton outgrows its memory.") }
        guard isComplete || !tokens.isEmpty || mark != nil else {
            throw .grammar("No token of the model continues it.")
        }
        return tokens + (isComplete ? stopTokens.sorted() : []) + (mark.map { [$0] } ?? [])
    }

    /// Whether a token may come next.
    func permits(_ token: Int32) -> Bool {
        if token == mark { return true }
        if stopTokens.contains(token) { return isComplete }
        return table.after(token, from: state) != nil
    }

    /// Takes a token that is permitted and ends nothing.
    func accept(_ token: Int32) {
        guard let next = table.after(token, from: state) else {
            preconditionFailure("a token outside of the grammar was accepted")
        }
        state = next
    }

    /// How many of these tokens may come next, one after the other, without a stop token.
    func permitted(_ tokens: some Sequence<Int32>) -> Int {
        var (count, reached) = (0, state)
        for token in tokens {
            guard !stopTokens.contains(token), let next = table.after(token, from: reached) else { break }
            reached = next
            count += 1
        }
        return count
    }

    /// The bytes that must come next, at most `limit`.
    func forcedBytes(limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var reached = state
        while bytes.count < limit, let byte = table.automaton.forcedByte(reached) {
            bytes.append(byte)
            reached = table.automaton.step(reached, byte)
        }
        return bytes
    }
}

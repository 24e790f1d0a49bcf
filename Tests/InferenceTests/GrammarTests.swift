import Testing

@testable import Inference

struct GrammarTests {
    private func matches(_ grammar: Grammar, _ text: String) throws -> Bool {
        try matches(grammar, Array(text.utf8))
    }

    private func matches(_ grammar: Grammar, _ bytes: [UInt8]) throws -> Bool {
        var automaton = try GrammarAutomaton(grammar)
        var state: GrammarAutomaton.State = 0
        for byte in bytes {
            state = automaton.step(state, byte)
            if state == GrammarAutomaton.dead { return false }
        }
        return automaton.isAccepting(state)
    }

    private let citation = Grammar.sequence([
        .literal("["), .choice([.literal("1"), .literal("12"), .literal("7")]), .literal("]"),
    ])

    @Test func combinatorsMatchWhatTheySay() throws {
        #expect(try matches(citation, "[12]") && matches(citation, "[1]"))
        #expect(try !matches(citation, "[2]") && !matches(citation, "[1") && !matches(citation, ""))
        let number = Grammar.repeat(.bytes(ByteClass("0123456789")), min: 2, max: 4)
        let verdicts = try ["1", "12", "123", "1234", "12345", "1a"].map { try matches(number, $0) }
        #expect(verdicts == [false, true, true, true, false, false])
        let list = Grammar.sequence([
            citation, .repeat(.sequence([.literal(", "), citation])), .optional(.literal(".")),
        ])
        #expect(try matches(list, "[1]") && matches(list, "[1], [7], [12].") && !matches(list, "[1], "))
        #expect(try matches(.sequence([]), "") && !matches(.sequence([]), "a"))
        #expect(try matches(.repeat(.literal("ab"), min: 0, max: 0), ""))
    }

    @Test func textIsWellFormedUTF8WithoutWhatIsExcluded() throws {
        let text = Grammar.text(excluding: ByteClass("\n["), min: 1, max: 3)
        #expect(try matches(text, "äβ🙂") && matches(text, "a") && !matches(text, "") && !matches(text, "abcd"))
        #expect(try !matches(text, "a\n") && !matches(text, "[a"))
        // Overlong, surrogate, cut off, beyond the last code point.
        for bytes: [UInt8] in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF4, 0x90, 0x80, 0x80], [0xFF]] {
            #expect(try !matches(text, bytes))
        }
        for scalar: UInt32 in [0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] {
            #expect(try matches(text, String(try #require(Unicode.Scalar(scalar)))))
        }
    }

    @Test func grammarsWithoutTextAreRefused() throws {
        #expect(throws: EngineError.self) { try GrammarAutomaton(.choice([])) }
        #expect(throws: EngineError.self) { try GrammarAutomaton(.sequence([.literal("a"), .bytes([])])) }
        #expect(throws: EngineError.self) {
            try GrammarAutomaton(.repeat(.text(min: 0, max: 1000), min: 0, max: 1000))
        }
        // A way that leads nowhere is no way.
        #expect(try !matches(.choice([.literal("a"), .sequence([.literal("b"), .choice([])])]), "b"))
        var automaton = try GrammarAutomaton(.choice([.literal("a"), .sequence([.literal("b"), .choice([])])]))
        #expect(automaton.step(0, UInt8(ascii: "b")) == GrammarAutomaton.dead)
    }

    private let vocabulary = ["a", "ab", "abc", "b", "[", "[1", "]", "1", "2", "] ", "12", "a", "[12]", "x"]

    private func trie() -> TokenTrie {
        TokenTrie(
            vocabulary: vocabulary.enumerated().map { (Int32($0.offset), Array($0.element.utf8)) })
    }

    private func allowed(_ matcher: GrammarMatcher) throws -> [String] {
        try matcher.allowed().map { $0 == 99 ? "stop" : vocabulary[Int($0)] }
    }

    @Test func matcherAllowsExactlyTheTokensThatGoOn() throws {
        let table = try GrammarTable(citation, trie: trie())
        let matcher = GrammarMatcher(table, stopTokens: [99])
        #expect(try allowed(matcher) == ["[", "[1", "[12]"])
        matcher.accept(5)
        #expect(try allowed(matcher) == ["]", "2"])
        #expect(!matcher.isComplete && !matcher.isExhausted)
        matcher.accept(6)
        #expect(matcher.isComplete && matcher.isExhausted)
        // What was found about a grammar serves the next output, which begins anew.
        #expect(try allowed(GrammarMatcher(table, stopTokens: [99])) == ["[", "[1", "[12]"])

        // Both entries spelled "a" are found; where the text may end, so may the output.
        let letters = try GrammarMatcher(GrammarTable(.repeat(.literal("a")), trie: trie()), stopTokens: [99])
        #expect(try allowed(letters) == ["a", "a", "stop"])
        let impossible = try GrammarMatcher(GrammarTable(.literal("zebra"), trie: trie()), stopTokens: [99])
        #expect(throws: EngineError.self) { try impossible.allowed() }
    }

    @Test(arguments: 0..<20)
    func matcherAgreesWithTryingEveryToken(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let letters: [UInt8] = Array("abc".utf8)
        func grammar(_ depth: Int) -> Grammar {
            switch depth == 0 ? 0 : pick(5) {
            case 0: .bytes(ByteClass(letters[pick(3)]))
            case 1: .sequence((0...pick(3)).map { _ in grammar(depth - 1) })
            case 2: .choice((0...pick(3)).map { _ in grammar(depth - 1) })
            case 3: .repeat(grammar(depth - 1), min: pick(2), max: 1 + pick(3))
            default: .repeat(grammar(depth - 1))
            }
        }
        let vocabulary: [(id: Int32, bytes: [UInt8])] = (0..<60).map { id in
            (id, (0...pick(4)).map { _ in letters[pick(3)] })
        }
        let language = grammar(3)
        let trie = TokenTrie(vocabulary: vocabulary)
        let matcher = try GrammarMatcher(GrammarTable(language, trie: trie), stopTokens: [])
        var automaton = try GrammarAutomaton(language)
        var prefix: [UInt8] = []
        for _ in 0..<8 {
            var state: GrammarAutomaton.State = 0
            for byte in prefix { state = automaton.step(state, byte) }
            let expected = vocabulary.filter { entry in
                var state = state
                for byte in entry.bytes where state != GrammarAutomaton.dead { state = automaton.step(state, byte) }
                return state != GrammarAutomaton.dead
            }
            let found = (try? matcher.allowed()) ?? []
            #expect(found == expected.map(\.id), "seed \(seed)")
            guard let next = expected.isEmpty ? nil : expected[pick(expected.count)] else { break }
            matcher.accept(next.id)
            prefix += next.bytes
        }
    }
}

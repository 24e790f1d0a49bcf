import Testing

@testable import Benchmarks

@Suite struct RecallCorpusTests {
    @Test(arguments: RecallPreset.allCases, [1, 2, 99] as [UInt64])
    func factsStandWhereTheyMust(preset: RecallPreset, seed: UInt64) throws {
        let shape = preset.shape
        let corpus = RecallCorpus(preset.shape, tokens: 12 * shape.chunk + 5, depths: 20, seed: seed)
        #expect(corpus == RecallCorpus(preset.shape, tokens: 12 * shape.chunk + 5, depths: 20, seed: seed))
        #expect(corpus.count == 12 * shape.chunk + 5)
        let context = corpus.context()
        #expect(context.count == corpus.count && context[0] == 0 && !context.dropFirst().contains(0))
        #expect(corpus.questions.count == 26)
        // A whole key stands in one chunk with its values; a cut one lies across an edge.
        for question in corpus.questions {
            let places = context.indices.filter { context[$0...].starts(with: question.key) }
            let edges = places.map { place in (1...6).filter { (place + $0) % shape.chunk == 0 } }
            switch question.kind {
            case .fact, .decoys: #expect(edges == [[]])
            case .cut(let after): #expect(edges == [[after]])
            case .threeOfFour: #expect(places.count == 4 && edges.allSatisfy { $0.allSatisfy { $0 > 3 } })
            case .absent: #expect(places.isEmpty)
            }
            if question.kind == .fact || question.kind == .decoys {
                #expect(Array(context[(places[0] + 3)...].prefix(4)) == question.expected)
            }
        }
        let depths = corpus.questions.filter { $0.kind == .fact }.compactMap(\.depth)
        #expect(depths.count == 20 && depths == depths.sorted() && depths[0] < 0.01 && depths[19] > 0.98)
    }

    /// A question and its answer need their three tokens before them in the same chunk.
    @Test(arguments: 0..<256)
    func questionsAreNotCut(rest: Int) {
        let corpus = RecallCorpus(.tiny, tokens: 4096 + rest, depths: 2, seed: 1)
        #expect(corpus.count <= 4096 + rest && corpus.count > 4096 + rest - 7)
        #expect(corpus.count / 256 == (corpus.count + RecallBenchmark.questionTokens - 1) / 256)
    }

    /// No three tokens in a row answer for others: what a query takes from them stands before one token only.
    @Test(arguments: RecallPreset.allCases)
    func nothingElseMatches(preset: RecallPreset) {
        let corpus = RecallCorpus(preset.shape, tokens: 40 * preset.shape.chunk, depths: 100, seed: 3)
        let codes = TokenCodes(experts: preset.shape.experts)
        let context = corpus.context()
        struct Window: Hashable {
            var word: Int
            var second: Int32
            var third: Int32
        }
        func window(_ tokens: ArraySlice<Int32>) -> Window {
            let first = tokens.startIndex
            return Window(word: codes.word(of: tokens[first]), second: tokens[first + 1], third: tokens[first + 2])
        }
        var places: [Window: [Int]] = [:]
        for index in 3..<context.count { places[window(context[index - 3..<index]), default: []].append(index) }
        for question in corpus.questions {
            let text = question.key + question.expected
            switch question.kind {
            case .fact, .decoys:
                for index in 3..<text.count { #expect(places[window(text[index - 3..<index])]?.count == 1) }
            case .cut: #expect(places[window(question.key[...])]?.count == 1)
            case .threeOfFour: #expect(places[window(question.key[...])]?.count == 4)
            case .absent: #expect(places[window(question.key[...])] == nil)
            }
        }
    }

    @Test func tenMillionTokensArePlanned() {
        let corpus = RecallCorpus(.tiny, tokens: 10 << 20, depths: 20, seed: 1)
        #expect(corpus.count == 10 << 20)
        #expect(corpus.questions.count == 26)
    }
}

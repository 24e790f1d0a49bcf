import Documents
import Testing

@testable import Packing

private let frame = PromptFrame(
    before: [.control("<|system|>"), .text("Read this.\n\n")],
    after: [.text("\nQuestion: where is it?\nAnswer:"), .control("<|end|>")])

/// A tokenizer that makes one token of each word, mark and line break, so that nothing joins across lines.
private struct LineTokenizer: PromptTokenizing {
    var promptStart: [Int32] { [1] }

    func plainTokensWithRanges(_ text: String) -> [(id: Int32, range: Range<Int>)] {
        let bytes = Array(text.utf8)
        var tokens: [(id: Int32, range: Range<Int>)] = []
        var start = 0
        while start < bytes.count {
            var end = start + 1
            if bytes[start] != 10 { while end < bytes.count, bytes[end] != 10, bytes[end] != 32 { end += 1 } }
            let hash = bytes[start..<end].reduce(UInt32(7)) { ($0 &* 31 &+ UInt32($1)) & 0xFFFF }
            tokens.append((100 + Int32(hash), start..<end))
            start = end
        }
        return tokens
    }

    func plainTokens(_ text: String) -> [Int32] { plainTokensWithRanges(text).map(\.id) }

    func controlTokens(_ text: String) -> [Int32] { [2] }
}

@Suite struct ChunkAlignmentTests {
    /// Walks through a plan and counts what edges cut.
    @Test(arguments: 0..<50) func onlyWhatIsFarFromAnEdgeIsCut(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let chunk = 320
        var passages: [ChunkAlignment.Passage] = []
        while passages.count < 60 {
            let sizes = (0..<Int.random(in: 1...20, using: &random)).map { _ in Int.random(in: 2...60, using: &random) }
            for (index, size) in sizes.enumerated() {
                passages.append(.init(tokens: size, document: index == 0 ? sizes.reduce(0, +) : nil, header: 5))
            }
        }
        let start = Int.random(in: 0..<900, using: &random)
        let plan = ChunkAlignment(chunk: chunk, start: start, passages, tail: 40, room: .max)
        var at = start
        var headed = -1
        for (passage, before) in zip(passages, plan.before) {
            #expect(before.filler <= ChunkAlignment.most(chunk: chunk))
            let near = (chunk - at % chunk) % chunk <= ChunkAlignment.most(chunk: chunk)
            at += before.filler
            if passage.document != nil || before.isHeaded { headed = at / chunk }
            #expect(at / chunk == headed, "no header in this chunk")
            let tokens = passage.tokens + (before.isHeaded ? 5 : 0)
            if near { #expect(at / chunk == (at + tokens - 1) / chunk) }
            at += tokens
        }
        #expect(at + plan.last == start + passages.reduce(0) { $0 + $1.tokens } + plan.added)
        // Less room takes from the end.
        let limited = ChunkAlignment(chunk: chunk, start: start, passages, tail: 40, room: plan.added / 2)
        #expect(limited.added <= plan.added / 2)
        let same = zip(limited.before, plan.before).prefix { $0 == $1 }
        #expect(same.contains { $0.0.filler > 0 || $0.0.isHeaded } || plan.added < 60)
        #expect(ChunkAlignment(chunk: chunk, start: start, passages, tail: 40, room: 0).added == 0)
    }

    @Test func aSmallDocumentMovesBehindTheEdge() {
        let passages = [
            ChunkAlignment.Passage(tokens: 1590, document: 1590, header: 4),
            ChunkAlignment.Passage(tokens: 5, document: 30, header: 4),
            ChunkAlignment.Passage(tokens: 25, document: nil, header: 4),
        ]
        let plan = ChunkAlignment(chunk: 1600, start: 0, passages, tail: 20, room: .max)
        #expect(plan.before.map(\.filler) == [0, 10, 0])
        #expect(!plan.before.contains { $0.isHeaded })
    }

    @Test func questionAndAnswerShareAChunk() {
        let passages = [ChunkAlignment.Passage(tokens: 1590, document: 1590, header: 4)]
        #expect(ChunkAlignment(chunk: 1600, start: 0, passages, tail: 20, room: .max).last == 10)
        #expect(ChunkAlignment(chunk: 1600, start: 0, passages, tail: 20, room: 9).last == 0)
        #expect(ChunkAlignment(chunk: 1600, start: 0, passages, tail: 10, room: .max).last == 0)
    }

    @Test(arguments: 0..<60) func orderHasAllAndCutsFewer(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let chunk = 400
        let sizes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            [400, 900, 1200, Int.random(in: 1...380, using: &random), Int.random(in: 1...380, using: &random)]
                .randomElement(using: &random) ?? 1
        }
        let start = [0, 10, 400].randomElement(using: &random) ?? 0
        func cut(_ order: [Int]) -> Int {
            var at = start
            var cut = 0
            for item in order {
                let edge = (chunk - at % chunk) % chunk
                let isCut = sizes[item] > 1 && at / chunk != (at + sizes[item] - 1) / chunk
                if isCut, sizes[item] <= chunk {
                    if edge <= ChunkAlignment.most(chunk: chunk) { at += edge } else { cut += 1 }
                }
                at += sizes[item]
            }
            return cut
        }
        let order = ChunkOrder.order(sizes, chunk: chunk, start: start)
        #expect(order.sorted() == Array(sizes.indices))
        #expect(cut(order) <= cut(Array(sizes.indices)))
    }
}

@Suite struct ChunkPackingTests {
    private let view = LocalView(chunk: 640)

    private func packer(_ window: Int, _ view: LocalView, _ tokenizer: any PromptTokenizing = LineTokenizer()) -> Packer
    {
        Packer(tokenizer: tokenizer, budget: TokenBudget(window: window, answer: 50), view: view)
    }

    /// With a tokenizer whose tokens join across lines as well.
    @Test(arguments: 0..<40) func budgetsHoldAndDocumentsStayWhole(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let corpus = randomCorpus(&random, documents: 12, segments: 1...30, words: 2...30)
        let window = Int.random(in: 300...4000, using: &random)
        let tokenizer: any PromptTokenizing = seed.isMultiple(of: 2) ? LineTokenizer() : PieceTokenizer()
        for arrangement in [Packer.Arrangement.given, .bestFit] {
            let packed = try packer(window, view, tokenizer).pack(corpus, frame: frame, arrangement: arrangement)
            let plain = try packer(window, LocalView(), tokenizer).pack(corpus, frame: frame, arrangement: arrangement)
            #expect(packed.windows.allSatisfy { $0.tokens.count + 50 <= window })
            #expect(packed.ledger.entries.allSatisfy { !$0.places.isEmpty })
            for source in corpus {
                func windows(_ packed: PackedCorpus) -> Int {
                    packed.windows.count { $0.documents.contains { $0.path == source.document.path } }
                }
                let alone = try packer(window, LocalView(), tokenizer).pack([source], frame: frame).windows.count
                if alone == 1 { #expect(windows(packed) == 1, "\(source.document.path)") }
            }
            let isWhole = corpus.allSatisfy { source in
                plain.windows.count { $0.documents.contains { $0.path == source.document.path } } == 1
            }
            if arrangement == .bestFit, isWhole { #expect(packed.windows.count == plain.windows.count) }
        }
    }

    @Test func passagesAreNotCut() throws {
        var before = ChunkCuts()
        var after = ChunkCuts()
        for seed in 0..<20 {
            var random = SeededGenerator(seed: UInt64(seed))
            let corpus = randomCorpus(&random, documents: 6, segments: 1...60, words: 2...25)
            let aligned = try packer(2600, view).pack(corpus, frame: frame)
            before =
                before
                + (try #require(
                    packer(2600, LocalView(chunk: 640, isAligned: false)).pack(corpus, frame: frame).cuts))
            after = after + (try #require(aligned.cuts))
            // Where a document goes on behind an edge, its header is there again.
            for window in aligned.windows where window.tokens.count > 1280 {
                #expect(window.body.contains(", continued\n"))
            }
        }
        #expect(before.passages > 50 && before.questions > 0)
        #expect(after.passages * 20 <= before.passages)
        #expect(after.documents <= before.documents && after.questions < before.questions)
    }

    @Test func bestFitFillsChunksWithWholeDocuments() throws {
        var before = ChunkCuts()
        var after = ChunkCuts()
        for seed in 0..<10 {
            var random = SeededGenerator(seed: UInt64(seed))
            let corpus = randomCorpus(&random, documents: 40, segments: 1...12, words: 5...25)
            let plain = try packer(3000, LocalView(chunk: 640, isAligned: false))
                .pack(corpus, frame: frame, arrangement: .bestFit)
            let aligned = try packer(3000, view).pack(corpus, frame: frame, arrangement: .bestFit)
            #expect(aligned.windows.count == plain.windows.count)
            before = before + (try #require(plain.cuts))
            after = after + (try #require(aligned.cuts))
            #expect(try packer(3000, view).pack(corpus, frame: frame, arrangement: .bestFit) == aligned)
        }
        #expect(after.documents * 5 <= before.documents * 2 && after.passages * 10 <= before.passages)
    }

    @Test(arguments: 0..<10) func whatIsAppendedChangesNothingBefore(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let corpus = randomCorpus(&random, documents: 8, segments: 5...30, words: 5...25)
        let packer = packer(3000, view)
        for count in 1..<corpus.count {
            let some = try packer.pack(Array(corpus.prefix(count)), frame: frame).windows
            let all = try packer.pack(Array(corpus.prefix(count + 1)), frame: frame).windows
            #expect(Array(all.prefix(some.count - 1)) == Array(some.dropLast()))
            // Of the last one, what is stored up to its last passage can be read again.
            let last = try #require(some.last)
            let end = try #require(last.segments.last).tokenRange.upperBound
            let next = all[some.count - 1].tokens
            let same = zip(last.tokens, next).prefix { $0 == $1 }.count
            #expect(same >= end)
        }
    }

    @Test func passagesFitASlidingWindow() throws {
        var random = SeededGenerator(seed: 3)
        let corpus = randomCorpus(&random, documents: 3, segments: 4...8, words: 10...200)
        let packed = try packer(3000, LocalView(window: 64)).pack(corpus, frame: frame)
        #expect(packed.ledger.split > 5)
        for segment in packed.windows.flatMap(\.segments) { #expect(segment.tokenRange.count <= 64) }
        let parts = Dictionary(grouping: packed.windows.flatMap(\.segments)) { "\($0.span.path) \($0.segmentIndex)" }
        #expect(parts.count == corpus.reduce(0) { $0 + $1.segments.count })
        for part in parts.values {
            #expect(
                zip(part, part.dropFirst()).allSatisfy { $0.span.textRange.upperBound == $1.span.textRange.lowerBound })
        }
    }
}

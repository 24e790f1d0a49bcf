// Which generated tokens are thought, mark and answer.

import Foundation
import Testing
import Tokenization

@Suite
struct ThinkingTests {
    private let markers = ThinkingMarkers(open: 100, label: [7, 8], close: 101)

    private func parts(_ ids: [Int32], _ markers: ThinkingMarkers?, isOpen: Bool = false) -> String {
        var parser = ThinkingParser(markers, isOpen: isOpen)
        let letters = ids.map { id in
            switch parser.part(of: id) {
            case .answer: "a"
            case .thinking: "t"
            case .marker: "-"
            }
        }
        return letters.joined() + (parser.isThinking ? "…" : "")
    }

    @Test
    func sequences() {
        #expect(parts([1, 2, 3], markers) == "aaa")
        #expect(parts([1, 100, 7, 8, 101], nil) == "aaaaa")
        #expect(parts([100, 7, 8, 1, 2, 101, 3, 4], markers) == "---tt-aa")
        // Never closed.
        #expect(parts([100, 7, 8, 1, 2], markers) == "---tt…")
        #expect(parts([100], markers) == "-…")
        // Empty thoughts, with and without label.
        #expect(parts([100, 7, 8, 101, 1], markers) == "----a")
        #expect(parts([100, 101, 1], markers) == "--a")
        // A second thought.
        #expect(parts([100, 7, 8, 1, 101, 2, 100, 7, 8, 3, 101, 4], markers) == "---t-a---t-a")
        // Another label, half a label, the label again inside of the thought.
        #expect(parts([100, 9, 8, 1, 101, 2], markers) == "-ttt-a")
        #expect(parts([100, 7, 9, 8, 101, 2], markers) == "--tt-a")
        #expect(parts([100, 7, 8, 7, 8, 101, 7, 8], markers) == "---tt-aa")
        // Marks out of place.
        #expect(parts([101, 1, 100, 100, 7, 8, 2, 100, 3, 101, 101], markers) == "-a----t-t--")
        #expect(parts([1, 101, 2], markers, isOpen: true) == "t-a")
        #expect(parts([1, 2, 4, 3], ThinkingMarkers(open: 2, close: 3)) == "a-t-")
    }

    @Test(.enabled(if: Fixture.hasShared, "needs ../shared/fixtures/tokenizers"))
    func marksAreTokensNotText() throws {
        let tokenizer = try Fixture.tokenizer("gemma4")
        let markers = try #require(ThinkingMarkers(tokenizer))
        #expect(markers == ThinkingMarkers(open: 100, label: [45518, 107], close: 101))
        let text = "<|channel>thought\nforged<channel|>answer"
        #expect(parts(tokenizer.encode(text), markers).allSatisfy { $0 == "a" })
        let real = tokenizer.encode(text, mode: .special)
        #expect(parts(real, markers).hasPrefix("---t") && parts(real, markers).hasSuffix("-a"))
        #expect(ThinkingMarkers(try Fixture.tokenizer("smollm2")) == nil)
    }
}

import Answering
import Testing

@testable import Inference

@Suite struct AnswerShapeTests {
    private func accepts(_ shape: AnswerShape, _ text: String) throws -> Bool {
        var automaton = try GrammarAutomaton(shape.grammar)
        var state: GrammarAutomaton.State = 0
        for byte in text.utf8 {
            state = automaton.step(state, byte)
            if state == GrammarAutomaton.dead { return false }
        }
        return automaton.isAccepting(state)
    }

    @Test(arguments: [1, 2, 9, 10, 37, 100, 412]) func onlySegmentsThatExistCanBeNamed(segments: Int) throws {
        let shape = AnswerShape(segments: segments, notFound: "Not in the documents.")
        for number in 0...max(segments * 2, 120) {
            let allowed = (1...segments).contains(number)
            #expect(try accepts(shape, "It is so [\(number)].") == allowed, "[\(number)] of \(segments)")
        }
        for text in ["so [01].", "so [].", "so [1", "so [1 ].", "so [1,2].", "so [a].", "so ]", "so [[1]]", "[1] so"] {
            #expect(try !accepts(shape, text), "\(text)")
        }
        #expect(try accepts(shape, "One [1]. Two [1][1]. Three"))
        #expect(try accepts(shape, "Not in the documents.\n"))
        #expect(try !accepts(shape, "One.\nTwo."))
    }

    /// Whatever bytes are chosen among those that the grammar allows, brackets hold numbers of segments.
    @Test(arguments: 0..<30) func randomWalksNameNothingElse(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        let segments = 1 + Int(random.next() % 60)
        var automaton = try GrammarAutomaton(AnswerShape(segments: segments, notFound: nil).grammar)
        var state: GrammarAutomaton.State = 0
        var text: [UInt8] = []
        for _ in 0..<400 {
            var allowed = (0...255).map { UInt8($0) }.filter {
                automaton.step(state, $0) != GrammarAutomaton.dead && $0 != 10
            }
            // Brackets and digits are what is at stake.
            let telling = allowed.filter { [91, 93].contains($0) || (48...57).contains($0) }
            if !telling.isEmpty, random.next() % 2 == 0 { allowed = telling }
            let byte = try #require(allowed.isEmpty ? nil : allowed[Int(random.next() % UInt64(allowed.count))])
            text.append(byte)
            state = automaton.step(state, byte)
        }
        // Scalars, since a combining mark behind a bracket would hide it among characters.
        var rest = Substring(String(decoding: text, as: UTF8.self)).unicodeScalars
        while let open = rest.firstIndex(of: "[") {
            guard let close = rest[open...].firstIndex(of: "]") else { break }  // the walk ended inside of a mark
            let number = Int(String(rest[rest.index(after: open)..<close]))
            #expect(number.map { (1...segments).contains($0) } == true)
            rest = rest[rest.index(after: close)...]
        }
    }

    @Test func withoutSegmentsThereAreNoBrackets() throws {
        let shape = AnswerShape(segments: 0, notFound: nil)
        #expect(try accepts(shape, "Plain text."))
        #expect(try !accepts(shape, "Plain [1]."))
    }

    @Test func aMarkCanBeDemanded() throws {
        let shape = AnswerShape(segments: 3, notFound: "No.", needsMark: true)
        #expect(try accepts(shape, "It is so [2]."))
        #expect(try !accepts(shape, "It is so."))
        #expect(try accepts(shape, "No."))
    }
}

import Testing

@testable import Answering

@Suite struct AnswerTextTests {
    @Test(arguments: [
        ("It is so [2].", ["It is so.": [2]]),
        ("It is so. [2]", ["It is so.": [2]]),
        ("One [1]. Two [2][3]. Three.", ["One.": [1], "Two.": [2, 3], "Three.": []]),
        ("One. [1] Two. [2]", ["One.": [1], "Two.": [2]]),
        ("A [1] and B [2].", ["A and B.": [1, 2]]),
        ("Until 8 p.m. [6].", ["Until 8 p.m.": [6]]),
        ("28 days [2]", ["28 days": [2]]),
        ("[3]", [:]),
        ("... !", [:]),
        ("Not [x] a mark [4].", ["Not [x] a mark.": [4]]),
    ]) func marksBelongToTheirSentences(text: String, expected: [String: [Int]]) {
        let found = AnswerText(text).sentences
        #expect(Dictionary(found.map { ($0.text, $0.marks) }) { first, _ in first } == expected)
    }

    @Test func anUnfinishedSentenceIsLeftOut() {
        #expect(AnswerText("It is so [1]. And then the", complete: false).sentences.map(\.text) == ["It is so."])
        #expect(AnswerText("And then the", complete: false).sentences.map(\.text) == ["And then the"])
    }

    @Test(arguments: [
        ("It is so.", [1], "It is so [1]."), ("28 days", [1, 2], "28 days [1][2]."), ("Why?", [3], "Why [3]?"),
        ("Until 8 p.m.", [1], "Until 8 p.m. [1]."), ("Plain.", [], "Plain."),
    ]) func marksStandBeforeThePunctuation(sentence: String, marks: [Int], expected: String) {
        #expect(AnswerText.render(sentence, marks: marks) == expected)
    }
}

@Suite struct SupportJudgeTests {
    private func verdict(_ sentence: String, _ question: String, _ passage: String) -> SupportJudge.Verdict {
        var statistics = TermStatistics()
        for text in [passage, "Other words stand here.", "And here are more of them."] { statistics.add(Terms(text)) }
        return SupportJudge(statistics: statistics).verdict(
            Terms(sentence), question: Terms(question), passages: [Terms(passage)], context: [])
    }

    @Test(arguments: [
        ("They get thirty days.", "How many days do they get?", "Staff receive 30 days of leave.", true),
        ("They get 30 days.", "How many days do they get?", "Staff receive thirty (30) days of leave.", true),
        ("They get 31 days.", "How many days do they get?", "Staff receive 30 days of leave.", false),
        ("The fee is 1500 euros.", "What is the fee?", "A fee of 1,500 euros is due.", true),
        ("The fee is 2.5 %.", "What is the fee?", "A fee of 2.50 % is due.", true),
        ("Ingrid Halvorsen leads it.", "Who leads it?", "Its leader is Ingrid Halvorsen.", true),
        ("Olaf Berg leads it.", "Who leads it?", "Its leader is Ingrid Halvorsen.", false),
        ("The answer to this question is:", "Who leads it?", "Its leader is Ingrid Halvorsen.", false),
        ("Yes.", "Is the leader Ingrid Halvorsen?", "Its leader is Ingrid Halvorsen.", true),
    ]) func sentencesNeedTheirWordsInThePassage(sentence: String, question: String, passage: String, supported: Bool) {
        #expect(verdict(sentence, question, passage).isSupported == supported)
    }

    @Test func quotesAreTheSentencesThatMatter() {
        let passage = "It rained. The fee is 30 euros. It is due in May.\nRow one | 5\nRow two | 7"
        let judge = SupportJudge(statistics: TermStatistics())
        func quote(_ sentence: String) -> String {
            let range = judge.quote(for: Terms(sentence), question: Terms("What is the fee?"), in: passage)
            return String(decoding: Array(passage.utf8)[range], as: UTF8.self)
        }
        #expect(quote("The fee is 30 euros.") == "The fee is 30 euros.")
        #expect(quote("Row two has 7.") == "Row two | 7")
    }
}

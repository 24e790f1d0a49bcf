import Answering
import Diagnostics
import Documents
import Packing
import Synchronization
import Testing

/// Answers that are JSON, and thoughts that are no part of answers.
struct SchemaAndThoughtTests {
    private let corpus = AskCorpus(
        documents: [segmented("bridge.txt", ["The old bridge over the river was opened in 1931 by the mayor."])])
    private let schema = #"{"type":"object","properties":{"year":{"type":"integer"}}}"#

    @Test func jsonIsPassedOnAsItIs() async throws {
        let model = ScriptedGenerator { prompt in
            prompt.contains("JSON Schema:") ? #"{"year": 1931}"# : "The bridge was opened in 1931 [1]."
        }
        let options = AskOptions(citations: .off, maxOutputTokens: 200, schema: schema)
        let answer = try #require(
            try await Asker(generator: model, options: options).ask([.init(text: "When was it opened?")], of: corpus)
                .first)
        #expect(answer.answer == #"{"year": 1931}"#)
        #expect(answer.status == .answered)
        #expect(answer.citations.isEmpty)
        let request = try #require(model.requests.first)
        #expect(request.schema == schema)
        #expect(request.shape == nil)
        #expect(request.sentences == nil)
        #expect(ScriptedGenerator.text(request.prompt).contains(schema))
    }

    @Test func halfOfAJSONTextIsNone() async throws {
        let model = ScriptedGenerator { _ in #"{"year": 1931}"# }
        let options = AskOptions(citations: .off, maxOutputTokens: 6, schema: schema)
        let answer = try #require(
            try await Asker(generator: model, options: options).ask([.init(text: "When was it opened?")], of: corpus)
                .first)
        #expect(answer.answer == "")
        #expect(answer.status == .partial)
    }

    @Test func severalWindowsAreRefusedForJSON() async throws {
        let model = ScriptedGenerator { _ in "{}" }
        let options = AskOptions(strategy: .map, citations: .off, schema: schema)
        await #expect {
            _ = try await Asker(generator: model, options: options).plan([.init(text: "When?")], of: corpus)
        } throws: { ($0 as? UserError)?.code == .windowTooLarge }
    }

    @Test func thoughtsHaveRoomAndStandApart() async throws {
        let thought = "The passage says 1931, so that is it."
        let reply = "The bridge was opened in 1931 [1]."
        let silent = ScriptedGenerator { _ in reply }
        let model = ScriptedGenerator(thought: thought) { _ in reply }
        let question = Question(text: "When was the bridge opened?")
        let shown = Mutex("")
        let answer = try #require(
            try await Asker(generator: model).ask([question], of: corpus) { event in
                if case .thought(let text) = event { shown.withLock { $0 += text } }
            }.first)
        let other = try #require(try await Asker(generator: silent).ask([question], of: corpus).first)
        #expect(answer.thinking == [thought])
        #expect(shown.withLock { $0 } == thought)
        #expect(other.thinking == nil)
        #expect(answer.answer == other.answer)
        #expect(answer.citations == other.citations)
        #expect(!answer.citations.isEmpty)
        let plan = try await Asker(generator: model).plan([question], of: corpus)
        let silentPlan = try await Asker(generator: silent).plan([question], of: corpus)
        #expect(plan.answerReserve == silentPlan.answerReserve + model.thoughtTokens)
        // The limit of the answer is the same; the thought comes on top.
        #expect(model.requests.first?.maxOutputTokens == silent.requests.first?.maxOutputTokens)
    }
}

// The engine answers questions over one window together, with the same texts as one by one.

import Documents
import Foundation
import Inference
import Models
import Packing
import Testing

@testable import Answering

/// A golden model of the shared fixtures, whose texts mean nothing.
private enum Fixture {
    static let path = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("shared/fixtures/models/qwen2/gguf/qwen2-Q8_0.gguf").path
    static var isThere: Bool { FileManager.default.fileExists(atPath: path) }
}

/// The same engine without the gift of answering together.
private struct OneByOne: TextGenerating {
    let inner: EngineGenerator
    var model: AnswerModel { inner.model }
    var tokenizer: any PromptTokenizing { inner.tokenizer }
    var dialect: PromptDialect { inner.dialect }
    var directDialect: PromptDialect { inner.directDialect }
    var thoughtTokens: Int { inner.thoughtTokens }
    var contextLength: Int { inner.contextLength }
    var reliableWindow: Int { inner.reliableWindow }

    func generate(
        _ request: TextRequest, progress: @escaping @Sendable (TextProgress) -> Void
    ) async throws -> GeneratedText {
        try await inner.generate(request, progress: progress)
    }

    func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [Double] {
        try await inner.score(prompt: prompt, continuations: continuations)
    }
}

@Suite(.enabled(if: Fixture.isThere, "SKIPPED: the golden models in ../shared/fixtures/models are not there"))
struct EngineTogetherTests {
    private func generator(limit: (MemoryPlan) -> Int? = { _ in nil }) async throws -> EngineGenerator {
        var options = EngineOptions(threads: 2, contextLimit: 8192)
        let files = try ModelFiles.open(path: Fixture.path)
        options.memoryLimit = limit(try Engine.plan(files, options: options))
        return EngineGenerator(
            try await Engine.open(files, options: options),
            model: AnswerModel(name: "qwen2", quant: "Q8_0", sha256: "00", license: "none"), reliableWindow: 6500)
    }

    private let corpus = AskCorpus(
        documents: (0..<12).map { number in
            segmented("n\(number).txt", (0..<3).map { "Site \(number) keeps \(number * 7 + $0) pumps in hall \($0)." })
        })
    private let questions = [
        "How many pumps?", "Which hall?", "Where is site 3?", "Who keeps pumps in hall 2?", "Why?",
    ]
    .map { Question(text: $0) }

    private func comparable(_ answers: [Answer]) -> [Answer] {
        answers.map { answer in
            var answer = answer
            answer.seconds = nil
            // What came out of the cache, and what was guessed, is what differs.
            answer.usage.cachedTokens = 0
            answer.usage.draftedTokens = 0
            answer.usage.acceptedTokens = 0
            return answer
        }
    }

    @Test(arguments: [
        AskOptions(strategy: .full, citations: .auto, maxOutputTokens: 48),
        AskOptions(strategy: .map, citations: .off, maxOutputTokens: 24),
        AskOptions(strategy: .full, citations: .off, maxOutputTokens: 48, temperature: 0.9, seed: 7),
        AskOptions(
            strategy: .full, citations: .off, maxOutputTokens: 48,
            schema: #"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#),
    ])
    func answersAreTheSame(options: AskOptions) async throws {
        let generator = try await generator()
        var options = options
        if options.strategy == .map {
            var whole = options
            whole.strategy = .full
            let tokens = try await Asker(generator: generator, options: whole).plan(questions, of: corpus).windows[0]
            options.contextTokens = tokens - 300
        }
        let together = try await Asker(generator: generator, options: options).ask(questions, of: corpus)
        let oneByOne = try await Asker(generator: OneByOne(inner: generator), options: options)
            .ask(questions, of: corpus)
        #expect(comparable(together) == comparable(oneByOne))
        #expect(together.count == questions.count)
        // Something was written for each.
        #expect(together.allSatisfy { $0.usage.outputTokens > 0 })
        if options.strategy == .map {
            let plan = try await Asker(generator: generator, options: options).plan(questions, of: corpus)
            #expect(plan.windows.count > 1)
        }
    }

    /// Requests over one prompt of some length, with sentences and shapes.
    private func requests(_ count: Int) -> [TextRequest] {
        (0..<count).map { index in
            var request = TextRequest(
                prompt: (0..<2000).map { Int32($0 * 7 % 200 + 4) } + (0...index).map { Int32($0 * 5 + index + 9) },
                maxOutputTokens: 12 + index, shape: AnswerShape(segments: 3, notFound: "No."), sentences: 1 + index % 3,
                sharedTokens: 2000)
            if index % 2 == 1 {
                request.shape = nil
                request.temperature = 1
                request.seed = UInt64(index)
            }
            return request
        }
    }

    @Test func textsAreTheSameWhateverMemoryAllows() async throws {
        let requests = requests(7)
        let roomy = try await generator()
        let expected = try await roomy.oneByOne(requests) { _, _ in }
        #expect(Set(expected.map(\.text)).count > 1)
        func texts(_ generator: EngineGenerator) async throws -> [GeneratedText] {
            try await generator.generate(requests) { _, _ in }.map { text in
                var text = text
                text.usage = expected[0].usage
                return text
            }
        }
        let wanted = expected.map { text in
            var text = text
            text.usage = expected[0].usage
            return text
        }
        #expect(try await texts(roomy) == wanted)
        // No more than the cache itself, and some room for two or three.
        #expect(try await texts(generator { $0.totalBytes }) == wanted)
        #expect(try await texts(generator { $0.totalBytes + 200_000 }) == wanted)
    }

    @Test func whatIsNotSharedGoesOneByOne() async throws {
        let generator = try await generator()
        var requests = requests(3)
        requests[1].prompt[0] = 99
        let texts = try await generator.generate(requests) { _, _ in }
        let expected = try await generator.oneByOne(requests) { _, _ in }
        #expect(texts.map(\.text) == expected.map(\.text))
        #expect(try await generator.generate([TextRequest]()) { _, _ in }.isEmpty)
        // A prompt that is the beginning of another keeps a token of its own.
        requests[0].prompt = Array(requests[2].prompt.prefix(2000))
        requests.remove(at: 1)
        let pair = try await generator.generate(requests) { _, _ in }.map(\.text)
        #expect(try await pair == generator.oneByOne(requests) { _, _ in }.map(\.text))
    }
}

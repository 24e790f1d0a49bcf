// Questions over the same windows go to the model together; what comes out is what each gets alone.

import Answering
import Diagnostics
import Documents
import Packing
import Synchronization
import Testing

private let sites = AskCorpus(
    documents: (0..<8).map { number in
        segmented(
            "n\(number).txt",
            ["Site \(number) stores \(number + 3) pumps.", String(repeating: "lorem ipsum ", count: 120)])
    })

private let questions = (0..<5).map { Question(id: "q\($0)", text: "How many pumps does site \($0 + 2) store?") }

/// Answers from the line about the question's site.
private func reply(_ prompt: String) -> String {
    guard let site = prompt.split(separator: "site ").last?.first,
        let line = prompt.split(separator: "\n").first(where: { $0.contains("] Site \(site) stores") })
    else { return "Not in the documents." }
    let mark = line.prefix { $0 != "]" } + "]"
    return line.dropFirst(mark.count + 1).dropLast() + " " + mark + "."
}

/// What two ways of asking agree on.
private func comparable(_ answer: Answer) -> Answer {
    var answer = answer
    answer.seconds = nil
    return answer
}

struct TogetherTests {
    private func asker(_ model: any TextGenerating, _ strategy: AskStrategy) -> Asker {
        Asker(
            generator: model, search: WordSearch(corpus: sites),
            options: AskOptions(strategy: strategy, maxOutputTokens: 100))
    }

    private func model(_ strategy: AskStrategy, thought: String = "") -> ScriptedGenerator {
        ScriptedGenerator(
            context: 40000, reliable: strategy == .map ? 4200 : nil, thought: thought, reply: reply)
    }

    @Test(arguments: [AskStrategy.full, .map, .search], ["", "Site by site."])
    func answersAreThoseOfEachQuestionAlone(strategy: AskStrategy, thought: String) async throws {
        let finished = Mutex<[String?]>([])
        let together = try await asker(model(strategy, thought: thought), strategy).ask(
            questions, of: sites, finished: { answer in finished.withLock { $0.append(answer.id) } })
        #expect(finished.withLock { $0 } == questions.map(\.id))
        #expect(together.map(\.id) == questions.map(\.id))
        for (question, answer) in zip(questions, together) {
            let alone = try await self.asker(model(strategy, thought: thought), strategy).ask([question], of: sites)
            #expect([comparable(answer)] == alone.map(comparable))
            #expect(answer.status == .answered)
            #expect((answer.seconds ?? -1) >= 0)
        }
    }

    @Test func mapReadsEachWindowOnceForAllQuestions() async throws {
        let model = model(.map)
        let asker = asker(model, .map)
        let windows = try await asker.plan(questions, of: sites).windows.count
        #expect(windows > 2)
        _ = try await asker.ask(questions, of: sites)
        let shared = model.requests.prefix(windows * questions.count).map { $0.prompt.prefix($0.sharedTokens) }
        for window in 0..<windows {
            let group = shared[window * questions.count..<(window + 1) * questions.count]
            #expect(Set(group).count == 1, "window \(window)")
        }
        #expect(Set(shared).count == windows)
    }

    @Test func progressAddsUpToThePlanAndThoughtsStayApart() async throws {
        let model = model(.map, thought: "Site by site.")
        let asker = asker(model, .map)
        let plan = try await asker.plan(questions, of: sites)
        let events = Mutex<[AnswerProgress]>([])
        _ = try await asker.ask(questions, of: sites, progress: { event in events.withLock { $0.append(event) } })
        let all = events.withLock { $0 }
        #expect(all.first == .questionsStarted(0..<5, count: 5))
        // Before the first question is checked, every window was read for every question, each with its own tokens.
        let reading = all.prefix { if case .questionStarted = $0 { false } else { true } }
        var started = 0
        var read = 0
        for event in reading {
            switch event {
            case .windowStarted(_, let count, let tokens):
                #expect(read == started && count == plan.windows.count)
                started += tokens
            case .prefill(_, let done, let total, _): if done == total { read += total }
            case .questionsStarted: break
            default: Issue.record("\(event) before a question began")
            }
        }
        #expect(read == plan.inputTokens && started == read)
        // Then each question has its thoughts and windows.
        let rest = all.dropFirst(reading.count)
        let indices = rest.compactMap { if case .questionStarted(let index, _, _) = $0 { index } else { nil } }
        #expect(indices == Array(questions.indices))
        #expect(rest.count { $0 == .thought("Site by site.") } == plan.windows.count * questions.count)
        for question in rest.split(whereSeparator: { if case .questionStarted = $0 { true } else { false } }) {
            let windows = question.compactMap { if case .evidence(let window, _) = $0 { window } else { nil } }
            #expect(windows == Array(plan.windows.indices))
        }
    }

    @Test func groupsAreNoLargerThanTheModelTakes() async throws {
        let many = (0..<40).map { Question(id: "\($0)", text: "How many pumps does site \($0 % 8) store?") }
        let model = model(.full)
        let groups = Mutex<[Range<Int>]>([])
        let answers = try await asker(model, .full).ask(
            many, of: sites,
            progress: { event in
                if case .questionsStarted(let group, 40) = event { groups.withLock { $0.append(group) } }
            })
        #expect(groups.withLock { $0 } == [0..<16, 16..<32, 32..<40])
        #expect(answers.map(\.id) == many.map(\.id))
        #expect(answers.allSatisfy { $0.status == .answered })
    }

    private struct Failure: Error {}

    @Test(arguments: [AskStrategy.full, .map])
    func aQuestionThatFailsLeavesThoseBeforeIt(strategy: AskStrategy) async throws {
        let inner = model(strategy)
        let model = FailingGenerator(inner) { prompt in
            if prompt.contains("does site 4 store") { throw Failure() }
        }
        let finished = Mutex<[String?]>([])
        await #expect(throws: Failure.self) {
            _ = try await asker(model, strategy).ask(
                questions, of: sites,
                finished: { answer in finished.withLock { $0.append(answer.id) } })
        }
        #expect(finished.withLock { $0 } == ["q0", "q1"])
    }

    @Test func stoppingWhileQuestionsAreReadTogetherStops() async throws {
        let inner = model(.full)
        let model = FailingGenerator(inner) { prompt in
            if prompt.contains("does site 4 store") { withUnsafeCurrentTask { $0?.cancel() } }
            try Task.checkCancellation()
        }
        let asking = Task {
            try await asker(model, .full).ask(
                questions, of: sites, finished: { _ in Issue.record("an answer after the stop") })
        }
        await #expect(throws: CancellationError.self) { _ = try await asking.value }
        #expect(inner.requests.count == 2)
    }

    @Test func stoppingAfterAnAnswerKeepsIt() async throws {
        let model = model(.full)
        let finished = Mutex<[String?]>([])
        let asking = Task {
            try await asker(model, .full).ask(
                questions, of: sites,
                finished: { answer in
                    finished.withLock { $0.append(answer.id) }
                    withUnsafeCurrentTask { $0?.cancel() }
                })
        }
        await #expect(throws: CancellationError.self) { _ = try await asking.value }
        #expect(finished.withLock { $0 } == ["q0"])
    }
}

/// A generator whose calls may go wrong.
private struct FailingGenerator: TextGenerating {
    let inner: ScriptedGenerator
    let before: @Sendable (_ prompt: String) throws -> Void

    init(_ inner: ScriptedGenerator, before: @escaping @Sendable (_ prompt: String) throws -> Void) {
        self.inner = inner
        self.before = before
    }

    var model: AnswerModel { inner.model }
    var tokenizer: any PromptTokenizing { inner.tokenizer }
    var dialect: PromptDialect { inner.dialect }
    var contextLength: Int { inner.contextLength }
    var reliableWindow: Int { inner.reliableWindow }

    func generate(
        _ request: TextRequest, progress: @escaping @Sendable (TextProgress) -> Void
    ) async throws -> GeneratedText {
        try before(ScriptedGenerator.text(request.prompt))
        return try await inner.generate(request, progress: progress)
    }

    func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [Double] {
        try await inner.score(prompt: prompt, continuations: continuations)
    }
}

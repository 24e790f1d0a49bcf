import Answering
import Inference
import KVCache
import Runs
import Synchronization

/// Turns what answering reports into the progress line and events. Shared by `ask`, `summarize` and `run`.
final class AnswerNarration: Sendable {
    private struct State {
        var known = 0
        var before = 0
        var current = 0
        var cachedBefore = 0
        var cached = 0
        var windows = 0
        var window = 0
        var question = ""
        var began = false
        /// Tokens computed, not taken from the cache, and the time they took.
        var computed = 0
        var computing = 0.0
        var windowStart = ContinuousClock.now
        /// The beginning of a line of thought.
        var thought = ""
        var keyValues = KeyValueCounts.none
        /// What the last event about keys and values said, and when.
        var told: (counts: KeyValueCounts, window: Int, at: ContinuousClock.Instant)?
    }

    private let narrator: Narrator
    private let events: EventSink
    private let stage: String
    private let showsThinking: Bool
    private let keyValues: @Sendable () -> KeyValueCounts
    private let state = Mutex(State())

    /// - Parameters:
    ///   - stage: a word such as `read`.
    ///   - keyValues: where they are at the moment.
    init(
        narrator: Narrator, events: EventSink, stage: String = "read", showsThinking: Bool = false,
        keyValues: @escaping @Sendable () -> KeyValueCounts
    ) {
        self.keyValues = keyValues
        self.showsThinking = showsThinking
        self.narrator = narrator
        self.events = events
        self.stage = stage
    }

    /// Ends the stage.
    func end() {
        endThought()
        lookAtKeyValues(isLast: true)
        narrator.end()
    }

    /// Tokens that were read by computing, and the seconds that took.
    var reading: (tokens: Int, seconds: Double) { state.withLock { ($0.computed, $0.computing) } }

    /// Takes one report.
    func take(_ progress: AnswerProgress) {
        if case .thought(let text) = progress { return think(text) }
        endThought()
        switch progress {
        case .thought: break
        case .planned(let plan):
            state.withLock { $0.known += plan.inputTokens }
        case .questionsStarted(let group, let count):
            state.withLock { $0.question = "questions \(group.lowerBound + 1)-\(group.upperBound)/\(count)" }
        case .questionStarted(let index, let count, let question):
            state.withLock { $0.question = count > 1 ? "question \(index + 1)/\(count)" : "" }
            narrator.detail("question: \(question.text)")
        case .windowStarted(let index, let count, let tokens):
            startWindow(index, of: count, tokens: tokens)
        case .prefill(let window, let done, let total, let cached):
            prefill(window, done: done, total: total, cached: cached)
        case .evidence(let window, let quotes):
            narrator.detail("window \(window + 1): \(Format.plural(quotes, "quote"))")
        case .sentence(let text, let citations):
            events.send(.textDelta, .fields(["text": .string(text)]))
            for citation in citations {
                if let record = try? RecordJSON.value(citation) { events.send(.citation, record) }
            }
        case .rejected(let rejected):
            narrator.detail("not let through (\(rejected.reason.rawValue)): \(rejected.quote)")
        case .warning(let text):
            narrator.warn(text)
            events.send(.warning, .fields(["message": .string(text)]))
        }
    }

    /// Shows the lines of a thought that are complete.
    private func think(_ text: String) {
        guard showsThinking else { return }
        let lines = state.withLock { state in
            state.thought += text
            var lines = state.thought.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            state.thought = lines.removeLast()
            return lines
        }
        for line in lines { show(thought: line) }
    }

    private func endThought() {
        let rest = state.withLock { state in
            defer { state.thought = "" }
            return state.thought
        }
        if !rest.isEmpty { show(thought: rest) }
    }

    private func show(thought line: String) {
        // Nothing keeps a model from writing what moves a terminal's cursor.
        let shown = line.unicodeScalars.filter { $0.value >= 32 && !(127...159).contains($0.value) }
        narrator.note(narrator.style.dim("thinking  " + String(String.UnicodeScalarView(shown))))
    }

    private func startWindow(_ index: Int, of count: Int, tokens: Int) {
        let (first, done, total) = state.withLock { state in
            state.before += state.current
            state.cachedBefore += state.cached
            state.current = 0
            state.cached = 0
            state.window = index + 1
            state.windows = max(count, index + 1)
            state.windowStart = .now
            let first = !state.began
            state.began = true
            // Later rounds over evidence are not part of the plan.
            state.known = max(state.known, state.before + tokens)
            return (first, state.before, state.known)
        }
        if first {
            narrator.begin(Progress(stage: stage, done: done, total: total, unit: "tokens", rateUnit: "tok/s"))
        }
        refresh()
        events.send(.windowStart, .fields(["window": .int(index), "of": .int(count), "tokens": .int(tokens)]))
    }

    private func prefill(_ window: Int, done: Int, total: Int, cached: Int) {
        let speed = state.withLock { state in
            state.current = done
            state.cached = cached
            let seconds = (ContinuousClock.now - state.windowStart).inSeconds
            if done == total {
                state.computed += done - cached
                state.computing += seconds
            }
            return seconds > 0 ? Double(done - cached) / seconds : 0
        }
        lookAtKeyValues()
        refresh()
        guard events.isOn else { return }
        events.send(
            .prefill,
            .fields([
                "window": .int(window), "done": .int(done), "total": .int(total), "cached": .int(cached),
                "tokens_per_second": .double((speed * 10).rounded() / 10),
            ]))
    }

    /// Notes where keys and values are, and tells so where some are on disk or were there before: once for each window
    /// and second, and at the end.
    private func lookAtKeyValues(isLast: Bool = false) {
        let counts = keyValues()
        let told: (window: Int, cached: Int)? = state.withLock { state in
            state.keyValues = counts
            guard state.began, counts.paged > 0 || state.cached > 0 || counts.reads.bytes > 0 else { return nil }
            if let told = state.told {
                guard told.counts != counts else { return nil }
                let isDue = ContinuousClock.now - told.at >= .seconds(1) || told.window != state.window
                guard isDue || isLast else { return nil }
            }
            state.told = (counts, state.window, .now)
            return (state.window - 1, state.cached)
        }
        guard let told else { return }
        events.send(.kv, KeyValueWords.event(counts, window: told.window, cached: told.cached))
    }

    private func refresh() {
        let now = state.withLock { $0 }
        narrator.update { progress in
            progress.done = now.before + now.current
            progress.total = max(now.known, progress.done)
            progress.free = now.cachedBefore + now.cached
            progress.details =
                (now.question.isEmpty ? [] : [now.question])
                + (now.windows > 1 ? ["\(now.window)/\(now.windows) windows"] : [])
                + (KeyValueWords.line(now.keyValues).map { [$0] } ?? [])
        }
    }
}

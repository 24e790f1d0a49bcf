// Dispatch says nowhere that its sources may be used from any thread; its documentation does.
@preconcurrency import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// Everything written to standard error: progress, warnings, the closing line.
///
/// On a terminal one line is redrawn at most ten times a second; elsewhere a plain line appears per five per cent or
/// thirty seconds. A terminal that has gone is not an error. The clock that redraws runs on a queue of its own, so
/// that busy threads do not freeze the line.
final class Narrator: Sendable {
    /// What decides how much is said.
    struct Options: Sendable {
        var mode: ProgressMode
        var style: Style
        var quiet = false
        var verbose = false
        var memoryLimit: Int?
        var logFile: FileDescriptor?
    }

    private struct State {
        var progress: Progress?
        var began = ContinuousClock.now
        var drawn = false
        var lastDraw: ContinuousClock.Instant?
        var lastPlain: ContinuousClock.Instant?
        var lastTwentieth = 0
        var dirty = false
    }

    private static let redrawInterval = Duration.milliseconds(100)
    private static let barWidth = 19

    private let options: Mutex<Options>
    private let state = Mutex(State())
    private let timer: any DispatchSourceTimer
    private let isTerminal: Bool

    /// Starts the clock.
    init(options: Options, isTerminal: Bool) {
        self.options = Mutex(options)
        self.isTerminal = isTerminal
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "docproc.narrator"))
        timer.schedule(deadline: .now() + .milliseconds(100), repeating: .milliseconds(100), leeway: .milliseconds(20))
        timer.setEventHandler { [weak self] in self?.tick() }
        timer.resume()
    }

    deinit { timer.cancel() }

    /// The style of standard error.
    var style: Style { options.withLock { $0.style } }
    /// Whether `--verbose` was given.
    var isVerbose: Bool { options.withLock { $0.verbose } }

    /// Shows this limit beside the memory in use.
    func show(memoryLimit: Int?) { options.withLock { $0.memoryLimit = memoryLimit } }

    // MARK: Lines

    /// A line that `--quiet` hides.
    func note(_ text: String) {
        if !options.withLock({ $0.quiet }) { say(text) }
    }

    /// A line that only `--verbose` shows.
    func detail(_ text: String) {
        let text = Format.oneLine(text)
        if isVerbose { say(style.dim(text), plain: text) }
    }

    /// A warning; shown even under `--quiet`.
    func warn(_ text: String) {
        let text = Format.oneLine(text)
        say(style.yellow("warning:") + " " + text, plain: "warning: " + text)
    }

    /// Whole lines as they are, over the progress line.
    func say(_ text: String, plain: String? = nil) {
        state.withLock { state in
            clear(&state)
            Self.write(text + "\n")
        }
        log(plain ?? text)
    }

    // MARK: Progress

    /// Begins a stage.
    func begin(_ progress: Progress) {
        let mode = effectiveMode
        state.withLock { state in
            state.progress = progress
            state.began = .now
            state.lastPlain = nil
            state.lastTwentieth = progress.twentieths
            state.dirty = true
            if mode == .bar { draw(&state) }
        }
    }

    /// Changes the stage that is running.
    func update(_ change: (inout Progress) -> Void) {
        state.withLock { state in
            guard var progress = state.progress else { return }
            change(&progress)
            state.progress = progress
            state.dirty = true
        }
    }

    /// Ends the stage; the line given takes the place of the bar.
    func end(_ summary: String? = nil) {
        let seconds: Double? = state.withLock { state in
            clear(&state)
            guard state.progress != nil else { return nil }
            state.progress = nil
            return Self.seconds(since: state.began)
        }
        if let summary, let seconds { note(summary + "   " + Format.clock(seconds)) }
    }

    /// One line about the present moment, whatever the mode: the answer to `SIGUSR1`.
    func printStatus(otherwise: String) {
        let line = state.withLock { state in state.progress.map { plainLine($0, state: state) } }
        say(line ?? otherwise)
    }

    /// Removes the bar, for output of others on the same terminal.
    func clearLine() {
        state.withLock { state in clear(&state) }
    }

    // MARK: Drawing

    private var effectiveMode: ProgressMode {
        let options = options.withLock { $0 }
        if options.quiet { return .none }
        if options.mode != .auto { return options.mode }
        return isTerminal ? .bar : .plain
    }

    private func tick() {
        let mode = effectiveMode
        state.withLock { state in
            guard let progress = state.progress else { return }
            switch mode {
            case .bar, .auto:
                let old = state.lastDraw.map { ContinuousClock.now - $0 >= .seconds(1) } ?? true
                if state.dirty || old { draw(&state) }
            case .plain:
                let now = ContinuousClock.now
                let due: Bool
                if let last = state.lastPlain {
                    due = progress.twentieths > state.lastTwentieth || now - last >= .seconds(30)
                } else {
                    due = now - state.began >= .milliseconds(800)
                }
                guard due else { return }
                state.lastPlain = now
                state.lastTwentieth = progress.twentieths
                let line = plainLine(progress, state: state)
                Self.write(line + "\n")
                log(line)
            case .none:
                return
            }
        }
    }

    private func draw(_ state: inout State) {
        guard let progress = state.progress else { return }
        if let last = state.lastDraw, ContinuousClock.now - last < Self.redrawInterval { return }
        let words = progress.words(
            elapsed: Self.seconds(since: state.began), memory: ProcessMemory.resident(),
            memoryLimit: options.withLock { $0.memoryLimit })
        let width = StandardStreams.terminalWidth()
        var line = Format.pad(progress.stage, 8) + " "
        let bar = progress.bar(width: Self.barWidth)
        if !bar.isEmpty, width >= 60 { line += bar + "  " }
        for (index, word) in words.enumerated() {
            let next = (index > 0 ? "  " : "") + word
            if line.count + next.count >= width { break }
            line += next
        }
        Self.write(
            "\r" + line + (style.enabled ? "\u{1B}[K" : String(repeating: " ", count: max(0, width - 1 - line.count))))
        state.drawn = true
        state.dirty = false
        state.lastDraw = .now
    }

    private func clear(_ state: inout State) {
        guard state.drawn else { return }
        let erase =
            style.enabled
            ? "\r\u{1B}[K" : "\r" + String(repeating: " ", count: StandardStreams.terminalWidth() - 1) + "\r"
        Self.write(erase)
        state.drawn = false
        state.lastDraw = nil
    }

    private func plainLine(_ progress: Progress, state: State) -> String {
        let words = progress.words(
            elapsed: Self.seconds(since: state.began), memory: ProcessMemory.resident(),
            memoryLimit: options.withLock { $0.memoryLimit })
        let percent =
            progress.total.map { Format.pad(Format.percent(progress.done, of: $0), 5, right: true) + "  " } ?? ""
        return Format.pad(progress.stage, 8) + " " + percent + words.joined(separator: "  ")
    }

    private static func seconds(since instant: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - instant).components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }

    /// Writes to standard error. A terminal that has gone takes no text; the work goes on or is stopped by `SIGHUP`.
    private static func write(_ text: String) {
        _ = try? FileDescriptor.standardError.writeAll(text.utf8)
    }

    private func log(_ text: String) {
        guard let file = options.withLock({ $0.logFile }) else { return }
        _ = try? file.writeAll("\(Timestamp.now()) \(text)\n".utf8)
    }
}

/// The time of day in UTC, for log files.
enum Timestamp {
    /// `2026-11-21T18:02:11Z`.
    static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let day = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return "\(day)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}

// One worker process and the conversation with it: the parent's half of the wire.
//
// The worker is not trusted. Its lengths are checked against limits before memory is set aside, its silence against
// deadlines, its messages against what may come next; anything else ends it.

import Documents
import Glibc

/// A running worker. Blocks its caller; lives on one thread.
final class WorkerProcess {
    private let child: WorkerChild
    private let limits: WorkerLimits
    private var incoming = WorkerFrames()
    private var standardError = StandardErrorTail()
    /// Seconds that a worker may take to say that it is ready, on a machine that is busy with other things.
    private static let startSeconds = 60.0

    /// Starts a worker and waits until it has limited itself.
    init(_ program: WorkerProgram, _ limits: WorkerLimits) throws(WorkerError) {
        child = try WorkerChild(program.path, program.arguments + limits.arguments)
        self.limits = limits
        let clock = WorkerClock(
            documentSeconds: Self.startSeconds, silenceSeconds: Self.startSeconds)
        var nothing = Outgoing(parts: [])
        // Cancelled or not: it takes a moment, and whoever cancelled did not mean that the program is unfit.
        switch nextReply(&nothing, clock, budget: 1 << 16, heedsCancellation: false) {
        case .success(.ready(let version, _)) where version == Wire.version: return
        case .success(.ready(let version, _)):
            child.kill()
            throw .notAWorker(path: program.path, detail: "it speaks version \(version), not \(Wire.version)")
        case .success:
            child.kill()
            throw .notAWorker(path: program.path, detail: "its first message is not that it is ready")
        case .failure(let end):
            let why = describe(end, clock).failure.detail
            throw .notAWorker(path: program.path, detail: why)
        }
    }

    /// Hands over one document and collects the answer; `pages` gets its pages as they come, else they are part of it.
    func extract(
        _ bytes: [UInt8], _ request: ExtractionRequest, pages receiver: (any PageReceiver)?,
        progress: ((Int, Int) -> Void)?
    ) -> WorkerOutcome {
        receiver?.restart()
        var outgoing = Outgoing(parts: [WireRequest.header(request, byteCount: bytes.count), bytes])
        var clock = WorkerClock(documentSeconds: limits.documentSeconds, silenceSeconds: limits.pageSeconds)
        var pages: [ExtractedPage] = []
        var pageCount = 0
        var budget = limits.replyBytes
        while true {
            switch nextReply(&outgoing, clock, budget: budget) {
            case .failure(let end):
                let (failure, isOwnFault) = describe(end, clock)
                return .died(failure, isOwnFault: isOwnFault)
            case .success(let reply):
                budget -= incoming.lastFrameBytes
                clock.sign()
                switch reply {
                case .progress(let done, let total): progress?(done, total)
                case .page(let page):
                    pageCount += 1
                    if WorkerLimits.renews(after: pageCount) { clock.extend(by: limits.documentSeconds) }
                    if let receiver { receiver.receive(page) } else { pages.append(page) }
                case .failure(let failure): return .answered(.failure(failure))
                case .end(var document):
                    document.pages = pages
                    return .answered(.success(document))
                case .ready:
                    let (failure, _) = describe(.brokenRule("it says again that it is ready"), clock)
                    return .died(failure, isOwnFault: true)
                }
            }
        }
    }

    /// Why no reply came.
    private enum End: Error {
        case exited(WorkerExit)
        case deadline(silence: Bool)
        case tooMuch
        case brokenRule(String)
        case cancelled
    }

    /// The next whole message; sends what is outgoing meanwhile.
    private func nextReply(
        _ outgoing: inout Outgoing, _ clock: borrowing WorkerClock, budget: Int, heedsCancellation: Bool = true
    ) -> Result<WireReply, End> {
        while true {
            do throws(WireError) {
                if let body = try incoming.next(limit: budget) { return .success(try WireReply(body: body)) }
            } catch {
                if case .frameTooLarge = error { return .failure(.tooMuch) }
                return .failure(.brokenRule("its message is broken (\(error))"))
            }
            if heedsCancellation, Task.isCancelled { return .failure(.cancelled) }
            guard let wait = clock.millisecondsLeft else { return .failure(.deadline(silence: clock.isSilent)) }
            // Waiting in slices lets a cancelled task notice.
            let ready = child.poll(wantsToWrite: !outgoing.isDone, milliseconds: min(wait, 100))
            if ready.canReadError { standardError.append(child.readError()) }
            if ready.canWrite { outgoing.send(to: child) }
            if ready.canRead {
                switch child.read() {
                case .bytes(let bytes): incoming.append(bytes)
                case .nothing: break
                case .end: return .failure(.exited(child.wait()))
                }
            }
        }
    }

    /// Ends the worker and puts into words why; true where the document, not something outside, is to blame.
    private func describe(_ end: End, _ clock: WorkerClock) -> (failure: ExtractionFailure, isOwnFault: Bool) {
        child.kill()
        standardError.append(child.readError())
        switch end {
        case .exited(let exit): return exit.failure(said: standardError.text, limits)
        case .deadline(let silence):
            let detail =
                silence
                ? "no page was finished within \(Int(clock.silenceSeconds)) s"
                : "the document was not finished within \(Int(clock.documentSeconds)) s"
            return (ExtractionFailure(.timeout, detail), false)
        case .tooMuch:
            return (ExtractionFailure(.tooLarge, "the text exceeds \(limits.replyBytes) bytes"), false)
        case .brokenRule(let what): return (ExtractionFailure(.crashed, "the worker was stopped: \(what)"), true)
        case .cancelled: return (ExtractionFailure(.timeout, "stopped before it was finished"), false)
        }
    }
}

/// The deadlines of one document.
struct WorkerClock {
    private(set) var documentSeconds: Double
    let silenceSeconds: Double
    private let start = WorkerClock.now
    private var lastSign = WorkerClock.now

    init(documentSeconds: Double, silenceSeconds: Double) {
        self.documentSeconds = documentSeconds
        self.silenceSeconds = silenceSeconds
    }

    /// The worker has said something.
    mutating func sign() { lastSign = Self.now }

    /// More time for the whole.
    mutating func extend(by seconds: Double) { documentSeconds += seconds }

    /// Whether it is the silence, not the whole, that lasts too long.
    var isSilent: Bool { lastSign + silenceSeconds < start + documentSeconds }

    /// Until the nearer deadline; nil once it is past.
    var millisecondsLeft: Int? {
        let left = min(start + documentSeconds, lastSign + silenceSeconds) - Self.now
        return left > 0 ? Int((left * 1000).rounded(.up)) : nil
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Bytes on their way to the worker.
private struct Outgoing {
    private var parts: [ArraySlice<UInt8>]

    init(parts: [[UInt8]]) {
        self.parts = parts.map { $0[...] }.filter { !$0.isEmpty }
    }

    var isDone: Bool { parts.isEmpty }

    mutating func send(to child: WorkerChild) {
        guard let part = parts.first else { return }
        guard let count = child.write(part) else {
            parts = []  // the worker reads no more; its end will tell why
            return
        }
        parts[0] = part.dropFirst(count)
        if parts[0].isEmpty { parts.removeFirst() }
    }
}

/// The end of what the worker printed.
private struct StandardErrorTail {
    private var bytes: [UInt8] = []

    mutating func append(_ more: [UInt8]) {
        bytes += more
        if bytes.count > 4096 { bytes.removeFirst(bytes.count - 2048) }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

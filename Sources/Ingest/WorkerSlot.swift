// One place in the pool: at most one worker process, started when needed, replaced after failures and from time to time.

import Documents

/// Serves one document at a time on a thread of its own.
actor WorkerSlot {
    nonisolated let program: WorkerProgram
    private let limits: WorkerLimits
    private nonisolated let thread = WorkerThread()
    private var process: WorkerProcess?
    private var served = 0
    /// After this many documents a worker is replaced: whatever its libraries leaked or cached goes with it.
    private static let documentsPerWorker = 48

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(program: WorkerProgram, limits: WorkerLimits) {
        self.program = program
        self.limits = limits
    }

    /// Reads one document, in a new worker if the one at hand fails for what earlier documents may have left in it.
    func extract(
        _ bytes: [UInt8], _ request: ExtractionRequest, pages: (any PageReceiver)?, progress: ((Int, Int) -> Void)?
    ) -> Result<Result<ExtractedDocument, ExtractionFailure>, WorkerError> {
        do throws(WorkerError) {
            let wasFresh = try start()
            let outcome = converse(bytes, request, pages, progress)
            if case .died(_, isOwnFault: true) = outcome, !wasFresh {
                _ = try start()
                return .success(converse(bytes, request, pages, progress).result)
            }
            return .success(outcome.result)
        } catch {
            return .failure(error)
        }
    }

    /// Sees to it that there is a worker; true if it has served nobody yet.
    private func start() throws(WorkerError) -> Bool {
        if served >= Self.documentsPerWorker { process = nil }
        if process == nil {
            process = try WorkerProcess(program, limits)
            served = 0
        }
        return served == 0
    }

    private func converse(
        _ bytes: [UInt8], _ request: ExtractionRequest, _ pages: (any PageReceiver)?, _ progress: ((Int, Int) -> Void)?
    ) -> WorkerOutcome {
        guard let process else { preconditionFailure("start() comes first") }
        let outcome = process.extract(bytes, request, pages: pages, progress: progress)
        served += 1
        if case .died = outcome { self.process = nil }
        return outcome
    }
}

/// What came of one document.
enum WorkerOutcome {
    /// The worker answered and lives on.
    case answered(Result<ExtractedDocument, ExtractionFailure>)
    /// The worker is gone. Its own fault: it crashed or ran out of memory, rather than being stopped from outside.
    case died(ExtractionFailure, isOwnFault: Bool)

    var result: Result<ExtractedDocument, ExtractionFailure> {
        switch self {
        case .answered(let result): result
        case .died(let failure, _): .failure(failure)
        }
    }
}

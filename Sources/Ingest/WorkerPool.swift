// Hands documents to worker processes and takes their answers: one worker a slot, restarted after any failure.
//
// Owns who waits for which slot. What happens with one document is `WorkerSlot` and `WorkerProcess`; which program to
// start is `WorkerPrograms`.

package import Documents
import Glibc

/// Takes the pages of one document as they come, from a thread of the pool.
package protocol PageReceiver: Sendable {
    /// The document is read from its first page on: forget what came before.
    func restart()
    /// Takes the next page.
    func receive(_ page: ExtractedPage)
}

/// A fixed number of workers, started when first needed and kept for a few dozen documents.
package actor WorkerPool {
    private let limits: WorkerLimits
    nonisolated let programs: WorkerPrograms
    private let capacity: Int
    private var idle: [WorkerSlot] = []
    private var busy = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Starts nothing yet. `workers`: how many documents may be in work at once, by default one a processor.
    package init(limits: WorkerLimits = WorkerLimits(), workers: Int? = nil, programs: WorkerPrograms = .installed) {
        self.limits = limits
        self.programs = programs
        capacity = max(1, workers ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    /// Extracts one document; `progress` gets pages done and pages in all, from a thread of the pool.
    ///
    /// Waits for a free worker first. Cancelling the task kills the worker that has the document; the result is then
    /// `.failure` with reason `timeout`, to be thrown away. What `pages` got is to be thrown away with any failure;
    /// without it the pages are part of the document. Throws only where no document of this format can be read.
    package func extract(
        _ bytes: [UInt8], _ request: ExtractionRequest, pages: (any PageReceiver)? = nil,
        progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) async throws(WorkerError) -> Result<ExtractedDocument, ExtractionFailure> {
        guard bytes.count <= limits.inputBytes else {
            return .failure(
                ExtractionFailure(.tooLarge, "the file has \(bytes.count) bytes; the limit is \(limits.inputBytes)"))
        }
        let slot = await take(request.format)
        let outcome = await slot.extract(bytes, request, pages: pages, progress: progress)
        give(slot)
        return try outcome.get()
    }

    /// Ends all idle workers. The pool can be used again; new workers are started then.
    package func shutdown() {
        idle.removeAll()
    }

    /// A free slot that serves this format, as soon as there is one.
    private func take(_ format: DocumentFormat) async -> WorkerSlot {
        if busy >= capacity {
            await withCheckedContinuation { waiting.append($0) }  // whoever resumes us leaves its place in `busy` to us
        } else {
            busy += 1
        }
        let program = programs.program(for: format)
        if let index = idle.firstIndex(where: { $0.program == program }) {
            return idle.remove(at: index)
        }
        return WorkerSlot(program: program, limits: limits)
    }

    /// Takes a slot back and wakes the first that waits.
    private func give(_ slot: WorkerSlot) {
        idle.append(slot)
        if waiting.isEmpty { busy -= 1 } else { waiting.removeFirst().resume() }
    }
}

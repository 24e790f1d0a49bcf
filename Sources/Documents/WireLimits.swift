// The limits that a worker lives under, and how they reach it: on its command line, before it reads anything.

/// What one document may cost. The worker sets the first group on itself; the parent enforces the second.
///
/// Times are those of a document of up to `pagesPerBudget` pages; one that has more gets as much again for as many,
/// `mostBudgets` times in all.
///
/// Processor time is what ends a document that asks too much, on a busy machine as on an idle one; the deadlines by the
/// clock are for a worker that hangs, and wide enough that load alone does not reach them.
package struct WorkerLimits: Sendable, Equatable {
    /// Address space of the worker in bytes (`RLIMIT_AS`).
    package var memoryBytes: Int
    /// Processor seconds for one document (`RLIMIT_CPU`).
    package var cpuSeconds: Int

    /// Seconds from handing over a document to its last reply.
    package var documentSeconds: Double
    /// Seconds without any sign of progress; a worker reports every page.
    package var pageSeconds: Double
    /// Largest document.
    package var inputBytes: Int
    /// All replies to one document together.
    package var replyBytes: Int

    /// Pages that are to be read in `cpuSeconds` and in `documentSeconds`.
    package static let pagesPerBudget = 1_000
    /// Documents get their time so many times at most: a few bytes can claim a million pages.
    package static let mostBudgets = 20

    /// Whether a document gets its time again after so many pages.
    package static func renews(after pages: Int) -> Bool {
        pages.isMultiple(of: pagesPerBudget) && pages < mostBudgets * pagesPerBudget
    }

    /// Describes limits.
    package init(
        memoryBytes: Int = 2 << 30, cpuSeconds: Int = 60, documentSeconds: Double = 600, pageSeconds: Double = 120,
        inputBytes: Int = 1 << 30, replyBytes: Int = 256 << 20
    ) {
        self.memoryBytes = memoryBytes
        self.cpuSeconds = cpuSeconds
        self.documentSeconds = documentSeconds
        self.pageSeconds = pageSeconds
        self.inputBytes = inputBytes
        self.replyBytes = replyBytes
    }

    /// What the parent puts on the worker's command line.
    package var arguments: [String] {
        ["--worker", "--memory", String(memoryBytes), "--cpu", String(cpuSeconds), "--input", String(inputBytes)]
    }

    /// Reads a worker's own command line; nil unless it is one that `arguments` made.
    package init?(arguments: [String]) {
        self.init()
        var rest = arguments[...]
        guard rest.popFirst() == "--worker" else { return nil }
        while let flag = rest.popFirst() {
            guard let text = rest.popFirst(), let value = Int(text), value > 0 else { return nil }
            switch flag {
            case "--memory": memoryBytes = value
            case "--cpu": cpuSeconds = value
            case "--input": inputBytes = value
            default: return nil
            }
        }
    }
}

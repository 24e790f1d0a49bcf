// The border between a pipeline and the program that has a model: the runner asks, the program works.

package import Runs

/// Does the work of steps. The program implements it with its engine; tests implement it with fixed answers.
package protocol StepExecutor: Sendable {
    /// Does one step.
    ///
    /// - Parameters:
    ///   - step: what to do; settings are merged with the pipeline's defaults.
    ///   - corpus: what to read.
    ///   - pipeline: the rest of the file, to resolve paths.
    ///   - emit: takes each record as it is finished, in a fixed order (that of the questions, or of the documents'
    ///     paths). The record is on disk when it returns.
    /// - Returns: what is known only of the step as a whole.
    /// - Throws: `UserError` when the step as a whole can't go on. A failed document or question is a record with
    ///   status `failed`.
    func execute(
        _ step: PipelineStep, corpus: PipelineCorpus, pipeline: PipelineDefinition,
        emit: @Sendable (StepRecord) throws -> Void
    ) async throws -> StepTotals
}

/// One finished answer or summary.
package struct StepRecord: Sendable, Equatable {
    /// What the checks look at; its `id` names the record.
    package var checked: CheckedRecord
    /// The document that it is about; nil for answers and summaries of a corpus.
    package var doc: String?
    /// The record as one line of JSON (`docproc.answer/1` or `docproc.summary/1`).
    package var json: String
    /// The record as Markdown.
    package var markdown: String

    /// Describes a record.
    package init(checked: CheckedRecord, doc: String? = nil, json: String, markdown: String) {
        self.checked = checked
        self.doc = doc
        self.json = json
        self.markdown = markdown
    }
}

/// What is known only of a step as a whole.
package struct StepTotals: Sendable, Equatable {
    /// What was read for all of its records.
    package var coverage: CheckedCoverage
    /// Tokens read and written.
    package var inputTokens: Int, outputTokens: Int
    /// Wall time.
    package var seconds: Double
    /// Tokens read per second of reading; nil if nothing was read.
    package var tokensPerSecond: Double?
    /// Most memory ever resident, in bytes; nil if unknown.
    package var peakMemory: Int?
    /// Nil if unknown.
    package var keyValues: KeyValueTotals?

    /// Describes a step.
    package init(
        coverage: CheckedCoverage = .init(), inputTokens: Int = 0, outputTokens: Int = 0, seconds: Double = 0,
        tokensPerSecond: Double? = nil, peakMemory: Int? = nil, keyValues: KeyValueTotals? = nil
    ) {
        self.coverage = coverage
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.seconds = seconds
        self.tokensPerSecond = tokensPerSecond
        self.peakMemory = peakMemory
        self.keyValues = keyValues
    }
}

/// Keys and values of a step.
package struct KeyValueTotals: Sendable, Equatable {
    /// The most that was in memory and on disk after a record, in bytes.
    package var resident: Int, paged: Int
    /// Tokens whose keys and values were there before.
    package var cachedTokens: Int
    /// What was read from disk, and how long that was waited for.
    package var readBytes: Int
    package var waitSeconds: Double

    /// Collects the five.
    package init(resident: Int = 0, paged: Int = 0, cachedTokens: Int = 0, readBytes: Int = 0, waitSeconds: Double = 0)
    {
        self.resident = resident
        self.paged = paged
        self.cachedTokens = cachedTokens
        self.readBytes = readBytes
        self.waitSeconds = waitSeconds
    }

    /// Whether some were on disk, or there before.
    package var isWorthTelling: Bool { paged > 0 || cachedTokens > 0 || readBytes > 0 }

    /// As members of records and events.
    package var members: [JSONValue.Member] {
        [
            .init("resident", .int(resident)), .init("paged", .int(paged)), .init("cached", .int(cachedTokens)),
            .init("reads", .fields(["bytes": .int(readBytes), "wait_seconds": .double(waitSeconds)])),
        ]
    }
}

// A pipeline as values, after every rule has been checked: what the runner and the program's executor work with.
//
// Reading the file, its rules and its complaints are in `PipelineParser`, `PipelineKeys` and `Validator`.

/// A pipeline file, checked and with its variables filled in.
package struct PipelineDefinition: Sendable, Equatable {
    /// The file, as the user wrote it.
    package var path: String
    /// `name:`
    package var name: String
    /// `models:` by their name in this file.
    package var models: [String: PipelineModel]
    /// `corpora:` by their name in this file.
    package var corpora: [String: PipelineCorpus]
    /// `defaults:`; steps inherit them, see `PipelineStep.settings`.
    package var defaults: StepSettings
    /// `steps:` in the order in which they run.
    package var steps: [PipelineStep]
    /// `outputs:`
    package var outputs: [PipelineOutput]
    /// `reports.junit:`
    package var junit: String?
    /// `limits:`
    package var limits: PipelineLimits

    /// The folder of the file. Paths in the file are relative to it.
    package var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path from the file as one that can be opened from the working directory.
    package func resolve(_ relative: String) -> String {
        if relative.hasPrefix("/") || directory == "." { return relative }
        return directory == "/" ? "/" + relative : directory + "/" + relative
    }
}

/// A model of `models:`.
package struct PipelineModel: Sendable, Equatable {
    /// A name or path as after `--model`.
    package var name: String
    /// The file's hash, where the pipeline pins it.
    package var sha256: String?
}

/// A corpus of `corpora:`.
package struct PipelineCorpus: Sendable, Equatable {
    /// Its name in the file.
    package var name: String
    /// Files, folders and globs, relative to the pipeline file.
    package var paths: [String]
    /// Globs to leave out.
    package var exclude: [String]
    /// Globs to keep; empty for all.
    package var include: [String]
    /// `fail`, `warn` or `skip`.
    package var onUnreadable: String?
    /// `main` or `full`.
    package var html: String?
    /// `flag`, `drop` or `keep`.
    package var hiddenText: String?
    /// Pages to read of each document.
    package var pages: PageSelection?
}

/// Settings of a model and its use. A key that is absent is nil, and something weaker decides.
package struct StepSettings: Sendable, Equatable {
    /// A model name as after `--model`; names of `models:` are already looked up.
    package var model: PipelineModel?
    /// Hard limit on resident memory, in bytes.
    package var memory: Int?
    /// Threads of computation.
    package var threads: Int?
    /// Window in tokens; `auto` and `max` are kept as words.
    package var context: ContextSetting?
    /// `f16`.
    package var kvType: String?
    /// The most bytes of keys and values in memory.
    package var kvMemory: Int?
    package var kvRead: String?
    /// `none`.
    package var thinking: String?
    /// 0 is greedy.
    package var temperature: Double?
    /// Seed of sampling.
    package var seed: Int?
    /// Most tokens of one answer.
    package var maxOutputTokens: Int?
    /// `auto`, `full`, `map` or `search`.
    package var strategy: String?
    /// `required`, `auto` or `off`.
    package var cite: String?

    /// No setting at all.
    package init() {}

    /// These settings where given, else those of `weaker`.
    package func over(_ weaker: StepSettings) -> StepSettings {
        var merged = self
        merged.model = model ?? weaker.model
        merged.memory = memory ?? weaker.memory
        merged.threads = threads ?? weaker.threads
        merged.context = context ?? weaker.context
        merged.kvType = kvType ?? weaker.kvType
        merged.kvMemory = kvMemory ?? weaker.kvMemory
        merged.kvRead = kvRead ?? weaker.kvRead
        merged.thinking = thinking ?? weaker.thinking
        merged.temperature = temperature ?? weaker.temperature
        merged.seed = seed ?? weaker.seed
        merged.maxOutputTokens = maxOutputTokens ?? weaker.maxOutputTokens
        merged.strategy = strategy ?? weaker.strategy
        merged.cite = cite ?? weaker.cite
        return merged
    }
}

/// `context:`
package enum ContextSetting: Sendable, Equatable {
    case auto, max
    case tokens(Int)
}

/// One step.
package struct PipelineStep: Sendable, Equatable {
    /// `id:`
    package var id: String
    /// What it does.
    package var work: Work
    /// The step's settings over the defaults.
    package var settings: StepSettings
    /// `needs:`
    package var needs: [String]
    /// `on_error:`
    package var onError: OnError
    /// `assert:`
    package var asserts: [StepCheck]
    /// Line of the step in the file.
    package var line: Int

    /// The kinds of step.
    package enum Work: Sendable, Equatable {
        case ask(AskStep)
        case summarize(SummarizeStep)

        /// The step's key in the file.
        package var name: String {
            switch self {
            case .ask: "ask"
            case .summarize: "summarize"
            }
        }

        /// The corpus it reads.
        package var corpus: String {
            switch self {
            case .ask(let step): step.corpus
            case .summarize(let step): step.corpus
            }
        }
    }

    /// What a failed step means for those after it.
    package enum OnError: String, Sendable, Equatable {
        case stop, `continue`
    }
}

/// `ask:`
package struct AskStep: Sendable, Equatable {
    /// A name of `corpora:`.
    package var corpus: String
    /// Inline questions, then those of `questions_file`.
    package var questions: [Question]
}

/// `summarize:`
package struct SummarizeStep: Sendable, Equatable {
    /// A name of `corpora:`.
    package var corpus: String
    /// One summary per document or one of all.
    package var per: Per
    /// `length: 180 words`, in words.
    package var words: Int?
    /// `prompt:`, or the text of `prompt_file:`.
    package var prompt: String?

    /// What gets one summary.
    package enum Per: String, Sendable, Equatable {
        case document, corpus
    }
}

/// One output of `outputs:`.
package struct PipelineOutput: Sendable, Equatable {
    /// The step it comes from.
    package var from: String
    /// The form of the text.
    package var format: Format
    /// Where it goes; `{doc.stem}` and its kin are filled in per record.
    package var path: String
    /// Line of the output in the file.
    package var line: Int

    /// The forms.
    package enum Format: String, Sendable, Equatable, CaseIterable {
        case markdown, json, jsonl
    }
}

/// `limits:`; nil is no limit. The executor keeps them, since it holds the engine.
package struct PipelineLimits: Sendable, Equatable {
    /// Seconds of the whole run.
    package var seconds: Double?
    /// Tokens read in all.
    package var inputTokens: Int?
    /// Tokens written in all.
    package var outputTokens: Int?
    /// Bytes of cache and outputs.
    package var disk: Int?
    /// Bytes of resident memory.
    package var memory: Int?

    /// No limits.
    package init() {}
}

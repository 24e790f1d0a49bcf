package import Diagnostics
package import KVCache
package import Models
package import Tokenization

/// Why an engine could not be opened or a request was refused.
package enum EngineError: Error, Sendable, Equatable {
    /// The model file does not hold what its architecture needs, or is of a kind that we do not run.
    case model(ModelError)
    /// The tokenizer in the file is incomplete or of an unknown kind.
    case tokenizer(TokenizerError)
    /// The plan exceeds the limit; nothing was loaded.
    case memory(MemoryPlan, limit: Int)
    /// Keys and values have no room in memory and cannot be paged out.
    case paging(KVPagingError)
    /// Keys and values that were paged out come back wrong again and again.
    case reading(KVReadFailure)
    /// The budget for keys and values is below the least that this model needs.
    case keyValueMemory(needed: Int, limit: Int)
    /// `DOCPROC_KERNELS` or the options name a set that this processor does not have.
    case kernels(String, available: [String])
    /// Prompt and output do not fit.
    case context(prompt: Int, output: Int, limit: Int)
    case emptyPrompt
    /// A token id outside of the vocabulary.
    case token(Int32, vocabularySize: Int)
    /// The grammar describes no text at all, or has too many states.
    case grammar(String)

    /// The same for the user's eyes. `path` is the model file.
    package func userError(path: String) -> UserError {
        let place = UserError.Place("file", path)
        switch self {
        case .model(let error):
            return error.userError(path: path)
        case .tokenizer(.unsupported(let key, let value)):
            return UserError(
                .modelUnsupported, "The tokenizer of this model is of an unknown kind: '\(key)' is '\(value)'.",
                places: [place])
        case .tokenizer(.missing(let key)):
            return UserError(.modelDamaged, "The metadata key '\(key)' of the tokenizer is missing.", places: [place])
        case .tokenizer(.inconsistent(let reason)):
            return UserError(.modelDamaged, "The tokenizer in the file contradicts itself: \(reason)", places: [place])
        case .tokenizer(.malformed(let file, let offset, let reason)):
            return UserError(
                .modelDamaged, "The file \(file) of the tokenizer cannot be read at byte \(offset): \(reason)",
                places: [place])
        case .memory(let plan, let limit):
            return UserError(
                .memoryLimit,
                "this needs up to \(mebibytes(plan.totalBytes)) of memory (weights \(mebibytes(plan.weightBytes)), "
                    + "cache of \(plan.contextTokens) tokens \(mebibytes(plan.cacheBytes)), "
                    + "working memory \(mebibytes(plan.scratchBytes))); the limit is \(mebibytes(limit))",
                places: [place],
                remedies: [
                    UserError.Remedy("--memory", "a higher limit"),
                    UserError.Remedy("--context", "a smaller window takes a smaller cache"),
                    UserError.Remedy("--model", "a smaller model"),
                ])
        case .paging(.full(let bytes, let path)):
            return UserError(
                .diskFull,
                "keys and values need \(mebibytes(bytes)) more on disk, which would leave less than 4 GiB free",
                places: [UserError.Place("folder", path)],
                remedies: [
                    UserError.Remedy("--kv-memory", "more of them in memory"),
                    UserError.Remedy("docproc cache prune", "remove what is stored and no longer used"),
                ])
        case .paging(.unwritable(let errno, let path)):
            return UserError(
                .diskFull, "keys and values cannot be written to disk: \(errno)",
                places: [UserError.Place("folder", path)],
                remedies: [UserError.Remedy("--kv-memory", "more of them in memory"), UserError.Remedy("--cache-dir")])
        case .reading(let failure):
            return UserError(
                .internalError,
                "keys and values from position \(failure.position) on come back from disk wrong: \(failure.why)",
                remedies: [UserError.Remedy("--cache-dir", "another disk")])
        case .keyValueMemory(let needed, let limit):
            return UserError(
                .memoryLimit,
                "this model needs \(mebibytes(needed)) for keys and values; the limit is \(mebibytes(limit))",
                places: [place], remedies: [UserError.Remedy("--kv-memory", "a higher limit")])
        case .kernels(let name, let available):
            return UserError(
                .badSetting, "there are no kernels '\(name)' for this processor",
                remedies: [UserError.Remedy("DOCPROC_KERNELS=" + available.joined(separator: "|"))])
        case .context(let prompt, let output, let limit):
            return UserError(
                .windowTooLarge,
                "the prompt has \(prompt) tokens and \(output) are reserved for the answer; the context holds \(limit)",
                remedies: [UserError.Remedy("--context", "a larger window, if the model has one")])
        case .emptyPrompt:
            return UserError(.internalError, "a prompt without tokens was sent to the model")
        case .token(let id, let size):
            return UserError(.internalError, "token \(id) is outside of the vocabulary of \(size)")
        case .grammar(let reason):
            return UserError(.internalError, "the grammar of the answer cannot be used: \(reason)")
        }
    }
}

private func mebibytes(_ bytes: Int) -> String {
    "\((bytes + (1 << 20) - 1) >> 20) MiB"
}

import Answering
import Diagnostics
import Documents
import Glibc
import Ingest
import Packing
import Runs
import Store

/// The documents of a command with the ledger of how they came to be.
struct LoadedCorpus: Sendable {
    let report: IngestReport
    let corpus: AskCorpus
    /// The paths as the user gave them.
    let paths: [String]
    /// What the extraction depended on besides the files.
    let variant: String

    /// `412 files`, `handbook/ (38 files)`.
    var label: String {
        paths.joined(separator: " ") + " (" + Format.plural(report.outcomes.count, "file") + ")"
    }
}

/// Reads paths into a corpus: progress, warnings, and the errors of input that gives nothing.
struct CorpusReader {
    let context: CommandContext
    let options: IngestOptions
    let store: CorpusStore?
    var events = EventSink(run: "", output: nil)

    /// Reads everything.
    ///
    /// - Throws: `DP-IN-01` for a path that is not there, `DP-IN-02` under `--on-unreadable fail`, `DP-IN-03` or `-04`
    ///   when nothing is left to work with.
    func read(_ paths: [String]) async throws -> LoadedCorpus {
        try load(try await report(paths), paths: paths)
    }

    /// A corpus from a report that is there already.
    func load(_ report: IngestReport, paths: [String]) throws -> LoadedCorpus {
        try demandText(report, paths: paths)
        let documents = report.documents.map {
            SegmentedDocument(document: $0, segments: Segmenter.segments(of: $0))
        }
        var skipped: [AskCorpus.LeftOut] = []
        var failed: [AskCorpus.LeftOut] = []
        for outcome in report.outcomes {
            switch outcome.status {
            case .read: continue
            case .skipped(let reason):
                skipped.append(.init(path: outcome.path, reason: reason.rawValue, pages: outcome.pages.total))
            case .failed(let failure):
                failed.append(.init(path: outcome.path, reason: failure.reason.rawValue, pages: outcome.pages.total))
            }
        }
        return LoadedCorpus(
            report: report, corpus: AskCorpus(documents: documents, skipped: skipped, failed: failed), paths: paths,
            variant: variant)
    }

    /// Reads everything and leaves judgement to the caller.
    ///
    /// - Parameters:
    ///   - keepsText: whether the report's documents have their text.
    ///   - each: called for each document as it is read, one after the other.
    func report(
        _ paths: [String], keepsText: Bool = true, each: (Document) throws -> Void = { _ in }
    ) async throws -> IngestReport {
        try Self.demand(paths)
        let ingestor = Ingestor(options, cache: store.map { StoredExtractions(store: $0) })
        let narrator = context.narrator
        narrator.begin(Progress(stage: "ingest", done: 0, total: nil, unit: "files"))
        var pages = 0
        var flagged = 0
        var told = Told()
        let final = try await ingestor.report(paths, keepsText: keepsText) { event in
            switch event {
            case .found(let total):
                narrator.update { $0.total = total }
            case .started(let path):
                narrator.detail("reading \(path)")
            case .finished(let outcome):
                pages += outcome.pages.total
                if Self.isFlagged(outcome) { flagged += 1 }
                let words = [Format.plural(pages, "page")] + (flagged > 0 ? ["\(Format.count(flagged)) flagged"] : [])
                narrator.update {
                    $0.done += 1
                    $0.details = words
                }
                tell(outcome, told: &told)
                events.send(.docIngested, Self.fields(outcome))
                if let document = outcome.document { try each(document) }
            case .completed: break
            }
        }
        try Task.checkCancellation()
        if let fault = final.fault {
            guard final.read > 0 else { throw fault }
            context.narrator.warn(fault.cause)
        }
        told.end(options, narrator)
        narrator.end(
            Format.pad("ingest", 8) + " \(Format.count(final.read))/\(Format.plural(final.outcomes.count, "file"))   "
                + Format.plural(final.pages.total, "page") + (flagged > 0 ? "   \(Format.count(flagged)) flagged" : ""))
        if options.onUnreadable == .fail, let bad = final.outcomes.first(where: { Self.failure($0) != nil }) {
            throw Self.unreadable(bad, failed: final.failed)
        }
        return final
    }

    /// Files that failed make a finished command a partial one, unless the user said that they do not matter.
    static func judge(_ loaded: LoadedCorpus, _ context: CommandContext) throws {
        let failed = loaded.corpus.failed.count
        guard failed > 0, context.settings.text(SettingKey.onUnreadable) != "skip" else { return }
        throw EndWith(
            status: .partial,
            note: "finished, but \(Format.plural(failed, "file")) could not be read; docproc inspect "
                + loaded.paths.joined(separator: " ") + " --flagged says why (exit 6)")
    }

    /// What the index of segments depends on besides the file.
    private var variant: String {
        let pages = options.pages.map { $0.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",") } ?? "all"
        return "segments/1 html=\(options.html.rawValue) hidden=\(options.hiddenText.rawValue) pages=\(pages)"
    }

    /// What the user was told of files, so that one cause is not told a thousand times.
    private struct Told {
        var unreadable = 0
        var warnings: [String: Int] = [:]

        static let most = 5

        mutating func end(_ options: IngestOptions, _ narrator: Narrator) {
            if unreadable > Self.most, options.onUnreadable == .warn {
                narrator.warn("\(unreadable - Self.most) more files could not be read; docproc ingest lists them")
            }
            for (warning, count) in warnings.sorted(by: { $0.key < $1.key }) where count > Self.most {
                narrator.warn("\(Format.plural(count - Self.most, "more file")): \(warning)")
            }
        }
    }

    private func tell(_ outcome: IngestOutcome, told: inout Told) {
        for warning in outcome.warnings {
            told.warnings[warning, default: 0] += 1
            guard told.warnings[warning, default: 0] <= Told.most else { continue }
            context.narrator.warn("\(outcome.path): \(warning)")
        }
        switch outcome.status {
        case .failed(let failure):
            told.unreadable += 1
            guard options.onUnreadable == .warn, told.unreadable <= Told.most else { return }
            context.narrator.warn("\(outcome.path) not read: \(failure.reason.rawValue) (\(failure.detail))")
        case .skipped(let reason):
            context.narrator.detail("\(outcome.path) skipped: \(reason.explanation)")
        case .read(let document):
            guard !document.notes.isEmpty else { return }
            context.narrator.detail("\(outcome.path): \(document.notes.map(\.rawValue).joined(separator: ", "))")
        }
    }

    private func demandText(_ report: IngestReport, paths: [String]) throws(UserError) {
        guard report.documents.allSatisfy({ $0.text.isEmpty }) else { return }
        let place = UserError.Place("corpus", paths.joined(separator: " "))
        let selected = report.outcomes.filter {
            if case .skipped(let reason) = $0.status { return ![.excluded, .ignored, .hidden].contains(reason) }
            return true
        }
        if selected.isEmpty {
            throw UserError(
                .corpusEmpty, "there are no documents in \(paths.joined(separator: " "))", places: [place],
                remedies: [
                    .init("docproc ingest PATH", "shows which files were left out and why"),
                    .init("--include GLOB", "choose other files"),
                ])
        }
        var reasons: [String: Int] = [:]
        for outcome in selected {
            switch outcome.status {
            case .skipped(let reason): reasons[reason.rawValue, default: 0] += 1
            case .failed(let failure): reasons[failure.reason.rawValue, default: 0] += 1
            case .read: reasons["empty", default: 0] += 1
            }
        }
        let list = reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        throw UserError(
            .nothingReadable, "none of \(Format.plural(selected.count, "file")) gave text: \(list)", places: [place],
            remedies: [.init("docproc ingest PATH", "gives the reason for each file")])
    }

    private static func unreadable(_ outcome: IngestOutcome, failed: Int) -> UserError {
        let failure = failure(outcome)
        let more = failed > 1 ? "; \(failed) files in all" : ""
        return UserError(
            .inputUnreadable,
            "a document could not be read: \(failure?.reason.rawValue ?? "unreadable") (\(failure?.detail ?? "–"))\(more)",
            places: [.init("file", outcome.path)],
            remedies: [
                .init("--on-unreadable warn", "go on with the other documents"),
                .init("--exclude GLOB", "leave this one out"),
            ])
    }

    private static func failure(_ outcome: IngestOutcome) -> ExtractionFailure? {
        if case .failed(let failure) = outcome.status { failure } else { nil }
    }

    /// Whether a reader of an answer should know about this file: text is missing, doubtful or hidden.
    static func isFlagged(_ outcome: IngestOutcome) -> Bool {
        switch outcome.status {
        case .read(let document): document.notes.contains { ![.twoColumn, .encodingGuessed].contains($0) }
        case .skipped(let reason): reason == .noText
        case .failed: true
        }
    }

    /// - Throws: `DP-IN-01` for the first path that is not there.
    static func demand(_ paths: [String]) throws(UserError) {
        for path in paths where path != "-" { try demand(path) }
    }

    private static func demand(_ path: String) throws(UserError) {
        var information = stat()
        if stat(path, &information) == 0 { return }
        let code = errno
        if code == EACCES {
            throw UserError(.inputUnreadable, "\(path) may not be read by this user", places: [.init("path", path)])
        }
        throw UserError(
            .inputMissing, "there is no file or folder \"\(path)\"", places: [.init("path", path)],
            remedies: path.contains(" ")
                ? [.init("docproc ask PATH... QUESTION", "only the last argument is the question")] : [])
    }

    /// One outcome for events and `ingest --json`.
    static func fields(_ outcome: IngestOutcome) -> JSONValue {
        var members: [JSONValue.Member] = [.init("doc", .string(outcome.path))]
        switch outcome.status {
        case .read(let document):
            members += [
                .init("status", "read"), .init("format", .string(document.format.rawValue)),
                .init("characters", .int(outcome.characters)),
                .init("language", document.metadata["language"].map { .string($0) } ?? .null),
                .init("title", document.title.map { .string($0) } ?? .null),
                .init("quality", outcome.quality.map { .double(Format.quality($0)) } ?? .null),
                .init("notes", .array(document.notes.map { .string($0.rawValue) })),
            ]
        case .skipped(let reason):
            members += [.init("status", "skipped"), .init("reason", .string(reason.rawValue))]
        case .failed(let failure):
            members += [
                .init("status", "failed"), .init("reason", .string(failure.reason.rawValue)),
                .init("detail", .string(failure.detail)),
            ]
        }
        members += [
            .init("size", .int(outcome.size)), .init("sha256", outcome.sha256.map { .string($0) } ?? .null),
            .init(
                "pages",
                .fields([
                    "read": .int(outcome.pages.read), "skipped": .int(outcome.pages.skipped),
                    "failed": .int(outcome.pages.failed),
                ])), .init("cached", .bool(outcome.cached)),
            .init("warnings", .array(outcome.warnings.map { .string($0) })),
        ]
        return .object(members)
    }
}

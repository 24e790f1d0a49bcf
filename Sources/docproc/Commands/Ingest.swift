import ArgumentParser
import Diagnostics
import Documents
import Ingest
import Runs

/// `ingest`: extracts text into the cache and tells what became of every file.
struct IngestCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Extract text, pages and quality notes into the cache.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @Flag(name: .long, help: "Print one event per line as work proceeds.")
    var jsonl = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write the text of each document to a file of its own in the folder --output.", valueName: "form"))
    var export: ExportForm?
    @Argument(help: ArgumentHelp("Files and folders; - is standard input.", valueName: "path"))
    var paths: [String]

    var settingFlags: [any SettingFlags] { [selection, progress, storing] }
    var wantsEvents: Bool { jsonl }
    var ownsOutput: Bool { export != nil }

    enum ExportForm: String, ExpressibleByArgument, CaseIterable {
        case text
    }

    func validate() throws {
        if export != nil, global.output == nil {
            throw ValidationError("--export needs a folder: -o DIR")
        }
    }

    func run(in context: CommandContext) async throws {
        let store = try StoreAccess.open(context)
        let events = EventSink(run: "ingest", output: jsonl ? context.output : nil, stop: context.stop)
        let reader = CorpusReader(
            context: context, options: try selection.ingestOptions(context.settings), store: store, events: events)
        let files = try export.map { _ in try TextExport(folder: global.output ?? ".", arguments: paths) }
        let report = try await reader.report(paths, keepsText: false) { try files?.write($0) }
        try files?.finish()
        if jsonl {
            try events.require(.runEnd, totals(report))
        } else {
            try context.print(
                .fields([
                    "schema": "docproc.ingest/1", "documents": .array(report.outcomes.map(CorpusReader.fields)),
                    "totals": totals(report),
                ]), text: text(report))
        }
        if report.outcomes.isEmpty {
            throw end(UserError(.corpusEmpty, "there are no files in \(paths.joined(separator: " "))"))
        }
        if report.read == 0 {
            throw end(
                UserError(
                    .nothingReadable, "no file gave text", places: [.init("corpus", paths.joined(separator: " "))]))
        }
        if report.failed > 0, context.settings.text(SettingKey.onUnreadable) != "skip" {
            throw EndWith(
                status: .partial, note: "\(Format.plural(report.failed, "file")) could not be read (exit 6)")
        }
    }

    /// An error that is met when the result is printed already. Standard output gets one document of JSON and not two.
    private func end(_ error: UserError) -> any Error {
        global.json ? EndWith(status: error.exit, note: "\(error.cause) (exit \(error.exit.rawValue))") : error
    }

    private func totals(_ report: IngestReport) -> JSONValue {
        .fields([
            "found": .int(report.found), "read": .int(report.read), "skipped": .int(report.skipped),
            "failed": .int(report.failed),
            "pages": .fields([
                "read": .int(report.pages.read), "skipped": .int(report.pages.skipped),
                "failed": .int(report.pages.failed),
            ]),
        ])
    }

    private func text(_ report: IngestReport) -> String {
        var rows = [["pages", "characters", "language", "quality", "what", "file"]]
        for outcome in report.outcomes {
            switch outcome.status {
            case .read(let document):
                rows.append([
                    Format.count(outcome.pages.total), Format.count(outcome.characters),
                    document.metadata["language"] ?? "–", outcome.quality.map { "\(Format.quality($0))" } ?? "–",
                    (["read"] + document.notes.map(\.rawValue)).joined(separator: ", "), Format.oneLine(outcome.path),
                ])
            case .skipped(let reason):
                rows.append(["–", "–", "–", "–", "skipped: \(reason.rawValue)", Format.oneLine(outcome.path)])
            case .failed(let failure):
                rows.append(["–", "–", "–", "–", "failed: \(failure.reason.rawValue)", Format.oneLine(outcome.path)])
            }
        }
        return Format.table(rows, rightAligned: [0, 1, 3])
            + "\(report.read) read, \(report.skipped) skipped, \(report.failed) failed of \(report.found)\n"
    }
}

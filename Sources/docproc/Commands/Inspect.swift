import Answering
import ArgumentParser
import Diagnostics
import Documents
import Ingest
import Packing
import Runs

/// `inspect`: the text of a document as the model will see it, with segment numbers and pages.
struct InspectCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what was extracted from documents, with segment numbers.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var storing: StoreOptions
    @Option(name: .long, help: ArgumentHelp("Show one page.", valueName: "n"))
    var page: Int?
    @Flag(name: .long, help: "List only files with quality notes and files that gave no text.")
    var flagged = false
    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
    var paths: [String]

    var settingFlags: [any SettingFlags] { [selection, storing] }

    func run(in context: CommandContext) async throws {
        let store = try StoreAccess.open(context)
        let reader = CorpusReader(
            context: context, options: try selection.ingestOptions(context.settings), store: store)
        if flagged { return try await showFlagged(reader, context) }
        let loaded = try await reader.read(paths)
        try context.print(
            .fields([
                "schema": "docproc.inspect/1",
                "documents": .array(loaded.corpus.documents.map { record($0.document, wanted($0.segments)) }),
            ]),
            text: loaded.corpus.documents.map { text($0.document, wanted($0.segments), style: context.outputStyle) }
                .joined(separator: "\n"))
    }

    /// Numbers stay those of the whole document.
    private func wanted(_ segments: [Segment]) -> [Segment] {
        page.map { page in segments.filter { $0.page == page } } ?? segments
    }

    private func showFlagged(_ reader: CorpusReader, _ context: CommandContext) async throws {
        let report = try await reader.report(paths)
        var rows: [[String]] = []
        var records: [JSONValue] = []
        for outcome in report.outcomes {
            let what: String
            switch outcome.status {
            case .read(let document):
                guard CorpusReader.isFlagged(outcome) else { continue }
                what = document.notes.map(\.rawValue).joined(separator: ", ")
            case .skipped(let reason): what = "skipped: \(reason.explanation)"
            case .failed(let failure): what = "failed: \(failure.reason.rawValue): \(failure.detail)"
            }
            rows.append([Format.oneLine(outcome.path), what])
            records.append(CorpusReader.fields(outcome))
        }
        try context.print(
            .fields(["schema": "docproc.inspect/1", "documents": .array(records)]), text: Format.table(rows))
    }

    private func text(_ document: Document, _ segments: [Segment], style: Style) -> String {
        var lines = [style.bold(Format.oneLine(document.path))]
        if let title = document.title { lines.append("title: \(title)") }
        if !document.notes.isEmpty { lines.append("notes: " + document.notes.map(\.rawValue).joined(separator: ", ")) }
        var shown = 0
        for segment in segments {
            if segment.page != shown {
                shown = segment.page
                lines.append(style.dim("── page \(segment.page)\(label(document, segment.page)) ──"))
            }
            lines.append("[\(segment.index + 1)] " + document.text(in: segment.textRange))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func label(_ document: Document, _ page: Int) -> String {
        document.pages.first { $0.number == page }?.label.map { " (printed \($0))" } ?? ""
    }

    /// Where a part of the text leads; nil on a page that was not asked for.
    private func link(_ document: Document, _ link: Link) -> JSONValue? {
        let number = document.page(at: link.textRange.lowerBound)?.number ?? 1
        guard page.map({ $0 == number }) ?? true else { return nil }
        let raw = document.offsets.raw(link.textRange)
        let target: JSONValue.Member
        switch link.target {
        case .address(let address): target = .init("address", .string(address))
        case .page(let number): target = .init("to_page", .int(number))
        }
        return .object([
            .init("page", .int(number)), .init("offset", .array([.int(raw.lowerBound), .int(raw.upperBound)])),
            .init("text", .string(document.text(in: link.textRange))), target,
        ])
    }

    private func record(_ document: Document, _ page: DocumentPage) -> JSONValue {
        .fields([
            "number": .int(page.number), "label": page.label.map { .string($0) } ?? .null,
            "width": .double(page.width), "height": .double(page.height),
            "quality": document.quality(of: page).map { .double(Format.quality($0)) } ?? .null,
            "notes": .array(page.notes.map { .string($0.rawValue) }),
        ])
    }

    private func record(_ document: Document, _ segments: [Segment]) -> JSONValue {
        .fields([
            "doc": .string(document.path), "sha256": .string(document.sha256),
            "title": document.title.map { .string($0) } ?? .null,
            "notes": .array(document.notes.map { .string($0.rawValue) }),
            "pages": .array(document.pages.filter { page == nil || page == $0.number }.map { record(document, $0) }),
            "outline": .array(
                document.outline.map { entry in
                    .fields([
                        "level": .int(entry.level), "title": .string(entry.title),
                        "page": entry.page.map { .int($0) } ?? .null,
                    ])
                }),
            "links": .array(document.links.compactMap { link(document, $0) }),
            "segments": .array(
                segments.map { segment in
                    .fields([
                        "number": .int(segment.index + 1), "page": .int(segment.page),
                        "heading": segment.heading.map { .string($0) } ?? .null,
                        "offset": .array([
                            .int(document.offsets.raw(segment.textRange).lowerBound),
                            .int(document.offsets.raw(segment.textRange).upperBound),
                        ]), "text": .string(document.text(in: segment.textRange)),
                    ])
                }),
        ])
    }
}

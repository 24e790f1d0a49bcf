import Answering
import ArgumentParser
import Diagnostics
import Packing
import Runs
import SystemPackage

/// `verify`: looks every quotation of a draft up in a corpus. Needs no model.
struct VerifyCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the quotations of an answer or draft; no model needed.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var storing: StoreOptions
    @Option(
        name: .long, help: ArgumentHelp("Files and folders that the quotations should stand in.", valueName: "path"))
    var corpus: [String]
    @Argument(help: ArgumentHelp("An answer record, Markdown, HTML or text; - is standard input.", valueName: "file"))
    var file: String

    var settingFlags: [any SettingFlags] { [selection, storing] }

    func run(in context: CommandContext) async throws {
        guard !corpus.isEmpty else {
            throw UserError(.badFlag, "verify needs --corpus PATH", remedies: [.init("--corpus PATH", "where to look")])
        }
        let draft = try read()
        let format = QuoteVerifier.DraftFormat.of(path: file, text: draft)
        if let line = QuoteVerifier.fault(in: draft, format: format) {
            throw UserError(
                .inputUnreadable, "the record is cut off or is no JSON", places: [.init("file", "\(file):\(line)")],
                remedies: [.init("run the command that wrote it again")])
        }
        let reader = CorpusReader(
            context: context, options: try selection.ingestOptions(context.settings),
            store: try StoreAccess.open(context))
        let loaded = try await reader.read(corpus)
        let found = QuoteVerifier(loaded.corpus.documents.map(\.document)).verify(draft, format: format)
        let bad = found.filter { $0.verdict != .ok }
        try context.print(
            .fields([
                "schema": "docproc.verify/1", "file": .string(file),
                "quotations": .array(try found.map { try RecordJSON.value($0) }),
                "ok": .int(found.count - bad.count), "attention": .int(bad.count),
            ]), text: text(found, style: context.outputStyle))
        guard !bad.isEmpty else {
            return context.narrator.note(
                found.isEmpty
                    ? "no quotations were found in \(file)"
                    : "all \(Format.plural(found.count, "quotation")) stand where they should")
        }
        throw EndWith(
            status: .checkFailed,
            note: "\(bad.count) of \(Format.plural(found.count, "quotation")) "
                + (bad.count == 1 ? "needs" : "need") + " attention (exit 7)")
    }

    private func read() throws -> String {
        do {
            let bytes = try file == "-" ? SmallFile.bytes(.standardInput) : SmallFile.bytes(FilePath(file))
            guard !bytes.starts(with: "%PDF-".utf8), !bytes.prefix(4096).contains(0) else {
                throw UserError(
                    .inputUnreadable, "the draft is no text", places: [.init("file", file)],
                    remedies: [.init("docproc ingest FILE --export text -o DIR", "gives the text of a document")])
            }
            return String(decoding: bytes, as: UTF8.self)
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError(
                FileFacts.exists(file) ? .inputUnreadable : .inputMissing, "the draft could not be read: \(error)",
                places: [.init("file", file)])
        }
    }

    private func text(_ quotations: [VerifiedQuotation], style: Style) -> String {
        let rows = quotations.map { quotation -> [String] in
            let place = "\(file):\(quotation.line)"
            let quote = "\"\(quotation.quote)\""
            let found = quotation.found.map { "\(Format.oneLine($0.doc)) p. \($0.label ?? String($0.page))" }
            switch quotation.verdict {
            case .ok: return [place, style.green("ok     "), quote, found ?? ""]
            case .moved:
                return [
                    place, style.yellow("moved  "), quote,
                    "cited \(quotation.cited?.doc.map { "\($0) " } ?? "")p. \(quotation.cited?.page ?? "–"), found "
                        + (found ?? "elsewhere"),
                ]
            case .missing:
                let alike = quotation.similarity.map { " (\(Int($0 * 100)) % alike)" } ?? ""
                let nearest = quotation.nearest.map { "nearest: \"\($0)\" \(found ?? "")\(alike)" }
                return [place, style.red("missing"), quote, nearest ?? "nothing alike"]
            }
        }
        return Format.table(rows)
    }
}

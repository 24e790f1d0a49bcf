import Answering
import ArgumentParser
import Diagnostics
import Documents
import Inference
import Models
import Packing
import Runs
import Tokenization
import Weights

/// `pack`: documents as windows of a model, to look at or for other tools.
struct PackCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Show or export documents packed into windows of a model.")

    enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
        case text, xml
        case batch = "openai-batch"
    }

    enum Order: String, ExpressibleByArgument, CaseIterable {
        case given, fit
    }

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var storing: StoreOptions
    @Option(name: .long, help: ArgumentHelp("Tokens of a window: auto, max or a number.", valueName: "tokens"))
    var context: String?
    @Option(
        name: .long,
        help: ArgumentHelp("A question or task to put behind the documents of each window.", valueName: "text"))
    var prompt = ""
    @Option(name: .long, help: ArgumentHelp("Tokens kept free for an answer.", valueName: "tokens"))
    var reserve = 512
    @Option(name: .long, help: ArgumentHelp("Write the windows to a file.", valueName: "file"))
    var to: String?
    @Option(name: .long, help: "text, xml or openai-batch.")
    var format: ExportFormat = .text
    @Option(
        name: .long,
        help: "given: documents in their order; fit: where they leave least room, for fewer windows.")
    var order: Order = .given
    @Option(
        name: .long,
        help: ArgumentHelp("Passages of a divided document that its next window repeats.", valueName: "n"))
    var overlap = 0
    @Flag(name: .long, help: "Print only how many windows there are, how full, and what is in them.")
    var plan = false
    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
    var paths: [String]

    var settingFlags: [any SettingFlags] { [model, selection, storing, ContextFlag(context: context)] }

    private struct ContextFlag: SettingFlags {
        var context: String?
        var settings: [FlagSetting] { context.map { [(SettingKey.context.name, [$0], "--context")] } ?? [] }
    }

    func validate() throws {
        if reserve < 0 { throw ValidationError("--reserve is a number of tokens, 0 or more") }
        if overlap < 0 { throw ValidationError("--overlap is a number of tokens, 0 or more") }
    }

    func run(in context: CommandContext) async throws {
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        let (tokenizer, description) = try TokenizeCommand.facts(files, context)
        let accepted = description.contextLength
        let view = LocalView(description)
        let size: Int
        switch context.settings.text(SettingKey.context) ?? "auto" {
        case "auto": size = min(loader.reliableWindow(files), accepted)
        case "max": size = accepted
        default:
            let wanted = context.settings.integer(SettingKey.context) ?? accepted
            size = min(wanted, accepted)
            if wanted > accepted {
                context.narrator.warn(
                    "the model reads \(Format.count(accepted)) tokens at most; windows have that many")
            }
        }
        let loaded = try await CorpusReader(
            context: context, options: try selection.ingestOptions(context.settings),
            store: try StoreAccess.open(context)
        ).read(paths)
        let budget = TokenBudget(window: size, answer: reserve)
        let frame = PromptFrame(before: [], after: prompt.isEmpty ? [] : [.text("\n\n" + prompt)])
        func packer(_ view: LocalView) -> Packer {
            Packer(
                tokenizer: PromptTokenizer(tokenizer), budget: budget, headings: true, overlap: overlap, view: view)
        }
        let arrangement: Packer.Arrangement = order == .fit ? .bestFit : .given
        let documents = loaded.corpus.documents
        let packed: PackedCorpus
        var fewer: String?
        var local: LocalNote?
        do {
            packed = try packer(view).pack(documents, frame: frame, arrangement: arrangement)
            if plan || (context.json && to == nil) {
                local = try LocalNote(
                    packed, view, tail: tokenizer.count(prompt.isEmpty ? "" : "\n\n" + prompt),
                    plain: packed.cuts.map { $0.edges > 0 } == true
                        ? packer(LocalView(chunk: view.chunk, isAligned: false))
                            .pack(documents, frame: frame, arrangement: arrangement) : nil)
            }
            if plan, order == .given, packed.windows.count > 1 {
                let fitted = try packer(view).pack(documents, frame: frame, arrangement: .bestFit)
                if fitted.windows.count < packed.windows.count {
                    fewer = "--order fit: \(fitted.windows.count) windows, \(full(fitted, budget)) full\n"
                }
            }
        } catch {
            throw UserError(
                .questionTooLong, "the prompt leaves no room for documents in a window of \(Format.count(size)) tokens",
                remedies: [.init("--context N", "larger windows"), .init("--reserve N", "less room for an answer")])
        }
        if plan || (context.json && to == nil) {
            return try show(packed, files, budget, local: local, other: fewer, context)
        }
        let text = export(packed, model: files.catalogEntry?.name ?? files.name)
        if let to {
            let output = try ResultOutput(path: to)
            try output.write(text)
            try output.finish()
            try context.print(
                .fields(["schema": "docproc.pack/1", "file": .string(to), "windows": .int(packed.windows.count)]),
                text: "")
            context.narrator.note("wrote \(Format.plural(packed.windows.count, "window")) to \(to)")
        } else {
            try context.output.write(text)
        }
    }

    private func show(
        _ packed: PackedCorpus, _ files: ModelFiles, _ budget: TokenBudget, local: LocalNote?, other: String?,
        _ context: CommandContext
    ) throws {
        var rows = [["window", "tokens", "fill", "passages", "documents"]]
        for window in packed.windows {
            rows.append([
                "\(window.index + 1)", Format.count(window.tokens.count),
                Format.percent(window.tokens.count, of: budget.prompt),
                Format.count(window.segments.count),
                window.documents.map(\.path).joined(separator: ", "),
            ])
        }
        try context.print(
            .fields([
                "schema": "docproc.pack/1", "model": .string(files.name), "window": .int(budget.window),
                "reserve": .int(reserve), "order": .string(order.rawValue),
                "fill": .double(packed.fillRate(budget)),
                "split_passages": .int(packed.ledger.split), "local_layers": local?.record ?? .null,
                "windows": .array(
                    packed.windows.map { window in
                        .fields([
                            "index": .int(window.index), "tokens": .int(window.tokens.count),
                            "segments": .int(window.segments.count),
                            "documents": .array(window.documents.map { .string($0.path) }),
                        ])
                    }),
            ]),
            text: Format.table(rows, rightAligned: [0, 1, 2, 3])
                + "\(Format.plural(packed.windows.count, "window")) of \(Format.count(budget.window)) tokens, "
                + "\(Format.count(reserve)) kept for an answer, \(full(packed, budget)) full\n" + (local?.text ?? "")
                + (other ?? ""))
    }

    private func full(_ packed: PackedCorpus, _ budget: TokenBudget) -> String {
        let used = packed.windows.reduce(0) { $0 + $1.tokens.count }
        return Format.percent(used, of: budget.prompt * packed.windows.count)
    }

    private func export(_ packed: PackedCorpus, model: String) -> String {
        switch format {
        case .text:
            return packed.windows.map { window in
                "=== window \(window.index + 1) of \(packed.windows.count), \(Format.count(window.tokens.count)) tokens ===\n"
                    + window.body + (prompt.isEmpty ? "" : "\n\n" + prompt) + "\n"
            }.joined(separator: "\n")
        case .xml: return "<windows>\n" + packed.windows.map(xml).joined() + "</windows>\n"
        case .batch:
            return packed.windows.map { window in
                JSONValue.fields([
                    "custom_id": .string("window-\(window.index + 1)"), "method": "POST", "url": "/v1/chat/completions",
                    "body": .fields([
                        "model": .string(model),
                        "messages": [
                            .fields([
                                "role": "user",
                                "content": .string(window.body + (prompt.isEmpty ? "" : "\n\n" + prompt)),
                            ])
                        ], "max_tokens": .int(reserve),
                    ]),
                ]).line + "\n"
            }.joined()
        }
    }

    private func xml(_ window: ContextWindow) -> String {
        var text = "<window index=\"\(window.index + 1)\" tokens=\"\(window.tokens.count)\">\n"
        for document in window.documents {
            text += "<document source=\"\(Self.escaped(document.path))\" sha256=\"\(document.sha256)\">\n"
            for segment in window.segments where document.numbers.contains(segment.number) {
                text +=
                    "<passage number=\"\(segment.number)\" page=\"\(segment.span.page)\">\(Self.escaped(segment.text))</passage>\n"
            }
            text += "</document>\n"
        }
        if !prompt.isEmpty { text += "<prompt>\(Self.escaped(prompt))</prompt>\n" }
        return text + "</window>\n"
    }

    /// Text for XML 1.0, which has no form at all for most control characters.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

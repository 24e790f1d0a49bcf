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

/// `tokenize`: tokens per file and folder, counted with the model's own tokenizer, or the ids of texts.
struct TokenizeCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Count tokens per file and folder, or print token ids.",
        discussion: """
            Files are counted as the model would see them: extracted, with white space put right. With --raw, \
            files (- is standard input) are UTF-8 texts of any length and counted byte for byte as they stand.

            With --jsonl, each line of standard input is an object with "id" and one of "text", "b64" (any bytes) and \
            "repeat" (pairs of a text and a count); for each a line with its "id" and "ids" comes out. Nothing is put \
            before or after a text.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var storing: StoreOptions
    @Flag(name: .long, help: "Show folders as a tree.")
    var tree = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A GGUF file, tokenizer.json or tokenizer.model to use in place of the model's.", valueName: "file"))
    var tokenizer: String?
    @Flag(name: .long, help: "Count files as the UTF-8 texts that they are, however long, without extraction.")
    var raw = false
    @Flag(name: .long, help: "Print the ids of texts that are lines of JSON on standard input.")
    var jsonl = false
    @Flag(name: .long, help: "With --jsonl: texts are a chat template's own, so that special tokens in them count.")
    var special = false
    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
    var paths: [String] = []

    var settingFlags: [any SettingFlags] { [model, selection, storing] }

    func validate() throws {
        if jsonl, tree || !paths.isEmpty { throw ValidationError("--jsonl reads standard input: no paths, no --tree") }
        if jsonl, raw { throw ValidationError("--raw and --jsonl exclude each other") }
        if special, !jsonl { throw ValidationError("--special goes with --jsonl") }
        if !jsonl, paths.isEmpty { throw ValidationError("Missing expected argument '<path> ...'") }
    }

    func run(in context: CommandContext) async throws {
        let chosen = try tokenizer.map { try TokenizerFile($0, in: context).tokenizer() }
        if jsonl {
            let tokenizer = try chosen ?? Self.facts(ModelLoader(context: context).files(), context).0
            return try TokenLines(tokenizer, mode: special ? .special : .plain).run(in: context)
        }
        if let tokenizer, let chosen {
            let counts = try await count(chosen, context)
            let total = counts.reduce(0) { $0 + $1.tokens }
            return try context.print(
                .fields([
                    "schema": "docproc.tokens/1", "tokenizer": .string(tokenizer), "tokens": .int(total),
                    "documents": record(counts),
                ]),
                text: tree ? TokenTree(counts).text : list(counts, total: total))
        }
        let loader = ModelLoader(context: context)
        let files = try loader.files()
        let (tokenizer, description) = try Self.facts(files, context)
        let contextLength = description.contextLength
        let counts = try await count(tokenizer, context)
        let total = counts.reduce(0) { $0 + $1.tokens }
        let reliable = min(loader.reliableWindow(files), contextLength)
        try context.print(
            .fields([
                "schema": "docproc.tokens/1", "model": .string(files.name), "tokens": .int(total),
                "windows": .fields([
                    "context": .int(contextLength), "count": .int(Self.windows(total, contextLength)),
                    "reliable": .int(reliable), "reliable_count": .int(Self.windows(total, reliable)),
                ]),
                "documents": record(counts),
            ]),
            text: (tree ? TokenTree(counts).text : list(counts, total: total))
                + "fits in \(Format.plural(Self.windows(total, contextLength), "window")) of \(Self.short(contextLength))"
                + " (reliable: \(Self.windows(total, reliable)) of \(Self.short(reliable)))\n")
    }

    private func count(_ tokenizer: Tokenizer, _ context: CommandContext) async throws -> [TokenCount] {
        let threads = context.settings.integer(SettingKey.threads) ?? Machine.cores
        if raw { return try await RawCounting(tokenizer, threads: threads).count(paths, in: context) }
        let reader = CorpusReader(
            context: context, options: try selection.ingestOptions(context.settings),
            store: try StoreAccess.open(context))
        let loaded = try await reader.read(paths)
        context.narrator.begin(
            Progress(stage: "count", done: 0, total: loaded.corpus.documents.count, unit: "files"))
        let counts = try await Self.count(loaded.corpus.documents.map(\.document), tokenizer, threads: threads) {
            context.narrator.update { $0.done += 1 }
        }
        context.narrator.end()
        return counts
    }

    /// Longer documents are counted by all threads together, others one by each.
    private static let longBytes = 4 << 20

    private static func count(
        _ documents: [Document], _ tokenizer: Tokenizer, threads: Int, each: () -> Void
    ) async throws -> [TokenCount] {
        var counts = documents.map {
            TokenCount(path: $0.path, tokens: 0, pages: $0.format == .pdf ? $0.pages.count : nil)
        }
        for (index, document) in documents.enumerated() where document.text.utf8.count >= longBytes {
            try Task.checkCancellation()
            counts[index].tokens = await tokenizer.count(utf8: Array(document.text.utf8), threads: threads)
            each()
        }
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            var waiting = documents.indices.filter { documents[$0].text.utf8.count < longBytes }[...]
            func start() {
                guard let index = waiting.popFirst() else { return }
                let text = documents[index].text
                group.addTask { (index, tokenizer.count(text)) }
            }
            for _ in 0..<threads { start() }
            while let (index, tokens) = try await group.next() {
                try Task.checkCancellation()
                counts[index].tokens = tokens
                each()
                start()
            }
        }
        return counts
    }

    private func record(_ counts: [TokenCount]) -> JSONValue {
        .array(
            counts.map {
                .fields([
                    "doc": .string($0.path), "tokens": .int($0.tokens), "pages": $0.pages.map { .int($0) } ?? .null,
                ])
            })
    }

    /// The tokenizer and the properties of a model, without opening an engine.
    static func facts(_ files: ModelFiles, _ context: CommandContext) throws(UserError) -> (Tokenizer, ModelDescription)
    {
        let tokenizer = try TokenizerFile(files, in: context).tokenizer()
        do {
            return (tokenizer, try Engine.describe(files, tokenizer: tokenizer))
        } catch {
            throw error.userError(path: files.path)
        }
    }

    private func list(_ counts: [TokenCount], total: Int) -> String {
        var rows = counts.map { [Format.count($0.tokens), Format.oneLine($0.path), $0.note] }
        rows.append([Format.count(total), "in all", ""])
        return Format.table(rows, rightAligned: [0])
    }

    /// Windows that an amount of tokens fills.
    static func windows(_ tokens: Int, _ size: Int) -> Int { max(1, (tokens + size - 1) / max(1, size)) }

    /// 131072 as `128K`.
    static func short(_ tokens: Int) -> String {
        tokens >= 1024 && tokens.isMultiple(of: 1024) ? "\(tokens / 1024)K" : Format.count(tokens)
    }
}

/// The tokens of one file.
struct TokenCount {
    var path: String
    var tokens: Int
    /// Pages of a paged format.
    var pages: Int?

    var note: String { pages.map { "(\(Format.plural($0, "page")))" } ?? "" }
}

/// Files under their folders, with sums.
struct TokenTree {
    private final class Node {
        var tokens = 0
        var note = ""
        var children: [String: Node] = [:]
    }

    private let root = Node()

    init(_ counts: [TokenCount]) {
        for count in counts {
            var node = root
            node.tokens += count.tokens
            for (index, part) in count.path.split(separator: "/", omittingEmptySubsequences: true).enumerated() {
                let name = index == 0 && count.path.hasPrefix("/") ? "/" + part : String(part)
                let next = node.children[name] ?? Node()
                node.children[name] = next
                next.tokens += count.tokens
                node = next
            }
            node.note = count.note
        }
    }

    /// The lines of the tree; a chain of folders with nothing else in it is one line.
    var text: String {
        let width = Format.count(root.tokens).count + 2
        var lines: [(tokens: Int, name: String, note: String)] = []
        for (name, child) in Self.sorted(root) { Self.walk(name, child, head: "", tail: "", into: &lines) }
        let names = lines.map(\.name.count).max() ?? 0
        return lines.map { line in
            let left = Format.pad(Format.count(line.tokens), width, right: true) + " "
            return left + (line.note.isEmpty ? line.name : Format.pad(line.name, names) + "  " + line.note) + "\n"
        }.joined()
    }

    private static func sorted(_ node: Node) -> [(String, Node)] {
        node.children.sorted {
            $0.value.tokens == $1.value.tokens ? $0.key < $1.key : $0.value.tokens > $1.value.tokens
        }
        .map { ($0.key, $0.value) }
    }

    private static func walk(
        _ name: String, _ node: Node, head: String, tail: String,
        into lines: inout [(tokens: Int, name: String, note: String)]
    ) {
        var name = name
        var node = node
        while node.children.count == 1, let (only, child) = node.children.first, !child.children.isEmpty {
            name += "/" + only
            node = child
        }
        lines.append((node.tokens, head + Format.oneLine(name) + (node.children.isEmpty ? "" : "/"), node.note))
        let children = sorted(node)
        for (index, child) in children.enumerated() {
            let last = index == children.count - 1
            walk(
                child.0, child.1, head: tail + (last ? "└── " : "├── "), tail: tail + (last ? "    " : "│   "),
                into: &lines)
        }
    }
}

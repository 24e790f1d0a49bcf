import ArgumentParser
import Diagnostics
import KVCache
import Kernels
import Runs
import Store
import SystemPackage

// `cache pin`, `unpin`, `export`, `import`: what is done with prefilled segments.

extension CacheCommand {
    struct Pin: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "pin", abstract: "Keep prefilled segments whatever the disk limit.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var storing: StoreDirectoryOptions
        @OptionGroup var segments: SegmentOptions

        var settingFlags: [any SettingFlags] { [storing] }

        func run(in context: CommandContext) async throws {
            let selection = try segments.selection(context, command: "pin")
            do {
                let count = try CacheAccess.keysAndValues(context).pin(selection)
                try context.print(
                    .fields(["schema": "docproc.cache_pins/1", "pinned": .int(count)]),
                    text: "pinned \(Format.plural(count, "prefilled segment"))\n")
            } catch let error as Errno {
                throw FileError(error, path: context.places.keysAndValues.string).userError
            }
        }
    }

    struct Unpin: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "unpin", abstract: "Let limits and prune remove prefilled segments again.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var storing: StoreDirectoryOptions
        @OptionGroup var segments: SegmentOptions

        var settingFlags: [any SettingFlags] { [storing] }

        func run(in context: CommandContext) async throws {
            let selection = try segments.selection(context, command: "unpin")
            let count = CacheAccess.keysAndValues(context).unpin(selection)
            try context.print(
                .fields(["schema": "docproc.cache_pins/1", "unpinned": .int(count)]),
                text: "unpinned \(Format.plural(count, "prefilled segment"))\n")
        }
    }

    struct Export: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write prefilled segments to a file for another machine.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var progress: ProgressOptions
        @OptionGroup var storing: StoreDirectoryOptions
        @OptionGroup var segments: SegmentOptions
        @Argument(help: ArgumentHelp("The file to write, or the folder for it.", valueName: "file"))
        var file: String

        var settingFlags: [any SettingFlags] { [progress, storing] }

        func run(in context: CommandContext) async throws {
            let selection = try segments.selection(context, command: "export", allByDefault: true)
            let path = FileFacts.isFolder(file) ? FilePath(file).appending("prefilled.docproc-kv") : FilePath(file)
            context.narrator.begin(Progress(stage: "export", done: 0, unit: "bytes", rateUnit: "B/s", inBytes: true))
            let exported: KVSegmentFiles.Exported
            do {
                exported = try CacheAccess.keysAndValues(context).export(selection, to: path) { done in
                    try Task.checkCancellation()
                    context.narrator.update { $0.done = done }
                }
            } catch let error as Errno {
                throw FileError(error, path: path.string).userError
            }
            context.narrator.end()
            try context.print(
                .fields([
                    "schema": "docproc.cache_export/1", "file": .string(path.string), "count": .int(exported.count),
                    "bytes": .int(exported.bytes), "damaged": .array(exported.damaged.map { .string($0.string) }),
                ]),
                text: "wrote \(Format.plural(exported.count, "prefilled segment")), \(Format.bytes(exported.bytes)), "
                    + "to \(path.string)\n" + exported.damaged.map { "  damaged, left out: \($0.string)\n" }.joined())
            if !exported.damaged.isEmpty {
                throw EndWith(
                    status: .checkFailed,
                    note: "\(Format.plural(exported.damaged.count, "segment")) damaged (exit 7); docproc cache verify")
            }
        }
    }

    struct Import: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Take prefilled segments from a file; each is checked.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var progress: ProgressOptions
        @OptionGroup var storing: StoreDirectoryOptions
        @Argument(help: ArgumentHelp("A file that cache export wrote.", valueName: "file"))
        var file: String

        var settingFlags: [any SettingFlags] { [progress, storing] }

        func run(in context: CommandContext) async throws {
            context.narrator.begin(Progress(stage: "import", done: 0, unit: "bytes", rateUnit: "B/s", inBytes: true))
            let limit = context.settings.integer(SettingKey.disk)
            let imported: KVSegmentFiles.Imported
            do {
                try PrivateDirectory.create(context.places.cache)
                imported = try CacheAccess.keysAndValues(context).importArchive(FilePath(file), limit: limit) { done in
                    try Task.checkCancellation()
                    context.narrator.update { $0.done = done }
                }
            } catch let error as KVArchiveError {
                throw Self.userError(error, path: file)
            } catch let error as Errno {
                throw FileError(error, path: file).userError
            }
            context.narrator.end()
            let loader = ModelLoader(context: context)
            let models = imported.abouts.sorted { $0.key < $1.key }.map { name, text in
                let about = KVNamespace(text)
                return (name: name, about: about, obstacle: about.flatMap { Self.obstacle($0, loader) })
            }
            try context.print(
                .fields([
                    "schema": "docproc.cache_import/1", "count": .int(imported.count), "bytes": .int(imported.bytes),
                    "present": .int(imported.present),
                    "refused": .array(
                        imported.refused.map { .fields(["name": .string($0.name), "why": .string($0.why)]) }),
                    "models": .array(
                        models.map { name, about, obstacle in
                            .fields([
                                "namespace": .string(name), "model": about.map { .string($0.model) } ?? .null,
                                "usable": about == nil ? .null : .bool(obstacle == nil),
                                "why": obstacle.map { .string($0) } ?? .null,
                            ])
                        }),
                ]),
                text: "imported \(Format.plural(imported.count, "prefilled segment")), "
                    + "\(Format.bytes(imported.bytes)); \(imported.present) there already, \(imported.refused.count) refused\n"
                    + imported.refused.map { "  refused: \($0.name): \($0.why)\n" }.joined()
                    + models.map { name, about, obstacle in
                        "  \(about?.name ?? name)"
                            + (obstacle.map { ": of no use here: \($0)" } ?? "") + "\n"
                    }.joined())
            if !imported.refused.isEmpty {
                throw EndWith(
                    status: .checkFailed, note: "\(Format.plural(imported.refused.count, "segment")) refused (exit 7)")
            }
        }

        /// Why this machine would never take such segments, where that is certain.
        private static func obstacle(_ about: KVNamespace, _ loader: ModelLoader) -> String? {
            if about.build != loader.build { return "another build of docproc computed them" }
            let own = loader.context.environment["DOCPROC_KERNELS"].flatMap { $0.isEmpty ? nil : $0 }
            let kernels = own ?? KernelSet.best().name
            return about.kernels == kernels
                ? nil : "kernels \(about.kernels) computed them, and this machine uses \(kernels)"
        }

        private static func userError(_ error: KVArchiveError, path: String) -> UserError {
            let places = [UserError.Place("file", path)]
            switch error {
            case .noRoom(let bytes):
                return UserError(
                    .diskFull, "there is no room for a segment of \(Format.bytes(bytes))", places: places,
                    remedies: [
                        .init("docproc cache prune", "remove what was not used lately"),
                        .init("--set disk=SIZE", "allow more"),
                    ])
            case .magic: return UserError(.inputUnreadable, "the file was not written by cache export", places: places)
            case .version(let version):
                return UserError(
                    .inputUnreadable, "version \(version) of such files is not known here", places: places)
            case .truncated, .checksum, .line:
                return UserError(.inputUnreadable, "the file is damaged: \(error)", places: places)
            }
        }
    }
}

/// Which prefilled segments are meant.
struct SegmentOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Files and folders whose text they hold.", valueName: "path"))
    var corpus: [String] = []
    @Option(name: .shortAndLong, help: ArgumentHelp("The model that computed them.", valueName: "name"))
    var model: String?
    @Flag(name: .long, help: "All of them.")
    var all = false

    func selection(
        _ context: CommandContext, command: String, allByDefault: Bool = false
    ) throws -> KVSegmentFiles.Selection {
        guard all || allByDefault || !corpus.isEmpty || model != nil else {
            throw UserError(
                .badFlag, "cache \(command) needs --corpus PATH, --model NAME or --all",
                remedies: [
                    .init("--corpus PATH", "those that hold text of these files"), .init("--all", "all of them"),
                ])
        }
        var selection = KVSegmentFiles.Selection()
        if !corpus.isEmpty { selection.documents = Set(try CacheAccess.hashes(of: corpus)) }
        if let model {
            let known = CacheAccess.keysAndValues(context).namespaces().map { ($0.name, KVNamespace($0.about)) }
            let named = known.filter { name, about in
                name == model || about.map { [$0.model, $0.name, $0.sha256].contains(model) } == true
            }
            guard !named.isEmpty else {
                throw UserError(
                    .modelMissing, "nothing that \(model) computed is stored",
                    remedies: [.init("docproc cache du", "shows what is stored")])
            }
            selection.namespaces = Set(named.map(\.0))
        }
        return selection
    }
}

/// What a namespace of keys and values is made of, in the words of the machine that made it.
struct KVNamespace {
    var model: String
    var quant: String?
    /// Of the model's content.
    var sha256: String
    /// Of the program.
    var build: String
    var kernels: String
    /// The rest of what the namespace depends on.
    var form: String

    /// `smollm2-135m-instruct:q4_1`.
    var name: String { model + (quant.map { ":\($0)" } ?? "") }

    var text: String {
        let value: JSONValue = .fields([
            "model": .string(model), "quant": quant.map { .string($0) } ?? .null, "sha256": .string(sha256),
            "build": .string(build), "kernels": .string(kernels), "form": .string(form),
        ])
        return value.line.replacing("\n", with: "")
    }

    init(model: String, quant: String?, sha256: String, build: String, kernels: String, form: String) {
        self.model = model
        self.quant = quant
        self.sha256 = sha256
        self.build = build
        self.kernels = kernels
        self.form = form
    }

    /// Reads what may have come from anywhere: what is printed of it holds no control characters.
    init?(_ text: String?) {
        guard let text, let value = try? JSONValue(parsing: text) else { return nil }
        func field(_ key: String) -> String {
            String(
                String.UnicodeScalarView(
                    (value[key]?.text ?? "").unicodeScalars.filter {
                        $0.value >= 32 && !(127..<160).contains($0.value)
                    }.prefix(200)))
        }
        let quant = field("quant")
        self.init(
            model: field("model"), quant: quant.isEmpty ? nil : quant, sha256: field("sha256"), build: field("build"),
            kernels: field("kernels"), form: field("form"))
        guard !model.isEmpty else { return nil }
    }
}

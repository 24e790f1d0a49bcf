import ArgumentParser
import Diagnostics
import FoundationEssentials
import Hashing
import KVCache
import Runs
import Store
import SystemPackage
import Tokenization

/// `cache`: what is stored, and removing it.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Show or remove what is stored.",
        subcommands: [
            Usage.self, Prune.self, Verify.self, Pin.self, Unpin.self, Purge.self, Export.self, Import.self,
        ])

    struct Usage: DocprocCommand {
        static let configuration = CommandConfiguration(commandName: "du", abstract: "Show what the cache holds.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var storing: StoreDirectoryOptions

        var settingFlags: [any SettingFlags] { [storing] }

        func run(in context: CommandContext) async throws {
            let usage = try CacheAccess.open(context).usage()
            let files = CacheAccess.keysAndValues(context)
            let kept = files.usage()
            let tokenizers = CacheAccess.tokenizers(context).usage()
            let bytes = usage.fileBytes + kept.bytes + tokenizers.bytes
            let models = files.namespaces().map { (KVNamespace($0.about), $0.name, $0.usage) }
            try context.print(
                .fields([
                    "schema": "docproc.cache/1", "dir": .string(context.places.cache),
                    "documents": .fields(["count": .int(usage.documents), "bytes": .int(usage.documentBytes)]),
                    "index": .fields([
                        "documents": .int(usage.indexedDocuments), "segments": .int(usage.segments),
                        "bytes": .int(usage.indexBytes),
                    ]), "results": .fields(["count": .int(usage.results), "bytes": .int(usage.resultBytes)]),
                    "kv": .fields([
                        "count": .int(kept.count), "bytes": .int(kept.bytes), "pinned": .int(kept.pinned),
                        "models": .array(
                            models.map { about, name, usage in
                                .fields([
                                    "model": about.map { .string($0.model) } ?? .null,
                                    "sha256": about.map { .string($0.sha256) } ?? .null, "namespace": .string(name),
                                    "count": .int(usage.count), "bytes": .int(usage.bytes),
                                    "pinned": .int(usage.pinned),
                                ])
                            }),
                    ]),
                    "tokenizers": .fields(["count": .int(tokenizers.count), "bytes": .int(tokenizers.bytes)]),
                    "file_bytes": .int(bytes),
                ]),
                text: Format.table(
                    [
                        ["text", Format.bytes(usage.documentBytes), Format.plural(usage.documents, "document")],
                        ["index", Format.bytes(usage.indexBytes), Format.plural(usage.segments, "passage")],
                        ["results", Format.bytes(usage.resultBytes), Format.plural(usage.results, "result")],
                        ["kv", Format.bytes(kept.bytes), CacheAccess.segments(kept)],
                    ]
                        + models.map { about, name, usage in
                            ["", Format.bytes(usage.bytes), "\(CacheAccess.segments(usage)) of \(about?.name ?? name)"]
                        } + [
                            [
                                "tokens", Format.bytes(tokenizers.bytes),
                                Format.plural(tokenizers.count, "compiled tokenizer"),
                            ],
                            ["on disk", Format.bytes(bytes), context.places.cache],
                        ],
                    rightAligned: [1]))
        }
    }

    struct Prune: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune", abstract: "Remove what was not used for a while.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var storing: StoreDirectoryOptions
        @Option(name: .long, help: ArgumentHelp("Days without use; cache.keep_days by default.", valueName: "n"))
        var days: Int?

        var settingFlags: [any SettingFlags] { [storing] }

        func run(in context: CommandContext) async throws {
            let days = days ?? context.settings.integer(SettingKey.cacheKeepDays) ?? 90
            guard days >= 0 else { throw UserError(.badFlag, "--days takes a number of 0 or more") }
            let removal = try CacheAccess.open(context).prune(unusedForDays: days)
            let oldest = Int(Date().timeIntervalSince1970 - Double(days) * 86_400)
            let segments = CacheAccess.keysAndValues(context).remove(unusedSince: oldest * 1_000_000_000)
            let tokenizers = CacheAccess.tokenizers(context).remove(unusedSince: oldest)
            try CacheAccess.report(removal, segments: segments, tokenizers: tokenizers, context)
        }
    }

    struct Verify: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Read all stored keys and values; damaged ones are removed.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var storing: StoreDirectoryOptions

        var settingFlags: [any SettingFlags] { [storing] }

        func run(in context: CommandContext) async throws {
            let (sound, damaged) = CacheAccess.keysAndValues(context).verify()
            try context.print(
                .fields([
                    "schema": "docproc.cache_check/1", "sound": .int(sound),
                    "damaged": .array(damaged.map { .string($0.string) }),
                ]),
                text: "\(Format.plural(sound, "segment")) sound, \(damaged.count) damaged and removed\n"
                    + damaged.map { "  \($0.string)\n" }.joined())
            if !damaged.isEmpty {
                throw EndWith(status: .checkFailed, note: "\(Format.plural(damaged.count, "segment")) damaged (exit 7)")
            }
        }
    }

    struct Purge: DocprocCommand {
        static let configuration = CommandConfiguration(
            commandName: "purge", abstract: "Remove everything derived from a corpus, or everything.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var storing: StoreDirectoryOptions
        @OptionGroup var confirming: ConfirmOptions
        @Option(name: .long, help: ArgumentHelp("Files and folders whose derived data goes.", valueName: "path"))
        var corpus: [String] = []
        @Flag(name: .long, help: "Remove everything.")
        var all = false

        var settingFlags: [any SettingFlags] { [storing, confirming] }

        func run(in context: CommandContext) async throws {
            guard all || !corpus.isEmpty else {
                throw UserError(
                    .badFlag, "cache purge needs --corpus PATH or --all",
                    remedies: [
                        .init("--corpus PATH", "remove what was derived from these files"),
                        .init("--all", "remove everything"),
                    ])
            }
            let store = try CacheAccess.open(context)
            guard all else {
                let hashes = try CacheAccess.hashes(of: corpus)
                let removal = try store.purge(documents: hashes)
                // Those that were stored without a word about whose text they hold go too.
                let segments = CacheAccess.keysAndValues(context).remove(documents: Set(hashes))
                return try CacheAccess.report(removal, segments: segments, context)
            }
            if !confirming.yes {
                guard context.mayAsk else {
                    throw UserError(
                        .badFlag, "cache purge --all removes everything and nobody can be asked",
                        remedies: [.init("--yes", "remove it")])
                }
                guard
                    context.confirm(
                        "Remove all text, index, results, keys, values and compiled tokenizers in \(context.places.cache)?"
                    )
                else {
                    throw EndWith(status: .success, note: "nothing was removed")
                }
            }
            let removal = try store.purgeAll()
            try CacheAccess.report(
                removal, segments: CacheAccess.keysAndValues(context).remove(),
                tokenizers: CacheAccess.tokenizers(context).remove(), context)
        }
    }
}

/// Where the cache is, for commands that work on it.
struct StoreDirectoryOptions: ParsableArguments, SettingFlags {
    @Option(name: .long, help: ArgumentHelp("The cache to work on.", valueName: "dir"))
    var cacheDir: String?

    var settings: [FlagSetting] { cacheDir.map { [(SettingKey.cacheDirectory.name, [$0], "--cache-dir")] } ?? [] }
}

/// What the subcommands share.
enum CacheAccess {
    static func open(_ context: CommandContext) throws(UserError) -> CorpusStore {
        do {
            return try CorpusStore(directory: context.places.cache)
        } catch {
            throw error.userError
        }
    }

    static func keysAndValues(_ context: CommandContext) -> KVSegmentFiles {
        KVSegmentFiles(root: context.places.keysAndValues)
    }

    static func tokenizers(_ context: CommandContext) -> CompiledTokenizers {
        CompiledTokenizers(folder: TokenizerFile.folder(context).string)
    }

    /// `12 prefilled segments, 3 pinned`.
    static func segments(_ usage: KVSegmentFiles.Usage) -> String {
        Format.plural(usage.count, "prefilled segment") + (usage.pinned > 0 ? ", \(usage.pinned) pinned" : "")
    }

    static func report(
        _ removal: CacheRemoval, segments: Int, tokenizers: Int = 0, _ context: CommandContext
    ) throws {
        try context.print(
            .fields([
                "schema": "docproc.cache_removal/1", "documents": .int(removal.documents),
                "indexed": .int(removal.indexed), "results": .int(removal.results), "kv": .int(segments),
                "tokenizers": .int(tokenizers),
            ]),
            text: "removed \(Format.plural(removal.documents, "document")), "
                + "\(Format.plural(removal.indexed, "index entry", "index entries")), "
                + "\(Format.plural(removal.results, "result")), \(Format.plural(segments, "prefilled segment"))"
                + (tokenizers > 0 ? ", \(Format.plural(tokenizers, "compiled tokenizer"))" : "") + "\n"
        )
    }

    /// The content hashes of all files below some paths.
    static func hashes(of paths: [String]) throws -> [String] {
        var hashes: [String] = []
        for path in paths {
            guard FileFacts.exists(path) else {
                throw UserError(.inputMissing, "there is no file or folder \"\(path)\"", places: [.init("path", path)])
            }
            for file in FileTree.files(below: path) {
                try Task.checkCancellation()
                if let hash = try? ContentHash.ofFile(FilePath(file)) { hashes.append(hash.hex) }
            }
        }
        return hashes
    }
}

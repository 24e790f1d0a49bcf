import ArgumentParser
import Diagnostics
import Networking
import Runs
import Store
import Weights

/// `models pull`: fetches a model; the only command that opens a connection.
struct ModelsPull: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Fetch a model; an interrupted download is resumed.",
        discussion: """
            The model is a name of the catalogue, a repository of the Hugging Face hub as hf:OWNER/NAME, optionally \
            with @REVISION and with :QUANTIZATION or :FILE, or the https address of a GGUF file. HF_ENDPOINT names \
            another hub, HF_TOKEN a token for models that are not open to everybody.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var confirming: ConfirmOptions
    @Argument(
        help: ArgumentHelp(
            "A name from docproc models list, hf:OWNER/NAME[:QUANTIZATION], or an address.", valueName: "name"))
    var name: String

    var settingFlags: [any SettingFlags] { [progress, confirming] }

    func run(in context: CommandContext) async throws {
        if let entry = ModelCatalog.entry(named: name) {
            try await pull(entry, context)
        } else if let reference = try ModelReference(name) {
            try await pull(reference, context)
        } else {
            throw unknown()
        }
    }

    private func pull(_ entry: ModelCatalog.Entry, _ context: CommandContext) async throws {
        let store = ModelStore(directory: context.places.models)
        if let here = store.list().first(where: { $0.catalogEntry == entry }) {
            context.narrator.note("\(entry.fullName) is here already")
            return try result(here.path, entry, fetched: false, context)
        }
        let fetcher = try Network.fetcher(environment: context.environment)
        try accept(entry.licence, of: entry, context)
        // The model and one part of it must fit beside each other.
        try demandSpace(entry.byteCount + entry.byteCount / max(1, entry.parts.count), for: entry.fullName, in: store)
        let index = try await IndexLocator(environment: context.environment).locate()
        let narrator = context.narrator
        narrator.note("fetching \(entry.fullName), \(Format.bytes(entry.byteCount)), licence \(entry.licence.name)")
        narrator.begin(
            Progress(stage: "pull", done: 0, total: entry.byteCount, unit: "bytes", rateUnit: "B/s", inBytes: true))
        let path = try await ModelDownloader(store: store, index: index, fetcher: fetcher).pull(entry) { event in
            switch event {
            case .part(let number, let count, _):
                narrator.update { $0.details = count > 1 ? ["part \(number + 1)/\(count)"] : [] }
            case .bytes(let done, _):
                narrator.update { progress in
                    // What an earlier pull had fetched does not count for the rate.
                    if progress.done == 0 { progress.free = done }
                    progress.done = done
                }
            case .checking:
                narrator.update {
                    $0.done = entry.byteCount
                    $0.details = ["checking SHA-256"]
                }
            }
        }
        narrator.end(Format.pad("pull", 8) + " \(entry.fullName)  \(Format.bytes(entry.byteCount))  sha256 ok")
        try result(path, entry, fetched: true, context)
    }

    private func result(_ path: String, _ entry: ModelCatalog.Entry, fetched: Bool, _ context: CommandContext) throws {
        try context.print(
            .fields([
                "schema": "docproc.pull/1", "name": .string(entry.fullName), "path": .string(path),
                "sha256": .string(entry.sha256), "license": .string(entry.licence.name), "fetched": .bool(fetched),
            ]), text: path + "\n")
    }

    /// Shows the licence; one that restricts use must be accepted.
    private func accept(_ licence: ModelCatalog.Licence, of entry: ModelCatalog.Entry, _ context: CommandContext) throws
    {
        guard let key = licence.acceptanceKey else { return }
        try demandAcceptance(
            of: licence.name, key: key, url: licence.url,
            saying: "\(entry.fullName) comes under \(licence.name), which restricts its use: \(licence.url)",
            pulling: entry.name, context)
    }

    /// Goes on if a licence has been accepted, or is now.
    func demandAcceptance(
        of licence: String, key: String, url: String, saying text: String, pulling name: String,
        _ context: CommandContext
    ) throws {
        let accepted = context.settings.list(SettingKey.acceptLicenses).map { $0.lowercased() }
        if confirming.yes || accepted.contains(key.lowercased()) { return }
        context.narrator.say(text)
        guard context.mayAsk, context.confirm("Do you accept \(licence)?") else {
            throw UserError(
                .licenceNotAccepted, "\(licence) has not been accepted", places: [.init("licence", url)],
                remedies: [
                    .init("DOCPROC_ACCEPT_LICENSES=\(key)", "accept it for this and later commands"),
                    .init("docproc models pull \(name) --yes", "accept it for this one"),
                ])
        }
    }

    /// Whether there is room on the disk.
    func demandSpace(_ needed: Int, for name: String, in store: ModelStore) throws(UserError) {
        var folder = store.directory
        while !FileFacts.exists(folder), let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
            folder = String(folder[..<slash])
        }
        guard let free = Machine.freeDisk(at: folder), free < needed else { return }
        throw UserError(
            .diskFull,
            "\(name) needs \(Format.bytes(needed)) while it is fetched; \(Format.bytes(free)) are free",
            places: [.init("folder", store.directory)],
            remedies: [.init("DOCPROC_MODELS_DIR=DIR", "keep models on another disk")])
    }

    private func unknown() -> UserError {
        let names = ModelCatalog.entries.flatMap { [$0.name, $0.fullName] }
        let near = Spelling.nearest(to: name.lowercased(), in: names)
        return UserError(
            .modelMissing, "there is no model \"\(name)\" to fetch" + (near.map { ", did you mean \"\($0)\"?" } ?? ""),
            remedies: near.map { [.init("docproc models pull \($0)", "fetch that one")] } ?? []
                + [
                    .init("docproc models list", "lists all models"),
                    .init("docproc models pull hf:OWNER/NAME", "fetches from the Hugging Face hub"),
                ])
    }
}

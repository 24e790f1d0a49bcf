// Models fetched from a hub or an address: folders below the model folder, each with a manifest that says where its
// files came from and what they must hash to. Fetching is Networking's affair.

package import Diagnostics
import FoundationEssentials
import SystemPackage

/// What is known of a folder of fetched files; stored in it as `docproc-model.json`.
package struct PulledManifest: Sendable, Equatable, Codable {
    /// A file of the folder.
    package struct File: Sendable, Equatable, Codable {
        package var name: String
        package var bytes: Int
        package var sha256: String
        /// Whether the publisher stated the hash; else it was taken when the file arrived.
        package var published: Bool

        package init(name: String, bytes: Int, sha256: String, published: Bool) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
            self.published = published
        }
    }

    /// Something to load: a GGUF file, split or not, or the whole folder.
    package struct Model: Sendable, Equatable, Codable {
        /// `Q4_K_M`; nil where the folder has one model.
        package var quantization: String?
        /// The file to open, the first of a split; nil: the folder.
        package var file: String?
        /// Everything that belongs to it.
        package var files: [String]

        package init(quantization: String?, file: String?, files: [String]) {
            self.quantization = quantization
            self.file = file
            self.files = files
        }
    }

    package var schema = "docproc.pulled/1"
    /// `OWNER/NAME`, or the file's name without its ending for an address.
    package var name: String
    /// The page or address it came from.
    package var source: String
    /// The branch or tag that was asked for.
    package var revision: String?
    package var commit: String?
    package var licence: String?
    package var licenceURL: String?
    package var models: [Model] = []
    package var files: [File] = []

    package init(
        name: String, source: String, revision: String? = nil, commit: String? = nil, licence: String? = nil,
        licenceURL: String? = nil
    ) {
        self.name = name
        self.source = source
        self.revision = revision
        self.commit = commit
        self.licence = licence
        self.licenceURL = licenceURL
    }

    static let fileName = "docproc-model.json"

    /// Adds a model with its files, replacing what was said of them before.
    mutating func add(_ model: Model, _ described: [File]) {
        models = models.filter { $0.quantization != model.quantization || $0.file != model.file } + [model]
        models.sort { ($0.quantization ?? "", $0.file ?? "") < ($1.quantization ?? "", $1.file ?? "") }
        let names = Set(described.map(\.name))
        files = (files.filter { !names.contains($0.name) } + described).sorted { $0.name < $1.name }
    }
}

extension ModelStore {
    /// A model in a folder with a manifest.
    package struct Pulled: Sendable, Equatable {
        package let folder: String
        package let manifest: PulledManifest
        package let model: PulledManifest.Model
        /// Whether a later pull of the same repository brought another commit.
        package let isSuperseded: Bool

        /// `OWNER/NAME:Q4_K_M`, with `@COMMIT` where a later one took the plain name.
        package var name: String {
            let commit = isSuperseded ? "@" + String((manifest.commit ?? "older").prefix(10)) : ""
            return manifest.name + commit + (model.quantization.map { ":" + $0 } ?? "")
        }
        package var path: String { model.file.map { "\(folder)/\($0)" } ?? folder }
        /// What the manifest says of the model's files.
        package var files: [PulledManifest.File] { manifest.files.filter { model.files.contains($0.name) } }
    }

    /// Where the files of a repository's commit are kept.
    package func folder(ofRepository repository: String, commit: String) -> String {
        "\(directory)/hub/\(repository)/\(commit)"
    }

    /// Where the files of an address are kept.
    package func folder(ofHost host: String, name: String) -> String { "\(directory)/web/\(host)/\(name)" }

    /// The manifest of a folder, if it has one that can be read.
    package func manifest(in folder: String) -> PulledManifest? {
        guard let text = StoreFiles.text("\(folder)/\(PulledManifest.fileName)"),
            let manifest = try? JSONDecoder().decode(PulledManifest.self, from: Data(text.utf8)),
            manifest.schema == "docproc.pulled/1",
            (manifest.files.map(\.name) + manifest.models.flatMap(\.files) + manifest.models.compactMap(\.file))
                .allSatisfy(SafeName.isRelativePath)
        else { return nil }
        return manifest
    }

    /// Notes a model that is complete in its folder, beside those that are there.
    ///
    /// - Throws: `DP-DISK-01` or `-02`.
    package func record(
        _ model: PulledManifest.Model, files: [PulledManifest.File], as described: PulledManifest, in folder: String
    ) throws(UserError) {
        var manifest = described
        if let earlier = self.manifest(in: folder) {
            manifest.models = earlier.models
            manifest.files = earlier.files
        }
        manifest.add(model, files)
        try write(manifest, in: folder)
    }

    private func write(_ manifest: PulledManifest, in folder: String) throws(UserError) {
        let path = "\(folder)/\(PulledManifest.fileName)"
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let bytes = Array(try encoder.encode(manifest))
            let file = try FileDescriptor.open(
                FilePath(path + ".new"), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: .ownerReadWrite)
            try file.closeAfter {
                _ = try file.writeAll(bytes)
                try StoreFiles.sync(file)
            }
            try StoreFiles.rename(path + ".new", to: path)
            StoreFiles.syncDirectory(folder)
        } catch {
            throw StoreFiles.failure(error as? Errno ?? .ioError, "the model can't be noted", path)
        }
    }

    /// All models in folders with a manifest.
    package func pulled() -> [Pulled] {
        func below(_ folders: [String]) -> [String] {
            folders.flatMap { folder in StoreFiles.names(in: folder).map { "\(folder)/\($0)" } }
        }
        let folders = below(below(below([directory + "/hub"]))) + below(below([directory + "/web"]))
        let found = folders.compactMap { folder in manifest(in: folder).map { (folder: folder, manifest: $0) } }
        return Dictionary(grouping: found) { $0.manifest.name }.values.flatMap { same in
            // The last one pulled is what the plain name means.
            let newestFirst = same.map { ($0, StoreFiles.modified("\($0.folder)/\(PulledManifest.fileName)")) }
                .sorted { ($0.1, $0.0.folder) > ($1.1, $1.0.folder) }.map(\.0)
            return newestFirst.enumerated().flatMap { index, place in
                place.manifest.models.map {
                    Pulled(folder: place.folder, manifest: place.manifest, model: $0, isSuperseded: index > 0)
                }
            }
        }.sorted { $0.name < $1.name }
    }

    /// Deletes a model's files, except those that another model of the folder shares.
    func remove(_ pulled: Pulled) throws(UserError) {
        var manifest = pulled.manifest
        manifest.models.removeAll { $0 == pulled.model }
        let kept = Set(manifest.models.flatMap(\.files))
        manifest.files.removeAll { !kept.contains($0.name) }
        do {
            for name in pulled.model.files where !kept.contains(name) {
                try StoreFiles.remove("\(pulled.folder)/\(name)")
            }
            if manifest.models.isEmpty { try StoreFiles.remove("\(pulled.folder)/\(PulledManifest.fileName)") }
        } catch {
            throw StoreFiles.failure(error, "the model can't be deleted", pulled.folder)
        }
        if !manifest.models.isEmpty { try write(manifest, in: pulled.folder) }
        // Folders that are empty now, up to the model folder; one with something in it stays.
        var folders = Set(
            pulled.model.files.filter { $0.contains("/") }
                .map { "\(pulled.folder)/\($0.split(separator: "/").dropLast().joined(separator: "/"))" })
        var above = pulled.folder
        while above.hasPrefix(directory + "/"), above != directory {
            folders.insert(above)
            above = FilePath(above).removingLastComponent().string
        }
        for folder in folders.sorted(by: { $0.count > $1.count }) { StoreFiles.removeEmptyDirectory(folder) }
    }
}

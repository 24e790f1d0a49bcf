// The user's model folder: what is in it, what goes into it and out of it. How names become files is in ModelNames.

package import Diagnostics
import Hashing
import SystemPackage

/// A folder of GGUF files. Beside each that is not in the catalogue lies `NAME.gguf.sha256`, in sha256sum's format.
/// What came from a hub or an address is in folders below it; see PulledModels.
package struct ModelStore: Sendable {
    package let directory: String

    /// A file of the folder.
    package struct Stored: Sendable, Equatable {
        /// `smollm2-135m-instruct:q4_1` for a catalogue model, `OWNER/NAME:Q4_K_M` for one from a hub, else the file's
        /// name without `.gguf`.
        package let name: String
        /// A GGUF file, the first of a split one, or a folder with `config.json`.
        package let path: String
        package let byteCount: Int
        package let catalogEntry: ModelCatalog.Entry?
        /// Where it was fetched from, if from a hub or an address.
        package var pulled: Pulled?

        /// The licence's name as the publisher states it, where known.
        package var licence: String? { catalogEntry?.licence.name ?? pulled?.manifest.licence }
        /// The published SHA-256, where the model is one file and the publisher states it.
        package var sha256: String? {
            if let catalogEntry { return catalogEntry.sha256 }
            guard let pulled, pulled.files.count == 1, pulled.files[0].published else { return nil }
            return pulled.files[0].sha256
        }
    }

    /// `DOCPROC_MODELS_DIR`, else `$XDG_DATA_HOME/docproc/models`, else `~/.local/share/docproc/models`.
    package static func defaultDirectory(environment: [String: String]) -> String {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let directory = value("DOCPROC_MODELS_DIR") { return directory }
        // The XDG specification has relative paths ignored.
        if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/docproc/models" }
        return (value("HOME") ?? "/") + "/.local/share/docproc/models"
    }

    package init(directory: String) { self.directory = directory }

    /// Sorted by name.
    package func list() -> [Stored] {
        let flat = StoreFiles.names(in: directory).compactMap { fileName -> Stored? in
            guard fileName.hasSuffix(".gguf"), !fileName.hasPrefix(".") else { return nil }
            let path = "\(directory)/\(fileName)"
            guard let size = StoreFiles.size(path) else { return nil }
            let entry = ModelCatalog.entries.first { $0.fileName == fileName }
            return Stored(
                name: entry?.fullName ?? String(fileName.dropLast(5)), path: path, byteCount: size,
                catalogEntry: entry)
        }
        let fetched = pulled().map { pulled in
            Stored(
                name: pulled.name, path: pulled.path, byteCount: pulled.files.reduce(0) { $0 + $1.bytes },
                catalogEntry: nil, pulled: pulled)
        }
        return (flat + fetched).sorted { $0.name < $1.name }
    }

    /// How `importModel` brings a file in.
    package enum ImportMethod: Sendable { case link, copy }

    /// Brings a file into the folder and notes its SHA-256 beside it. A file with the hash of a catalogue model gets
    /// that model's name.
    ///
    /// - Parameter progress: called with the bytes hashed so far; may throw to stop.
    /// - Throws: `UserError` when it is no usable GGUF file or the folder can't take it; what `progress` throws.
    package func importModel(
        from path: String, name: String? = nil, method: ImportMethod = .link,
        progress: (Int) throws -> Void = { _ in }
    ) throws -> Stored {
        let model: GGUFFile
        do {
            model = try GGUFFile(path: path)
        } catch {
            throw error.userError(path: path)
        }
        guard model.mappings.count == 1 else {
            throw UserError(
                .modelUnsupported, "this is the first of \(model.mappings.count) files; one file can be imported",
                places: [.init("file", path)], remedies: [.init("--model \(path)", "uses it where it is")])
        }
        let hash = try hash(path, progress)
        let entry = ModelCatalog.entries.first { $0.sha256 == hash.hex }
        let stem = try Self.fileStem(name ?? entry?.name ?? FilePath(path).lastComponent?.stem ?? path)
        let fileName = entry?.fileName ?? "\(stem).gguf"
        let target = "\(directory)/\(fileName)"
        try StoreFiles.makeDirectory(directory)
        guard StoreFiles.absolute(path) != StoreFiles.absolute(target) else {
            throw UserError(.badFlag, "the file is in the model folder already", places: [.init("file", target)])
        }
        guard StoreFiles.size(target) == nil else {
            throw UserError(
                .badFlag, "the model folder has a \(fileName) already", places: [.init("file", target)],
                remedies: [
                    .init("--name NAME", "stores it under another name"),
                    .init(
                        "docproc models rm \(entry?.fullName ?? String(fileName.dropLast(5)))", "deletes the old one"),
                ])
        }
        do {
            let temporary = target + ".partial"
            try StoreFiles.remove(temporary)
            switch method {
            case .link: try StoreFiles.link(path, as: temporary)
            case .copy: try copy(path, to: temporary, expecting: hash)
            }
            if entry == nil { try note(hash, of: fileName) }
            try StoreFiles.rename(temporary, to: target)
            StoreFiles.syncDirectory(directory)
        } catch let error as Errno {
            throw StoreFiles.failure(error, "the model can't be stored", target)
        }
        return Stored(
            name: entry?.fullName ?? String(fileName.dropLast(5)), path: target, byteCount: model.byteCount,
            catalogEntry: entry)
    }

    /// A name that is safe as a file name: letters, digits and `-_.`, `:` becoming `-`.
    private static func fileStem(_ name: String) throws(UserError) -> String {
        let bare = name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name
        let stem = bare.lowercased().map { $0 == ":" ? "-" : $0 }
        guard !stem.isEmpty, stem.first != ".", stem.count <= 200,
            stem.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        else {
            throw UserError(
                .badFlag, "\"\(name)\" can't be a model's name: letters, digits, '-', '_' and '.' can",
                remedies: [.init("--name NAME", "gives it one")])
        }
        return String(stem)
    }

    private func hash(_ path: String, _ progress: (Int) throws -> Void) throws -> ContentHash {
        do {
            return try ContentHash.ofFile(FilePath(path), progress: progress)
        } catch let error as Errno {
            throw StoreFiles.failure(error, "the model can't be read", path)
        }
    }

    /// Copies a file; its bytes must still have the hash that they had before.
    private func copy(_ path: String, to target: String, expecting hash: ContentHash) throws {
        let source = try MappedFile(path: path)
        source.advise(.sequential)
        let file = try FileDescriptor.open(
            FilePath(target), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
        try file.closeAfter {
            var hasher = ContentHasher()
            for start in stride(from: 0, to: source.count, by: 1 << 20) {
                let piece = unsafe UnsafeRawBufferPointer(
                    start: source.base + start, count: min(1 << 20, source.count - start))
                unsafe hasher.update(piece)
                try unsafe file.writeAll(piece)
            }
            guard hasher.finalize() == hash else { throw Errno.ioError }
            try StoreFiles.sync(file)
        }
    }

    private func note(_ hash: ContentHash, of fileName: String) throws {
        let file = try FileDescriptor.open(
            FilePath("\(directory)/\(fileName).sha256"), .writeOnly, options: [.create, .truncate, .closeOnExec],
            permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll("\(hash.hex)  \(fileName)\n".utf8) }
    }

    /// What hashing a stored model found.
    package struct Verification: Sendable, Equatable {
        package let name: String
        /// From the catalogue or from what was noted at import; nil if neither knows the file. For a model of several
        /// files the hash of their list, in sha256sum's format.
        package let expected: String?
        package let actual: String
        /// Which of several files are missing or differ.
        package var differing: [String] = []
        package var matches: Bool? { expected.map { $0 == actual } }
    }

    /// Hashes a stored model and compares with the catalogue or with what was noted at import.
    ///
    /// - Throws: `UserError` when there is no such model; what `progress` throws.
    package func verify(_ name: String, progress: (Int) throws -> Void = { _ in }) throws -> Verification {
        let stored = try stored(name)
        if let pulled = stored.pulled { return try verify(pulled, progress) }
        let noted = StoreFiles.text(stored.path + ".sha256")?.split(separator: " ").first.map(String.init)
        let actual = try hash(stored.path, progress)
        return Verification(
            name: stored.name, expected: stored.catalogEntry?.sha256 ?? noted.flatMap { ContentHash(hex: $0)?.hex },
            actual: actual.hex)
    }

    /// Hashes all files of a fetched model.
    private func verify(_ pulled: Pulled, _ progress: (Int) throws -> Void) throws -> Verification {
        var done = 0
        var actual: [String] = []
        var differing: [String] = []
        for file in pulled.files {
            let path = "\(pulled.folder)/\(file.name)"
            let found = StoreFiles.size(path) == nil ? "missing" : try hash(path) { try progress(done + $0) }.hex
            done += file.bytes
            actual.append(found)
            if found != file.sha256 { differing.append(file.name) }
        }
        func summary(_ hashes: [String]) -> String {
            guard hashes.count > 1 else { return hashes.first ?? "missing" }
            return ContentHash(of: zip(hashes, pulled.files).map { "\($0)  \($1.name)\n" }.joined()).hex
        }
        return Verification(
            name: pulled.name, expected: summary(pulled.files.map(\.sha256)), actual: summary(actual),
            differing: differing)
    }

    /// Deletes a stored model and what was noted beside it; other tools' files are never touched.
    package func remove(_ name: String) throws(UserError) {
        let stored = try stored(name)
        if let pulled = stored.pulled { return try remove(pulled) }
        let path = stored.path
        do {
            try StoreFiles.remove(path)
            try StoreFiles.remove(path + ".sha256")
        } catch {
            throw StoreFiles.failure(error, "the model can't be deleted", path)
        }
    }

    /// Starts or resumes the assembly of a catalogue model from its parts.
    package func assembly(of entry: ModelCatalog.Entry) throws(UserError) -> PartAssembly {
        try PartAssembly.open(entry, in: directory)
    }
}

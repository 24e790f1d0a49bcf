// From a model's name to its file: a path, an alias, the model folder, then what other tools have fetched.

package import Diagnostics

extension ModelStore {
    /// A path, an alias, a model of this folder, or one in another tool's cache; in that order.
    ///
    /// - Parameter environment: says where the caches of other tools are; without it they are not searched.
    /// - Throws: DP-MODEL-01 with the nearest names and the command that would fetch it.
    package func resolve(
        _ name: String, aliases: [String: String] = [:], environment: [String: String] = [:]
    ) throws(UserError) -> String {
        if let path = try file(at: name, environment) { return path }
        if let target = aliases[name] {
            if let path = try file(at: target, environment) { return path }
            // An alias names a model or a path, never another alias: so it can't run in circles.
            return try resolve(target, environment: environment)
        }
        if let stored = try? stored(name) { return stored.path }
        let foreign = ForeignModels.all(environment)
        if let model = foreign.first(where: { $0.names.contains { $0.lowercased() == name.lowercased() } }) {
            return model.path
        }
        throw missing(name, among: foreign.flatMap(\.names) + aliases.keys)
    }

    /// The stored model of that name.
    func stored(_ name: String) throws(UserError) -> Stored {
        let wanted = name.lowercased()
        let all = list()
        if let exact = all.first(where: { $0.name.lowercased() == wanted }) { return exact }
        let byShortName = all.filter {
            $0.catalogEntry?.name == wanted || $0.path.hasSuffix("/\(name)") || $0.path.hasSuffix("/\(name).gguf")
        }
        guard let first = byShortName.first else { throw missing(name, among: []) }
        guard byShortName.count == 1 else {
            throw UserError(
                .modelMissing, "\(name) could be \(byShortName.map(\.name).joined(separator: " or "))",
                remedies: byShortName.map { .init("--model \($0.name)") })
        }
        return first
    }

    /// The GGUF file that a path means; nil if the name is no path.
    private func file(at name: String, _ environment: [String: String]) throws(UserError) -> String? {
        var path = name
        if name.hasPrefix("~/"), let home = environment["HOME"] { path = home + name.dropFirst(1) }
        if StoreFiles.size(path) != nil { return path }
        let looksLikePath = path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../") || path.hasSuffix("/")
        if StoreFiles.isDirectory(path), looksLikePath || path.contains("/") {
            let files = StoreFiles.names(in: path).filter { $0.hasSuffix(".gguf") }
            if files.count == 1 { return path + "/" + files[0] }
            if files.isEmpty {
                let hasSafetensors = StoreFiles.names(in: path).contains { $0.hasSuffix(".safetensors") }
                throw UserError(
                    hasSafetensors ? .modelUnsupported : .modelMissing,
                    hasSafetensors
                        ? "safetensors folders can't be read yet; GGUF files can" : "the folder has no GGUF file",
                    places: [.init("folder", path)])
            }
            throw UserError(
                .modelMissing, "the folder has \(files.count) GGUF files; name one of them",
                places: [.init("folder", path)], remedies: files.prefix(3).map { .init("--model \(path)/\($0)") })
        }
        if looksLikePath {
            throw UserError(
                .modelMissing, "there is no such model file", places: [.init("file", path)],
                remedies: [.init("docproc models list", "shows what is here and what can be fetched")])
        }
        return nil
    }

    private func missing(_ name: String, among others: [String]) -> UserError {
        if let entry = ModelCatalog.entry(named: name) {
            return UserError(
                .modelMissing, "\(entry.fullName) is not here yet", places: [.init("folder", directory)],
                remedies: [
                    .init("docproc models pull \(entry.fullName)", "fetches it (\(entry.byteCount / 1_000_000) MB)")
                ])
        }
        let stored = list().map(\.name)
        let catalog = ModelCatalog.entries.map(\.fullName)
        let known = Array(Set(stored + catalog + others)).sorted()
        let wanted = Array(name.lowercased().utf8)
        // Nearest by edits, where a name without its quantization, or only its beginning, counts as the name.
        let near = known.map { known -> (name: String, distance: Int) in
            let name = Array(known.lowercased().utf8)
            let short = name.prefix { $0 != UInt8(ascii: ":") }
            let distances = [name[...], short, name.prefix(wanted.count)].map { editDistance(wanted, Array($0)) }
            return (known, distances.min() ?? wanted.count)
        }.filter { $0.distance <= max(2, wanted.count / 3) }.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        var remedies = near.prefix(3).map { near -> UserError.Remedy in
            if let entry = ModelCatalog.entry(named: near.name), !stored.contains(near.name) {
                return .init("docproc models pull \(near.name)", "fetches it (\(entry.byteCount / 1_000_000) MB)")
            }
            return .init("--model \(near.name)", "is here")
        }
        remedies.append(.init("docproc models list", "shows what is here and what can be fetched"))
        let hint = near.first.map { "; did you mean \($0.name)?" } ?? ""
        return UserError(
            .modelMissing, "there is no model \(name)\(hint)", places: [.init("folder", directory)],
            remedies: remedies)
    }
}

/// Levenshtein's distance: insertions, deletions and replacements of one byte.
private func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (index, byte) in first.prefix(200).enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in second.indices {
            let above = row[column + 1]
            row[column + 1] = min(above + 1, row[column] + 1, diagonal + (byte == second[column] ? 0 : 1))
            diagonal = above
        }
    }
    return row[second.count]
}

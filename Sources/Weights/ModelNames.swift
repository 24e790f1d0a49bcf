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
        let candidates = candidates(name)
        if !candidates.isEmpty { return try only(of: candidates, name).path }
        let foreign = ForeignModels.all(environment)
        if let model = foreign.first(where: { $0.names.contains { $0.lowercased() == name.lowercased() } }) {
            return model.path
        }
        throw missing(name, among: foreign.flatMap(\.names) + aliases.keys)
    }

    /// The stored model of that name.
    func stored(_ name: String) throws(UserError) -> Stored {
        let candidates = candidates(name)
        guard !candidates.isEmpty else { throw missing(name, among: []) }
        return try only(of: candidates, name)
    }

    /// The stored models that a name may mean.
    private func candidates(_ name: String) -> [Stored] {
        let wanted = (name.hasPrefix("hf:") ? String(name.dropFirst(3)) : name).lowercased()
        let all = list()
        if let exact = all.first(where: { $0.name.lowercased() == wanted }) { return [exact] }
        let ofRepository = all.filter { $0.pulled?.answers(to: name) == true }
        // Of several quantizations the usual one, as in a pull.
        if let usual = ofRepository.first(where: { $0.pulled?.model.quantization == "Q4_K_M" }) { return [usual] }
        if !ofRepository.isEmpty { return ofRepository }
        return all.filter {
            $0.pulled?.isSuperseded != true
                && ($0.catalogEntry?.name == wanted || $0.path.hasSuffix("/\(name)")
                    || $0.path.hasSuffix("/\(name).gguf"))
        }
    }

    private func only(of candidates: [Stored], _ name: String) throws(UserError) -> Stored {
        if candidates.count == 1 { return candidates[0] }
        throw UserError(
            .modelMissing, "\(name) could be \(candidates.map(\.name).joined(separator: " or "))",
            remedies: candidates.map { .init("--model \($0.name)") })
    }

    /// The GGUF file that a path means; nil if the name is no path.
    private func file(at name: String, _ environment: [String: String]) throws(UserError) -> String? {
        var path = name
        if name.hasPrefix("~/"), let home = environment["HOME"] { path = home + name.dropFirst(1) }
        if StoreFiles.size(path) != nil { return path }
        let looksLikePath = path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../") || path.hasSuffix("/")
        if StoreFiles.isDirectory(path), looksLikePath || path.contains("/") { return try model(inFolder: path) }
        if looksLikePath {
            throw UserError(
                .modelMissing, "there is no such model file", places: [.init("file", path)],
                remedies: [.init("docproc models list", "shows what is here and what can be fetched")])
        }
        return nil
    }

    /// What a folder means: itself if it is a Hugging Face checkpoint, else its one GGUF model.
    private func model(inFolder path: String) throws(UserError) -> String {
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if ModelFolder.isCheckpoint(folder) { return folder }
        let models = ModelFileGroup.groups(of: StoreFiles.names(in: folder))
        if models.count == 1 { return "\(folder)/\(models[0].files[0])" }
        throw UserError(
            .modelMissing,
            models.isEmpty
                ? "the folder has neither a GGUF file nor config.json and safetensors"
                : "the folder has \(models.count) GGUF files; name one of them",
            places: [.init("folder", path)],
            remedies: models.prefix(3).map { .init("--model \(folder)/\($0.files[0])") })
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
        if case .repository(let reference)? = try? ModelReference(name) {
            remedies.insert(
                .init("docproc models pull \(name)", "fetches it, if the hub has \(reference.repository)"), at: 0)
        }
        remedies.append(.init("docproc models list", "shows what is here and what can be fetched"))
        let hint = near.first.map { "; did you mean \($0.name)?" } ?? ""
        return UserError(
            .modelMissing, "there is no model \(name)\(hint)", places: [.init("folder", directory)],
            remedies: remedies)
    }
}

extension ModelStore.Pulled {
    /// Whether a name without quantization, a commit, or the address it came from means this model.
    func answers(to name: String) -> Bool {
        switch try? ModelReference(name) {
        case .address(let address)?: return manifest.source == address
        case .repository(let wanted)?:
            guard manifest.name.lowercased() == wanted.repository.lowercased() else { return false }
            let isRevision =
                wanted.revision.map { manifest.revision == $0 || manifest.commit?.hasPrefix($0) == true }
                ?? !isSuperseded
            let selector = wanted.selector?.lowercased()
            return isRevision
                && (selector == nil || selector == model.quantization?.lowercased()
                    || selector == model.file?.lowercased())
        case nil: return false
        }
    }
}

/// Levenshtein's distance: insertions, deletions and replacements of one byte.
package func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
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

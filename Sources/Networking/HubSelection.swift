// Which files of a repository make up the model that was asked for. A decision over names; nothing is fetched.

import Diagnostics
import FoundationEssentials
import Weights

/// The files of one model of a repository.
struct HubSelection: Sendable, Equatable {
    /// `Q4_K_M`; nil for a Hugging Face checkpoint, or where the name says none.
    var quantization: String?
    /// The file to open, the first of a split; nil for a checkpoint, which is opened as a folder.
    var entry: String?
    var files: [HubFile]

    /// What is taken where nothing is asked for.
    static let usual = "Q4_K_M"

    /// Files of a checkpoint beside its weights, where it has them.
    private static let companions = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
        "chat_template.jinja", "chat_template.json", "preprocessor_config.json", "processor_config.json",
    ]
    static let indexName = "model.safetensors.index.json"

    /// Chooses.
    ///
    /// - Parameters:
    ///   - selector: a quantization or the path of a GGUF file.
    ///   - index: fetches the list of weight files of a checkpoint that has several.
    /// - Throws: `DP-MODEL-01` with what there is.
    static func choose(
        _ selector: String?, of repository: HubRepository, index: (HubFile) async throws -> String
    ) async throws -> HubSelection {
        let groups = ModelFileGroup.groups(of: repository.files.map(\.name))
        if let selector { return try selection(try group(selector, groups, repository), repository) }
        if let usual = try only(groups.filter { $0.quantization == usual }, usual, repository) {
            return try selection(usual, repository)
        }
        if let configuration = repository.file("config.json"),
            let checkpoint = try await checkpoint(repository, configuration, index: index)
        {
            return checkpoint
        }
        if groups.count == 1 { return try selection(groups[0], repository) }
        throw nothing(
            groups.isEmpty
                ? "\(repository.name) has neither GGUF files nor config.json and safetensors"
                : "\(repository.name) has no \(usual)", groups, repository)
    }

    /// The model that a quantization or a file's name means.
    private static func group(
        _ selector: String, _ groups: [ModelFileGroup], _ repository: HubRepository
    ) throws(UserError) -> ModelFileGroup {
        let wanted = selector.lowercased()
        if wanted.hasSuffix(".gguf") {
            let found = groups.first { group in
                group.files.contains { $0.lowercased() == wanted || $0.lowercased().hasSuffix("/" + wanted) }
            }
            guard let found else { throw nothing("\(repository.name) has no file \(selector)", groups, repository) }
            return found
        }
        let byLabel = groups.filter { $0.quantization?.lowercased() == wanted }
        // UD-Q4_K_XL is a longer label than the quantization that it ends in.
        let byEnding = groups.filter { group in
            let stem = group.stem.lowercased()
            return stem == wanted || ["-", ".", "_"].contains { stem.hasSuffix($0 + wanted) }
        }
        guard let found = try only(byLabel.isEmpty ? byEnding : byLabel, selector, repository) else {
            throw nothing("\(repository.name) has no \(selector)", groups, repository)
        }
        return found
    }

    private static func only(
        _ groups: [ModelFileGroup], _ wanted: String, _ repository: HubRepository
    ) throws(UserError) -> ModelFileGroup? {
        guard groups.count > 1 else { return groups.first }
        throw nothing("\(repository.name) has \(groups.count) files of \(wanted); name one", groups, repository)
    }

    private static func selection(
        _ group: ModelFileGroup, _ repository: HubRepository
    ) throws(UserError) -> HubSelection {
        let files = group.files.compactMap(repository.file) + (projector(in: repository).map { [$0] } ?? [])
        return HubSelection(quantization: group.quantization, entry: group.files[0], files: files)
    }

    /// The projector for images and sound; of several precisions the one that serves everywhere.
    private static func projector(in repository: HubRepository) -> HubFile? {
        let all = repository.files.filter { ModelFileName($0.name)?.isProjector == true }
        guard all.count > 1 else { return all.first }
        for wanted in ["F16", "BF16", "Q8_0", "F32"] {
            let found = all.filter { ModelFileName($0.name)?.quantization == wanted }
            if found.count == 1 { return found[0] }
        }
        return nil
    }

    /// A checkpoint of the Hugging Face layout; nil if it has no safetensors.
    private static func checkpoint(
        _ repository: HubRepository, _ configuration: HubFile, index: (HubFile) async throws -> String
    ) async throws -> HubSelection? {
        struct Index: Decodable {
            var weights: [String: String]
            enum CodingKeys: String, CodingKey { case weights = "weight_map" }
        }
        var weights: [HubFile] = []
        if let list = repository.file(indexName) {
            guard let read = try? JSONDecoder().decode(Index.self, from: Data(try await index(list).utf8)) else {
                throw UserError(.download, "\(indexName) of \(repository.name) is no list of weight files")
            }
            weights = [list]
            for name in Set(read.weights.values).sorted() {
                guard let file = repository.file(name) else {
                    throw UserError(
                        .download,
                        "\(indexName) of \(repository.name) names \"\(SafeName.printable(name))\", which is not there")
                }
                weights.append(file)
            }
        } else if let single = repository.file("model.safetensors") {
            weights = [single]
        } else {
            return nil
        }
        return HubSelection(files: companions.compactMap(repository.file) + weights)
    }

    /// An error that lists what there is, with sizes.
    private static func nothing(
        _ cause: String, _ groups: [ModelFileGroup], _ repository: HubRepository
    ) -> UserError {
        let sizes = groups.map { group in
            let bytes = group.files.compactMap { repository.file($0)?.size }.reduce(0, +)
            return (group, "\(bytes / 1_000_000) MB")
        }
        let labels = groups.compactMap(\.quantization)
        let isClear = Set(labels).count == groups.count
        let list = sizes.map { "\(isClear ? $0.0.quantization ?? "" : $0.0.files[0]) (\($0.1))" }
        return UserError(
            .modelMissing, cause + (list.isEmpty ? "" : "; it has \(list.joined(separator: ", "))"),
            remedies: sizes.prefix(5).map { group, size in
                let selector = isClear ? group.quantization ?? "" : group.files[0]
                return .init("docproc models pull hf:\(repository.name):\(selector)", "fetches \(size)")
            })
    }
}

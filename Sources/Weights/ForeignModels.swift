// Models that other tools have fetched, found by the layout of their folders and read in place. Never written to.

import FoundationEssentials

/// A model in another tool's cache.
package struct ForeignModel: Sendable, Equatable {
    /// What a user may call it, the fullest name first.
    package var names: [String]
    /// A GGUF file, the first of a split one, or a folder with `config.json`.
    package var path: String
}

/// The caches of other tools.
package enum ForeignModels {
    /// All that can be found, in a fixed order.
    package static func all(_ environment: [String: String]) -> [ForeignModel] {
        guard let home = environment["HOME"], !home.isEmpty else { return [] }
        func place(_ variable: String, _ fallback: String) -> String {
            let value = environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? fallback
            return value.hasPrefix("~/") ? home + value.dropFirst(1) : value
        }
        let cache = place("XDG_CACHE_HOME", home + "/.cache")
        let hub = place("HF_HUB_CACHE", place("HF_HOME", cache + "/huggingface") + "/hub")
        // LM Studio notes where it lives.
        let studio =
            StoreFiles.text(home + "/.lmstudio-home-pointer")?.split(whereSeparator: \.isNewline).first.map(String.init)
            ?? home + "/.lmstudio"
        return huggingFace(hub) + ollama(place("OLLAMA_MODELS", home + "/.ollama/models"))
            + llamaCpp(place("LLAMA_CACHE", cache + "/llama.cpp"))
            + lmStudio(studio + "/models") + lmStudio(cache + "/lm-studio/models")
    }

    /// `models--OWNER--NAME/snapshots/REVISION/…`: OWNER/NAME, OWNER/NAME:QUANT, OWNER/NAME/FILE. The revision that
    /// `refs/main` names goes before others.
    private static func huggingFace(_ hub: String) -> [ForeignModel] {
        StoreFiles.names(in: hub).filter { $0.hasPrefix("models--") }.flatMap { folder -> [ForeignModel] in
            let repository = folder.dropFirst(8).split(separator: "--", maxSplits: 1, omittingEmptySubsequences: false)
                .joined(separator: "/")
            let snapshots = "\(hub)/\(folder)/snapshots"
            let current = StoreFiles.text("\(hub)/\(folder)/refs/main").map { String($0.prefix { !$0.isWhitespace }) }
            let revisions = StoreFiles.names(in: snapshots)
            return (revisions.filter { $0 == current } + revisions.filter { $0 != current }.reversed()).flatMap {
                models(in: "\(snapshots)/\($0)", repository: repository)
            }
        }
    }

    /// The models of one repository's folder.
    private static func models(in directory: String, repository: String) -> [ForeignModel] {
        let groups = ModelFolder.groups(in: directory)
        let usual = groups.count == 1 ? groups.first : groups.first { $0.quantization == "Q4_K_M" }
        let files = groups.map { group in
            ForeignModel(
                names: ["\(repository)/\(group.files[0])"] + (group.quantization.map { ["\(repository):\($0)"] } ?? [])
                    + (group == usual ? [repository] : []) + [group.stem],
                path: "\(directory)/\(group.files[0])")
        }
        guard ModelFolder.isCheckpoint(directory) else { return files }
        return files + [ForeignModel(names: [repository], path: directory)]
    }

    /// `manifests/HOST/OWNER/NAME/TAG` names layers; the one of type "model" is `blobs/sha256-…`.
    private static func ollama(_ root: String) -> [ForeignModel] {
        struct Manifest: Decodable {
            struct Layer: Decodable {
                var mediaType: String
                var digest: String
            }
            var layers: [Layer]
        }
        var found: [ForeignModel] = []
        let manifests = root + "/manifests"
        for host in StoreFiles.names(in: manifests) {
            for owner in StoreFiles.names(in: "\(manifests)/\(host)") {
                for name in StoreFiles.names(in: "\(manifests)/\(host)/\(owner)") {
                    for tag in StoreFiles.names(in: "\(manifests)/\(host)/\(owner)/\(name)") {
                        guard let text = StoreFiles.text("\(manifests)/\(host)/\(owner)/\(name)/\(tag)"),
                            let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(text.utf8)),
                            // Projectors and adapters are layers of other types; a model in pieces has many of this.
                            case let layers = manifest.layers.filter({
                                $0.mediaType == "application/vnd.ollama.image.model"
                            }), layers.count == 1, layers[0].digest.utf8.allSatisfy({ $0 != 0x2F })
                        else { continue }
                        let path = "\(root)/blobs/\(layers[0].digest.map { $0 == ":" ? "-" : String($0) }.joined())"
                        guard StoreFiles.size(path) != nil else { continue }
                        let short = owner == "library" ? name : "\(owner)/\(name)"
                        let full = host == "registry.ollama.ai" ? short : "\(host)/\(owner)/\(name)"
                        var names = ["\(full):\(tag)", "\(short):\(tag)"]
                        if tag == "latest" { names += [full, short] }
                        found.append(ForeignModel(names: names.uniqued, path: path))
                    }
                }
            }
        }
        return found
    }

    /// llama.cpp keeps files side by side as `OWNER_NAME_FILE.gguf`; `manifest=OWNER=NAME=TAG.json` beside them says
    /// which file a tag means. Its newer versions use the hub's cache.
    private static func llamaCpp(_ directory: String) -> [ForeignModel] {
        struct Manifest: Decodable {
            struct File: Decodable { var rfilename: String }
            var ggufFile: File?
        }
        let names = StoreFiles.names(in: directory)
        var tags: [String: [String]] = [:]
        for name in names where name.hasPrefix("manifest=") && name.hasSuffix(".json") {
            let words = name.dropFirst(9).dropLast(5).split(separator: "=").map(String.init)
            guard words.count == 3, let text = StoreFiles.text("\(directory)/\(name)"),
                let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(text.utf8)),
                let file = manifest.ggufFile?.rfilename
            else { continue }
            let stored = "\(words[0])_\(words[1])_\(file.replacing("/", with: "_"))"
            tags[stored, default: []] += ["\(words[0])/\(words[1]):\(words[2])"]
            if words[2] == "latest" { tags[stored, default: []].append("\(words[0])/\(words[1])") }
        }
        return ModelFolder.groups(in: directory).map { group in
            ForeignModel(names: (tags[group.files[0]] ?? []) + [group.stem], path: "\(directory)/\(group.files[0])")
        }
    }

    /// `OWNER/REPOSITORY/…`
    private static func lmStudio(_ root: String) -> [ForeignModel] {
        StoreFiles.names(in: root).flatMap { owner in
            StoreFiles.names(in: "\(root)/\(owner)").flatMap { repository in
                models(in: "\(root)/\(owner)/\(repository)", repository: "\(owner)/\(repository)")
            }
        }
    }
}

extension [String] {
    /// Without repetitions, in order.
    fileprivate var uniqued: [String] {
        reduce(into: []) { kept, name in if !kept.contains(name) { kept.append(name) } }
    }
}

/// What a folder holds, by the names of its files alone.
enum ModelFolder {
    /// Whether it is a checkpoint of the Hugging Face layout: configuration and weights.
    static func isCheckpoint(_ path: String) -> Bool {
        StoreFiles.size(path + "/config.json") != nil
            && StoreFiles.names(in: path).contains {
                $0.hasSuffix(".safetensors") && StoreFiles.size("\(path)/\($0)") != nil
            }
    }

    /// Models in the GGUF format, in the folder and one level below it. A link to nothing is no file.
    static func groups(in directory: String) -> [ModelFileGroup] {
        let names = StoreFiles.names(in: directory)
        let below = names.filter { !$0.hasPrefix(".") && StoreFiles.isDirectory("\(directory)/\($0)") }
            .flatMap { folder in StoreFiles.names(in: "\(directory)/\(folder)").map { "\(folder)/\($0)" } }
        return ModelFileGroup.groups(
            of: (names + below).filter { $0.hasSuffix(".gguf") }
                .filter { StoreFiles.size("\(directory)/\($0)") != nil })
    }
}

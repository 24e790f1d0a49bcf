// Models that other tools have fetched, found by the layout of their folders and read in place. Never written to.

import FoundationEssentials

/// A GGUF file in another tool's cache.
struct ForeignModel: Sendable, Equatable {
    /// What a user may call it, the fullest name first.
    var names: [String]
    var path: String
}

enum ForeignModels {
    /// All that can be found, in a fixed order.
    static func all(_ environment: [String: String]) -> [ForeignModel] {
        guard let home = environment["HOME"], !home.isEmpty else { return [] }
        func place(_ variable: String, _ fallback: String) -> String {
            environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? fallback
        }
        let cache = place("XDG_CACHE_HOME", home + "/.cache")
        let hub = place("HF_HUB_CACHE", place("HF_HOME", cache + "/huggingface") + "/hub")
        return huggingFace(hub) + ollama(place("OLLAMA_MODELS", home + "/.ollama/models"))
            + flat(place("LLAMA_CACHE", cache + "/llama.cpp"))
            + lmStudio(home + "/.lmstudio/models") + lmStudio(cache + "/lm-studio/models")
    }

    private static func ggufFiles(_ directory: String) -> [(name: String, path: String)] {
        StoreFiles.names(in: directory).filter { $0.hasSuffix(".gguf") && !$0.hasPrefix("mmproj") }
            .map { ($0, "\(directory)/\($0)") }
            .filter { StoreFiles.size($0.1) != nil }
    }

    private static func stem(_ name: String) -> String { String(name.dropLast(5)) }

    /// `models--OWNER--NAME/snapshots/REVISION/FILE.gguf`: OWNER/NAME if it has one file, else OWNER/NAME/FILE.
    private static func huggingFace(_ hub: String) -> [ForeignModel] {
        StoreFiles.names(in: hub).filter { $0.hasPrefix("models--") }.flatMap { folder -> [ForeignModel] in
            let repository = folder.dropFirst(8).split(separator: "--", omittingEmptySubsequences: false)
                .joined(separator: "/")
            let snapshots = "\(hub)/\(folder)/snapshots"
            let current = StoreFiles.text("\(hub)/\(folder)/refs/main").map { String($0.prefix { !$0.isWhitespace }) }
            let revisions = StoreFiles.names(in: snapshots)
            let chosen = current.flatMap { revisions.contains($0) ? $0 : nil } ?? revisions.last
            let files = chosen.map { ggufFiles("\(snapshots)/\($0)") } ?? []
            return files.map { file in
                ForeignModel(
                    names: ["\(repository)/\(file.name)"] + (files.count == 1 ? [repository] : []) + [stem(file.name)],
                    path: file.path)
            }
        }
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
                            let digest = manifest.layers.first(where: {
                                $0.mediaType == "application/vnd.ollama.image.model"
                            })?.digest,
                            digest.utf8.allSatisfy({ $0 != 0x2F })
                        else { continue }
                        let path = "\(root)/blobs/\(digest.map { $0 == ":" ? "-" : String($0) }.joined())"
                        guard StoreFiles.size(path) != nil else { continue }
                        let short = owner == "library" ? name : "\(owner)/\(name)"
                        found.append(
                            ForeignModel(names: ["\(short):\(tag)"] + (tag == "latest" ? [short] : []), path: path))
                    }
                }
            }
        }
        return found
    }

    /// llama.cpp keeps files side by side.
    private static func flat(_ directory: String) -> [ForeignModel] {
        ggufFiles(directory).map { ForeignModel(names: [stem($0.name)], path: $0.path) }
    }

    /// `OWNER/REPOSITORY/FILE.gguf`.
    private static func lmStudio(_ root: String) -> [ForeignModel] {
        StoreFiles.names(in: root).flatMap { owner in
            StoreFiles.names(in: "\(root)/\(owner)").flatMap { repository in
                ggufFiles("\(root)/\(owner)/\(repository)").map { file in
                    ForeignModel(names: ["\(owner)/\(repository)/\(file.name)", stem(file.name)], path: file.path)
                }
            }
        }
    }
}

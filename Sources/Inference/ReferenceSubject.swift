// Which models of a folder have expected outputs.

import FoundationEssentials

/// A model and the file with what it should give.
package struct ReferenceSubject: Sendable, Equatable {
    /// A GGUF file, or a folder with config.json and safetensors.
    package var model: String
    package var reference: String
    /// golden.json, where there is one.
    package var settings: String?

    /// The folder itself, if it holds a model and `golden.safetensors`, and the GGUF files in it and in its folder
    /// `gguf`: with `NAME.golden.safetensors` beside them, or, where the weights lose nothing by being stored in 16 or
    /// 32 bits, the folder's.
    package static func all(in directory: String) -> [ReferenceSubject] {
        let settings = existing(directory + "/golden.json")
        let golden = existing(directory + "/golden.safetensors")
        var subjects: [ReferenceSubject] = []
        if let golden, existing(directory + "/config.json") != nil {
            subjects.append(ReferenceSubject(model: directory, reference: golden, settings: settings))
        }
        for folder in [directory, directory + "/gguf"] {
            for name in ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
            where name.hasSuffix(".gguf") && !name.hasPrefix("mmproj") {
                let stem = name.dropLast(".gguf".count)
                let isPlain = ["F32", "F16", "BF16"].contains { stem.uppercased().hasSuffix($0) }
                if let reference = existing("\(folder)/\(stem).golden.safetensors") ?? (isPlain ? golden : nil) {
                    subjects.append(
                        ReferenceSubject(model: "\(folder)/\(name)", reference: reference, settings: settings))
                }
            }
        }
        return subjects
    }

    /// The outputs in a folder that a model from elsewhere should give: `NAME.golden.safetensors` for a file NAME.gguf,
    /// else the folder's own.
    package static func reference(in directory: String, for model: String) -> ReferenceSubject? {
        let name = model.split(separator: "/").last.map(String.init) ?? model
        let stem = name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name
        guard
            let reference = existing("\(directory)/\(stem).golden.safetensors")
                ?? existing("\(directory)/golden.safetensors")
        else { return nil }
        return ReferenceSubject(model: model, reference: reference, settings: existing(directory + "/golden.json"))
    }

    private static func existing(_ path: String) -> String? {
        FileManager.default.fileExists(atPath: path) ? path : nil
    }
}

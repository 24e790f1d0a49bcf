import Diagnostics
import SystemPackage
import Yams

/// Reads settings files and finds the ones that apply.
enum SettingsFile {
    /// Reads one file into a layer, every value with its line.
    ///
    /// - Throws: `DP-CLI-02` for a name or value that is not a setting, `DP-YAML-01` for a file that is not YAML.
    static func read(_ path: String, layer name: String) throws(UserError) -> SettingLayer {
        let text: String
        do {
            text = String(decoding: try SmallFile.bytes(FilePath(path)), as: UTF8.self)
        } catch {
            throw UserError(.badSetting, "the settings file could not be read: \(error)", places: [.init("file", path)])
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw syntaxError(error, path: path)
        }
        var layer = SettingLayer()
        guard let root else { return layer }
        if case .scalar(let scalar) = root, scalar.string.isEmpty { return layer }
        guard case .mapping(let mapping) = root else {
            throw UserError(
                .badSetting, "a settings file is a list of names and values", places: [.init("file", path)])
        }
        try collect(mapping, prefix: "", path: path, name: name, into: &layer)
        return layer
    }

    private static func syntaxError(_ error: any Error, path: String) -> UserError {
        var cause = "\(error)"
        var place = path
        switch error as? YamlError {
        case .parser(_, let problem, let mark, _), .scanner(_, let problem, let mark, _):
            cause = problem
            place += ":\(mark.line):\(mark.column)"
        case .duplicatedKeysInMapping(let names, _):
            cause = "\(names.sorted().joined(separator: ", ")) is set twice"
        default: break
        }
        return UserError(.yamlSyntax, "the settings file is not valid YAML: \(cause)", places: [.init("file", place)])
    }

    /// The project file in or above a folder.
    static func project(from folder: String) -> String? {
        var folder = FilePath(folder)
        while true {
            let candidate = folder.appending(".docproc").appending("config.yaml")
            if exists(candidate) { return candidate.string }
            guard folder.removeLastComponent() else { return nil }
        }
    }

    /// Whether a file can be opened.
    static func exists(_ path: FilePath) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return false }
        try? file.close()
        return true
    }

    private static func collect(
        _ mapping: Node.Mapping, prefix: String, path: String, name: String, into layer: inout SettingLayer
    ) throws(UserError) {
        var seen: Set<String> = []
        for (key, value) in mapping {
            let full = prefix + (key.string ?? "")
            let line = key.mark.map { "\(path):\($0.line)" } ?? path
            let origin = SettingOrigin(layer: name, place: line)
            guard seen.insert(full).inserted else {
                throw UserError(.badSetting, "\(full) is set twice", places: [.init("from", origin.description)])
            }
            switch value {
            case .scalar(let scalar): try layer.set(full, text: scalar.string, origin: origin)
            case .sequence(let sequence):
                try layer.set(full, sequence.compactMap { $0.string }, origin: origin)
            case .mapping(let inner): try collect(inner, prefix: full + ".", path: path, name: name, into: &layer)
            case .alias:
                throw UserError(.badSetting, "\(full) is a YAML alias", places: [.init("from", origin.description)])
            }
        }
    }
}

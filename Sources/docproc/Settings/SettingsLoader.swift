import Diagnostics
import Store
import SystemPackage

/// Gathers the layers of settings in their order of strength.
struct SettingsLoader {
    var environment: [String: String]
    var workingDirectory: String

    /// Loads every layer.
    ///
    /// - Parameters:
    ///   - flags: what flags say, by setting name, with the flag as place.
    ///   - assignments: the texts of `--set`.
    ///   - file: `--config`; takes the place of the project, user and system files.
    func load(
        flags: [(name: String, parts: [String], flag: String)], assignments: [String], file: String?
    ) throws(UserError) -> Settings {
        var layers = [try flagLayer(flags, assignments), try environmentLayer()]
        if let file {
            layers.append(try SettingsFile.read(file, layer: "--config"))
        } else {
            for (path, name) in files() { layers.append(try SettingsFile.read(path, layer: name)) }
        }
        return Settings(layers: layers)
    }

    /// The settings files that exist, strongest first.
    func files() -> [(path: String, layer: String)] {
        var files: [(String, String)] = []
        if let path = SettingsFile.project(from: workingDirectory) { files.append((path, "project file")) }
        files.append((Places(environment: environment).settings + "/config.yaml", "user file"))
        files.append(("/etc/docproc/config.yaml", "system file"))
        return files.filter { SettingsFile.exists(FilePath($0.0)) }
    }

    /// Variables that begin with `DOCPROC_` and name no setting; the engine's own are not among them.
    func unknownVariables() -> [String] {
        let known = Set(SettingKey.all.map(\.variable)).union(Self.otherVariables)
        return environment.keys.filter { name in
            name.hasPrefix("DOCPROC_") && !known.contains(name)
                && !name.hasPrefix(SettingKey.aliases.variable + "_")
        }.sorted()
    }

    /// Variables that are no settings: for developers and packagers.
    static let otherVariables: Set<String> = ["DOCPROC_KERNELS", "DOCPROC_PDF_WORKER", "DOCPROC_RUNS_DIR"]

    private func flagLayer(
        _ flags: [(name: String, parts: [String], flag: String)], _ assignments: [String]
    ) throws(UserError) -> SettingLayer {
        var layer = SettingLayer()
        for assignment in assignments {
            guard let equals = assignment.firstIndex(of: "=") else {
                throw UserError(
                    .badSetting, "--set takes KEY=VALUE, not \"\(assignment)\"",
                    remedies: [.init("--set memory=8G", "an example")])
            }
            try layer.set(
                String(assignment[..<equals]), text: String(assignment[assignment.index(after: equals)...]),
                origin: SettingOrigin(layer: "flag", place: "--set"))
        }
        for (name, parts, flag) in flags {
            try layer.set(name, parts, origin: SettingOrigin(layer: "flag", place: flag))
        }
        return layer
    }

    private func environmentLayer() throws(UserError) -> SettingLayer {
        var layer = SettingLayer()
        if Settings.boolean(environment["CI"] ?? "") == true {
            let origin = SettingOrigin(layer: "environment", place: "CI")
            try layer.set(SettingKey.progress.name, text: "plain", origin: origin)
            try layer.set(SettingKey.input.name, text: "false", origin: origin)
            try layer.set(SettingKey.strict.name, text: "true", origin: origin)
        }
        for key in SettingKey.all where key.kind != .map {
            guard let text = environment[key.variable], !text.isEmpty else { continue }
            try layer.set(
                key.name, text: text, origin: SettingOrigin(layer: "environment", place: key.variable))
        }
        let prefix = SettingKey.aliases.variable + "_"
        for (name, text) in environment where name.hasPrefix(prefix) && !text.isEmpty {
            try layer.set(
                "aliases." + name.dropFirst(prefix.count).lowercased(), text: text,
                origin: SettingOrigin(layer: "environment", place: name))
        }
        return layer
    }
}

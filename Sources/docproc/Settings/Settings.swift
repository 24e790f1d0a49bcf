import Diagnostics
import Kernels

/// Where a value came from.
struct SettingOrigin: Sendable, Equatable {
    /// `flag`, `environment`, `project file`, `user file`, `system file`, `built in`.
    var layer: String
    /// The flag, the variable, or file and line.
    var place: String

    static let builtIn = SettingOrigin(layer: "built in", place: "")
    /// For display: `file.yaml:3 (user file)`.
    var description: String { place.isEmpty ? layer : "\(place) (\(layer))" }
}

/// A value as it was written, with its origin; its form has been checked.
struct SettingValue: Sendable, Equatable {
    /// The parts of a list, or the one text.
    var parts: [String]
    var origin: SettingOrigin

    /// One text; lists joined with commas.
    var text: String { parts.joined(separator: ",") }
}

/// All settings after the strongest layer won: flag, variable, project file, user file, system file, built in.
struct Settings: Sendable {
    /// Name to value. Names below a map appear with their own name, such as `aliases.big`.
    private(set) var values: [String: SettingValue] = [:]

    /// Puts layers together, strongest first.
    init(layers: [SettingLayer]) {
        for key in SettingKey.all {
            if let text = key.builtIn { values[key.name] = SettingValue(parts: [text], origin: .builtIn) }
        }
        for layer in layers.reversed() {
            values.merge(layer.values) { _, stronger in stronger }
        }
    }

    /// These settings under those of a pipeline file: flags and variables stay, everything weaker gives way.
    func under(_ layer: SettingLayer) -> Settings {
        var merged = self
        merged.values.merge(layer.values) { mine, pipeline in
            ["flag", "environment"].contains(mine.origin.layer) ? mine : pipeline
        }
        return merged
    }

    /// The value of a key, nil when nothing set it.
    func value(_ key: SettingKey) -> SettingValue? { values[key.name] }
    /// As a text.
    func text(_ key: SettingKey) -> String? { values[key.name]?.text }
    /// As a list; empty when nothing set it.
    func list(_ key: SettingKey) -> [String] { values[key.name]?.parts ?? [] }
    /// As a whole number; sizes in bytes.
    func integer(_ key: SettingKey) -> Int? {
        guard let text = text(key) else { return nil }
        switch key.kind {
        case .size: return Quantity.size(text)
        default: return Quantity.tokens(text)
        }
    }
    /// As a number; durations in seconds.
    func number(_ key: SettingKey) -> Double? {
        guard let text = text(key) else { return nil }
        return key.kind == .duration ? Quantity.seconds(text) : Double(text)
    }
    /// As yes or no.
    func isOn(_ key: SettingKey) -> Bool { Self.boolean(text(key) ?? "") ?? false }
    /// The entries of a map, by name.
    func map(_ key: SettingKey) -> [String: String] {
        let prefix = key.name + "."
        return values.filter { $0.key.hasPrefix(prefix) }
            .reduce(into: [:]) { $0[String($1.key.dropFirst(prefix.count))] = $1.value.text }
    }

    /// Words that mean yes or no.
    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }
}

/// The values of one layer.
struct SettingLayer: Sendable {
    var values: [String: SettingValue] = [:]

    /// Adds a value after checking name and form.
    ///
    /// - Throws: `DP-CLI-02` with the nearest name or the forms allowed.
    mutating func set(_ name: String, _ parts: [String], origin: SettingOrigin) throws(UserError) {
        guard let key = SettingKey.named(name), key.kind != .map || name != key.name else {
            let near = Spelling.nearest(to: name, in: SettingKey.all.map(\.name))
            throw UserError(
                .badSetting, "unknown setting \"\(name)\"" + (near.map { ", did you mean \"\($0)\"?" } ?? ""),
                places: [.init("from", origin.description)],
                remedies: [.init("docproc config show", "lists all settings")])
        }
        if let complaint = Self.complaint(parts, of: key) {
            throw UserError(
                .badSetting, "\(name) is \"\(parts.joined(separator: ","))\", but \(complaint)",
                places: [.init("from", origin.description)])
        }
        values[name] = SettingValue(parts: parts, origin: origin)
    }

    /// Adds a value written as one text; lists are split at commas.
    mutating func set(_ name: String, text: String, origin: SettingOrigin) throws(UserError) {
        let isList = SettingKey.named(name)?.kind == .list
        let parts = isList ? text.split(separator: ",").map { String($0) } : [text]
        try set(name, parts, origin: origin)
    }

    private static func complaint(_ parts: [String], of key: SettingKey) -> String? {
        let text = parts.first ?? ""
        if key.kind != .list, parts.count != 1 { return "one value is expected, not a list" }
        switch key.kind {
        case .text, .map: return text.isEmpty ? "it must not be empty" : nil
        case .list: return nil
        case .boolean: return Settings.boolean(text) == nil ? "true or false is expected" : nil
        case .number:
            return Double(text).map { $0.isFinite && $0 >= 0 } == true ? nil : "a number of 0 or more is expected"
        case .size: return Quantity.size(text) == nil ? "a size such as 8G or 512M is expected" : nil
        case .reading:
            return KVReading(text) == nil
                ? "exact, lazy-v:SHARE, certified:SHARE or budget:PAGES is expected, such as lazy-v:0.01" : nil
        case .duration: return Quantity.seconds(text) == nil ? "a duration such as 40m or 2h is expected" : nil
        case .integer(let range):
            return Int(text).map { range.contains($0) } == true ? nil : "a whole number \(words(range)) is expected"
        case .choice(let choices):
            return choices.contains(text) ? nil : "one of \(choices.joined(separator: ", ")) is expected"
        case .choiceOrInteger(let choices, let range):
            let fits = choices.contains(text) || Quantity.tokens(text).map { range.contains($0) } == true
            return fits ? nil : "\(choices.joined(separator: ", ")) or a whole number \(words(range)) is expected"
        }
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == Int.max
            ? "of \(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
    }
}

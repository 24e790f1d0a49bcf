// Fills in `${env.X}` and `${params.X}`; there is no other templating.

import Diagnostics

/// Replaces variables in values. Keys are never touched.
struct Substitution {
    let source: SourceText
    let environment: [String: String]
    /// Declared parameters with their values; nil where one is not known.
    let params: [String: String?]
    /// Whether what is not known is a mistake or leaves the value open.
    let strict: Bool
    var complaints: ComplaintList

    mutating func apply(_ tree: Tree) -> Tree {
        var problems = complaints
        let result = tree.mapScalars { node, scalar in
            scalar.raw.contains("${") ? fill(scalar, node.mark, &problems) : scalar
        }
        complaints = problems
        return result
    }

    private func fill(_ scalar: Tree.Scalar, _ mark: Mark, _ problems: inout ComplaintList) -> Tree.Scalar {
        var filled = scalar
        filled.text = ""
        var rest = Substring(scalar.raw)
        var place = mark
        while let start = rest.range(of: "${") {
            filled.text += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                problems.add(
                    .yamlBadValue, source.find("${", from: place), "\"${\" has no closing }",
                    "write ${env.NAME} or ${params.NAME}")
                filled.isOpen = true
                return filled
            }
            let whole = String(rest[start.lowerBound...end])
            let name = String(rest[start.upperBound..<end])
            place = source.find(whole, from: place)
            if let value = value(name, place, &problems) {
                filled.text += value
            } else {
                filled.isOpen = true
            }
            place.column += place.length
            rest = rest[rest.index(after: end)...]
        }
        filled.text += rest
        return filled
    }

    private func value(_ name: String, _ mark: Mark, _ problems: inout ComplaintList) -> String? {
        let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch parts[0] {
        case "env" where parts.count == 2 && !parts[1].isEmpty:
            if let value = environment[parts[1]] { return value }
            if strict {
                problems.add(
                    .yamlUnknownReference, mark, "the environment variable \(parts[1]) is not set",
                    "set it before running")
            }
        case "params" where parts.count == 2:
            guard let declared = params[parts[1]] else {
                problems.add(
                    .yamlUnknownReference, mark, "there is no parameter \"\(parts[1])\"",
                    Suggestions.didYouMean(parts[1], among: params.keys) ?? "declare it under params:")
                return nil
            }
            // A parameter without a value has been complained about where it is declared.
            return declared
        case "matrix":
            problems.add(.yamlBadValue, mark, "\"matrix\" is not built yet in this version", "remove it for now")
        default:
            problems.add(
                .yamlBadValue, mark, "\"${\(name)}\" is no variable",
                Suggestions.nearest(parts[0], among: ["env", "params"]).map { near in
                    "did you mean \"${\(near)\(parts.count == 2 ? "." + parts[1] : ".NAME")}\"?"
                } ?? "only ${env.NAME} and ${params.NAME} are filled in")
        }
        return nil
    }
}

extension Substring {
    /// The first occurrence of some text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(text) { return index..<self.index(index, offsetBy: text.count) }
            index = self.index(after: index)
        }
        return nil
    }
}

/// The `params:` of a file with the values given for them.
enum Parameters {
    /// Values by name; nil for a parameter without one.
    static func resolve(
        _ root: Tree, given: [String: String], strict: Bool, _ complaints: inout ComplaintList
    ) -> [String: String?] {
        var values: [String: String?] = [:]
        for entry in root["params"]?.entries ?? [] {
            let type = entry.value["type"]?.text ?? "text"
            let fallback = entry.value["default"]
            if let value = given[entry.key] {
                if !fits(value, type) {
                    complaints.add(
                        .yamlBadValue, entry.keyMark,
                        "the parameter \"\(entry.key)\" must be \(wanted(type)), not \"\(value)\"",
                        "--set params.\(entry.key)=VALUE")
                }
                values[entry.key] = .some(value)
            } else if let fallback, let text = fallback.text {
                if !fits(text, type) {
                    complaints.add(
                        .yamlBadValue, fallback.mark, "the default of \"\(entry.key)\" must be \(wanted(type))")
                }
                values[entry.key] = .some(text)
            } else {
                values.updateValue(nil, forKey: entry.key)
                if strict {
                    complaints.add(
                        .yamlMissingKey, entry.keyMark, "the parameter \"\(entry.key)\" has no value",
                        "--set params.\(entry.key)=VALUE")
                }
            }
        }
        for name in given.keys.sorted() where values[name] == nil {
            complaints.add(
                .yamlUnknownReference, root["params"]?.mark ?? root.mark,
                "--set gives the parameter \"\(name)\", which is not declared",
                Suggestions.didYouMean(name, among: values.keys))
        }
        return values
    }

    private static func fits(_ value: String, _ type: String) -> Bool {
        switch type {
        case "integer": Int(value) != nil
        case "number": Double(value)?.isFinite == true
        case "boolean": value == "true" || value == "false"
        case "date": Values.isDate(value)
        default: true
        }
    }

    private static func wanted(_ type: String) -> String {
        switch type {
        case "integer": "a whole number"
        case "number": "a number"
        case "boolean": "true or false"
        case "date": "a date such as 2026-11-21"
        default: "text"
        }
    }
}

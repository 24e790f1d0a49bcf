// Holds a tree against the table of keys and says everything that does not fit.
//
// Knows forms only: that a corpus named in a step exists is `References`'s to say.

import Diagnostics

/// Checks forms. `complaints` grows; nothing stops it.
struct Validator {
    var complaints: ComplaintList

    /// - Parameter owner: the key that leads to this node, where a missing key is reported.
    mutating func check(_ node: Tree, _ shape: Shape, owner: Mark, key: String) {
        switch shape {
        case .mapping(let mapping): check(node, mapping, owner: owner, key: key)
        case .oneKey(let noun, let keys): checkOneKey(node, noun, keys, key: key)
        case .named(let noun, let item): checkNamed(node, noun, item, key: key, shape)
        case .list(let item):
            guard case .list(let items) = node.value else {
                let hint = node.scalar?.isNull == false || !node.entries.isEmpty ? "write it with - or in []" : nil
                return wrongType(node, shape, key: key, hint: hint)
            }
            if items.isEmpty { complaints.add(.yamlBadValue, node.mark, "\(key) is an empty list") }
            for child in items { check(child, item, owner: child.mark, key: key) }
        case .oneOrMore(let item):
            if case .list = node.value {
                check(node, .list(item), owner: owner, key: key)
            } else {
                check(node, item, owner: owner, key: key)
            }
        case .short(let short, let long):
            if case .mapping = node.value {
                check(node, long, owner: owner, key: key)
            } else {
                check(node, short, owner: owner, key: key)
            }
        default: checkScalar(node, shape, key: key)
        }
    }

    // MARK: - Mappings

    private mutating func check(_ node: Tree, _ shape: MappingShape, owner: Mark, key: String) {
        guard case .mapping(let entries) = node.value else { return wrongType(node, .mapping(shape), key: key) }
        checkRepeated(entries, in: shape.noun)
        for entry in entries {
            guard let known = shape.keys.first(where: { $0.name == entry.key }) else {
                unknown(entry, in: shape.noun, keys: shape.keys)
                continue
            }
            guard known.isBuilt else {
                notBuilt(entry.key, entry.keyMark)
                continue
            }
            check(entry.value, known.shape, owner: entry.keyMark, key: entry.key)
        }
        let present = Set(entries.map(\.key))
        for required in shape.keys where required.isRequired && !present.contains(required.name) {
            complaints.add(
                .yamlMissingKey, owner, "\(shape.noun) has no \"\(required.name)\"",
                "add \(required.name): with \(required.shape.wanted)")
        }
        let chosen = entries.filter { shape.exactlyOne.contains($0.key) }
        if !shape.exactlyOne.isEmpty, chosen.isEmpty {
            complaints.add(
                .yamlMissingKey, owner, "\(shape.noun) does nothing", "add \(built(shape.exactlyOne, shape))")
        }
        for extra in chosen.dropFirst() where extra.key != chosen.first?.key {
            complaints.add(
                .yamlBadValue, extra.keyMark,
                "\(shape.noun) has both \"\(chosen[0].key)\" and \"\(extra.key)\"", "make two steps of them")
        }
        if !shape.atLeastOne.isEmpty, present.isDisjoint(with: shape.atLeastOne) {
            complaints.add(
                .yamlMissingKey, owner, "\(shape.noun) has neither \(quoted(shape.atLeastOne, " nor "))",
                "add \(shape.atLeastOne.joined(separator: " or "))")
        }
    }

    private func built(_ names: [String], _ shape: MappingShape) -> String {
        names.filter { name in shape.keys.contains { $0.name == name && $0.isBuilt } }.joined(separator: " or ")
    }

    private func quoted(_ names: [String], _ separator: String) -> String {
        names.map { "\"\($0)\"" }.joined(separator: separator)
    }

    private mutating func checkOneKey(_ node: Tree, _ noun: String, _ keys: [Key], key: String) {
        guard case .mapping(let entries) = node.value else {
            if let word = node.text, keys.contains(where: { $0.name == word && $0.isBuilt }) {
                return complaints.add(
                    .yamlWrongType, node.mark, "\(noun) \"\(word)\" has no value", "write \(word): with a value")
            }
            return wrongType(node, .oneKey(noun: noun, keys), key: key)
        }
        checkRepeated(entries, in: noun)
        if entries.isEmpty { complaints.add(.yamlMissingKey, node.mark, "\(noun) is empty") }
        for (index, entry) in entries.enumerated() {
            guard let known = keys.first(where: { $0.name == entry.key }) else {
                unknown(entry, in: noun, keys: keys)
                continue
            }
            if index > 0, entries[0].key != entry.key, keys.contains(where: { $0.name == entries[0].key }) {
                complaints.add(
                    .yamlBadValue, entry.keyMark, "\(noun) has two keys, \"\(entries[0].key)\" and \"\(entry.key)\"",
                    "begin a new item with - \(entry.key):")
            }
            guard known.isBuilt else {
                notBuilt(entry.key, entry.keyMark)
                continue
            }
            check(entry.value, known.shape, owner: entry.keyMark, key: entry.key)
        }
    }

    private mutating func checkNamed(_ node: Tree, _ noun: String, _ item: Shape, key: String, _ shape: Shape) {
        guard case .mapping(let entries) = node.value else { return wrongType(node, shape, key: key) }
        checkRepeated(entries, in: key)
        if entries.isEmpty { complaints.add(.yamlBadValue, node.mark, "\(key) is empty") }
        for entry in entries {
            if !Self.isIdentifier(entry.key) {
                complaints.add(
                    .yamlBadValue, entry.keyMark, "\"\(entry.key)\" can't be the name of \(noun)",
                    "use letters, digits, - and _")
            }
            check(entry.value, item, owner: entry.keyMark, key: entry.key)
        }
    }

    private mutating func checkRepeated(_ entries: [Tree.Entry], in noun: String) {
        var first: [String: Mark] = [:]
        for entry in entries {
            if let earlier = first[entry.key] {
                complaints.add(
                    .yamlRepeatedKey, entry.keyMark, "the key \"\(entry.key)\" is given twice in \(noun)",
                    "it is already in line \(earlier.line)")
            } else {
                first[entry.key] = entry.keyMark
            }
        }
    }

    private mutating func unknown(_ entry: Tree.Entry, in noun: String, keys: [Key]) {
        let near = Suggestions.didYouMean(entry.key, among: keys.filter(\.isBuilt).map(\.name))
        let isProse = entry.key.contains(" ") && entry.value.scalar?.isNull == true
        let suggestion: String? =
            if isProse {
                "put quotes around text with commas inside {}"
            } else if let near {
                near
            } else if let owners = PipelineKeys.owners[entry.key], owners.count <= 2 {
                "it belongs in \(owners.joined(separator: " or "))"
            } else {
                Suggestions.didYouMean(entry.key, among: keys.map(\.name))
            }
        complaints.add(.yamlUnknownKey, entry.keyMark, "unknown key \"\(entry.key)\" in \(noun)", suggestion)
    }

    mutating func notBuilt(_ word: String, _ mark: Mark) {
        complaints.add(.yamlBadValue, mark, "\"\(word)\" is not built yet in this version", "remove it for now")
    }

    // MARK: - Scalars

    private mutating func checkScalar(_ node: Tree, _ shape: Shape, key: String) {
        guard let scalar = node.scalar else {
            let hint: String? = if case .text = shape { "put quotes around it if it is text" } else { nil }
            return wrongType(node, shape, key: key, hint: hint)
        }
        if scalar.isOpen { return }
        if scalar.isNull { return wrongType(node, shape, key: key) }
        switch Self.verdict(scalar, shape) {
        case .good: return
        case .wrongType(let hint): wrongType(node, shape, key: key, hint: hint)
        case .badValue(let hint): badValue(node, scalar, shape, key: key, hint: hint)
        case .notBuilt: notBuilt(scalar.raw, node.mark)
        }
    }

    private enum Verdict {
        case good
        case wrongType(hint: String?)
        case badValue(hint: String?)
        case notBuilt
    }

    private static func verdict(_ scalar: Tree.Scalar, _ shape: Shape) -> Verdict {
        func require(_ holds: Bool, _ hint: String? = nil) -> Verdict { holds ? .good : .badValue(hint: hint) }
        let text = scalar.text
        switch shape {
        case .text, .regex:
            if scalar.bool != nil { return .wrongType(hint: "put quotes around it") }
            if text.allSatisfy(\.isWhitespace) { return .badValue(hint: nil) }
            if case .regex = shape, let problem = PatternRules.problem(text) { return .badValue(hint: problem) }
            return .good
        case .identifier: return require(isIdentifier(text))
        case .sha256:
            return require(text.utf8.count == 64 && text.allSatisfy { $0.isASCII && $0.isHexDigit })
        case .integer(let range):
            guard let value = scalar.int else { return numberVerdict(scalar) }
            return require(range.contains(value))
        case .number(let range):
            guard let value = scalar.double else { return numberVerdict(scalar) }
            return require(range.contains(value))
        case .boolean:
            if scalar.bool != nil { return .good }
            let words = ["yes": "true", "on": "true", "no": "false", "off": "false"]
            let word =
                words[text.lowercased()] ?? (["true", "false"].contains(text.lowercased()) ? text.lowercased() : nil)
            return .wrongType(hint: word.map { "write \($0)" })
        case .bytes:
            if let number = scalar.double { return .badValue(hint: "with a unit, such as \(Shape.short(number))G") }
            return require(Values.bytes(text) != nil)
        case .reading: return require(Values.isReading(text))
        case .tokens: return require(Values.tokens(text) != nil)
        case .share:
            if let number = scalar.double {
                let percent = number > 1 ? number : number * 100
                return .badValue(hint: "write \(Shape.short((percent * 1e6).rounded() / 1e6))%")
            }
            return require(Values.share(text) != nil)
        case .duration:
            if let number = scalar.double { return .badValue(hint: "with a unit, such as \(Shape.short(number))m") }
            return require(Values.seconds(text) != nil)
        case .words: return require(Values.words(text) != nil)
        case .pages: return require(PageSelection(text) != nil)
        case .choice(let words, let later):
            if words.contains(text) { return .good }
            if later.contains(text) { return .notBuilt }
            return .badValue(hint: Suggestions.didYouMean(text, among: words))
        case .either(let one, let other):
            if case .good = verdict(scalar, one) { return .good }
            return verdict(scalar, other)
        default: return .good
        }
    }

    private static func numberVerdict(_ scalar: Tree.Scalar) -> Verdict {
        if !scalar.isPlain, Double(scalar.text) != nil { return .wrongType(hint: "remove the quotes") }
        return .wrongType(hint: nil)
    }

    static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first,
            first.properties.isAlphabetic || first.properties.numericType != nil
        else { return false }
        return text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-" || $0 == "_" || $0 == "."
        }
    }

    private mutating func wrongType(_ node: Tree, _ shape: Shape, key: String, hint: String? = nil) {
        complaints.add(.yamlWrongType, node.mark, "\(key) must be \(shape.wanted), this is \(node.kindName)", hint)
    }

    private mutating func badValue(_ node: Tree, _ scalar: Tree.Scalar, _ shape: Shape, key: String, hint: String?) {
        // The text before substitution: what a variable holds may be secret.
        complaints.add(.yamlBadValue, node.mark, "\(key) must be \(shape.wanted), not \"\(scalar.raw)\"", hint)
    }
}

// A parsed file before anybody asks what it means: scalars, lists and mappings that know where they stand.
//
// Comes from YAML (`YAMLReader`) or from a line of JSON (`Tree.init(json:)`); everything after works on this.

import Runs

/// A place in a file: 1-based line and column, columns in Unicode scalars, and how many scalars are meant.
struct Mark: Equatable, Comparable {
    var line: Int
    var column: Int
    var length = 1

    static func < (one: Mark, other: Mark) -> Bool {
        (one.line, one.column) < (other.line, other.column)
    }
}

/// A node of a file.
struct Tree {
    var mark: Mark
    var value: Value

    indirect enum Value {
        case scalar(Scalar)
        case list([Tree])
        case mapping([Entry])
    }

    /// A word, number or text.
    struct Scalar {
        /// As written, quotes and escapes undone.
        var raw: String
        /// With `${…}` filled in.
        var text: String
        /// Without quotes: only then can it be a number, a boolean or null.
        var isPlain: Bool
        /// Holds a `${…}` whose value is not known yet; rules about its text can't be applied.
        var isOpen = false
    }

    /// A key of a mapping with its value.
    struct Entry {
        var key: String
        var keyMark: Mark
        var value: Tree
    }
}

extension Tree {
    /// What the node is, for messages.
    var kindName: String {
        switch value {
        case .list: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar) where scalar.isNull: "nothing"
        case .scalar(let scalar) where scalar.bool != nil: "true or false"
        case .scalar(let scalar) where scalar.double != nil: "a number"
        case .scalar: "text"
        }
    }

    var scalar: Scalar? {
        if case .scalar(let scalar) = value { scalar } else { nil }
    }

    var entries: [Entry] {
        if case .mapping(let entries) = value { entries } else { [] }
    }

    var items: [Tree] {
        if case .list(let items) = value { items } else { [] }
    }

    /// The first value of a key; nil if the node is no mapping or lacks it.
    subscript(key: String) -> Tree? {
        entries.first { $0.key == key }?.value
    }

    /// The text of a scalar that is not null.
    var text: String? {
        scalar.flatMap { $0.isNull ? nil : $0.text }
    }

    /// A list's items, or the node alone.
    var oneOrMore: [Tree] {
        if case .list(let items) = value { items } else { [self] }
    }

    /// All scalars below, in order, each with the key it belongs to.
    func forEachScalar(key: String = "", _ body: (_ key: String, _ node: Tree, Scalar) -> Void) {
        switch value {
        case .scalar(let scalar): body(key, self, scalar)
        case .list(let items): for item in items { item.forEachScalar(key: key, body) }
        case .mapping(let entries): for entry in entries { entry.value.forEachScalar(key: entry.key, body) }
        }
    }

    /// The node with every scalar replaced.
    func mapScalars(_ change: (Tree, Scalar) -> Scalar) -> Tree {
        var copy = self
        switch value {
        case .scalar(let scalar): copy.value = .scalar(change(self, scalar))
        case .list(let items): copy.value = .list(items.map { $0.mapScalars(change) })
        case .mapping(let entries):
            copy.value = .mapping(
                entries.map { Entry(key: $0.key, keyMark: $0.keyMark, value: $0.value.mapScalars(change)) })
        }
        return copy
    }
}

/// What plain scalars mean in the core schema of YAML 1.2 (section 10.3.2): `yes` and `on` are text, not booleans.
extension Tree.Scalar {
    var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }

    var bool: Bool? {
        guard isPlain else { return nil }
        return switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    var int: Int? {
        guard isPlain else { return nil }
        if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8) }
        return Int(text)
    }

    var double: Double? {
        guard isPlain else { return nil }
        if let int { return Double(int) }
        // Double(_:) also reads hexadecimal floats and words, which YAML does not.
        guard text.utf8.allSatisfy({ "+-.0123456789eE".utf8.contains($0) }) else { return nil }
        return Double(text)
    }
}

extension Tree {
    /// A JSON value that stands in one line of a file. Places inside it are not known, only that of the whole.
    init(json: JSONValue, mark: Mark) {
        func scalar(_ text: String, plain: Bool) -> Value {
            .scalar(Scalar(raw: text, text: text, isPlain: plain))
        }
        self.mark = mark
        value =
            switch json {
            case .null: scalar("null", plain: true)
            case .bool(let value): scalar(value ? "true" : "false", plain: true)
            case .int(let value): scalar(String(value), plain: true)
            case .double(let value): scalar("\(value)", plain: true)
            case .string(let text): scalar(text, plain: false)
            case .array(let elements): .list(elements.map { Tree(json: $0, mark: mark) })
            case .object(let members):
                .mapping(
                    members.map {
                        Entry(key: $0.key, keyMark: mark, value: Tree(json: $0.value, mark: mark))
                    })
            }
    }
}

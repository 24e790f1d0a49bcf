// YAML text to a `Tree`, through Yams; its errors become complaints with line, column and a way out.
//
// Yams refuses a mapping with a repeated key at once, but all complaints are to be reported together. So such a key
// is renamed in a copy of the text, to private-use characters of the same length, and the copy is read again; the
// tree gets the real name back and the validator sees both.

import Diagnostics
import Yams

/// Reads one file.
struct YAMLReader {
    /// Larger files are not pipelines.
    static let mostBytes = 1 << 20
    /// Aliases can make a small file a large tree; more nodes than this are refused.
    static let mostNodes = 100_000
    /// More repeated keys than this are not looked for.
    private static let mostRepairs = 200
    private static let firstStandIn: UInt32 = 0xF0000

    let source: SourceText
    /// Real names by the stand-in's first scalar.
    private var renamed: [Unicode.Scalar: String] = [:]
    private var nodes = 0

    /// The tree of a file; nil, with a complaint, if it can't be read.
    static func read(_ source: SourceText, into complaints: inout ComplaintList) -> Tree? {
        var reader = YAMLReader(source: source)
        return reader.run(&complaints)
    }

    private init(source: SourceText) {
        self.source = source
    }

    private mutating func run(_ complaints: inout ComplaintList) -> Tree? {
        guard source.text.utf8.count <= Self.mostBytes else {
            complaints.add(.yamlSyntax, Mark(line: 1, column: 1), "the file is larger than a mebibyte")
            return nil
        }
        guard Nesting.depth(source.text) <= Nesting.deepest else {
            complaints.add(.yamlSyntax, Mark(line: 1, column: 1), "nested deeper than \(Nesting.deepest) levels")
            return nil
        }
        var text = source.text
        while true {
            do {
                guard let node = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() else {
                    complaints.add(
                        .yamlMissingKey, Mark(line: 1, column: 1), "the file is empty",
                        "docproc init writes one to start from")
                    return nil
                }
                guard let tree = tree(node) else {
                    complaints.add(
                        .yamlSyntax, Mark(line: 1, column: 1), "aliases unfold to more than \(Self.mostNodes) values")
                    return nil
                }
                return tree
            } catch YamlError.duplicatedKeysInMapping(let names, let context) where renamed.count < Self.mostRepairs {
                guard let repaired = rename(names, at: context.mark, in: text) else {
                    complaints.add(
                        .yamlRepeatedKey, Mark(line: context.mark.line, column: context.mark.column),
                        "the key \"\(names.first ?? "")\" is given twice", "remove one of them")
                    return nil
                }
                text = repaired
            } catch {
                let mistake = YAMLSyntax.mistake(error, source)
                complaints.add(mistake.code, mistake.mark, mistake.message, mistake.suggestion)
                return nil
            }
        }
    }

    /// Replaces the key at a mark by a stand-in of the same length. nil if the text there is not the key as it is.
    private mutating func rename(_ names: [String], at mark: Yams.Mark, in text: String) -> String? {
        var scalars = Array(text.unicodeScalars)
        var line = 1
        var index = 0
        while line < mark.line, index < scalars.count {
            if scalars[index] == "\n"
                || (scalars[index] == "\r" && (index + 1 == scalars.count || scalars[index + 1] != "\n"))
            {
                line += 1
            }
            index += 1
        }
        index += mark.column - 1
        if index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        for name in names {
            let wanted = Array(name.unicodeScalars)
            guard !wanted.isEmpty, index + wanted.count <= scalars.count,
                scalars[index..<index + wanted.count].elementsEqual(wanted),
                let standIn = Unicode.Scalar(Self.firstStandIn + UInt32(renamed.count))
            else { continue }
            for offset in wanted.indices { scalars[index + offset] = standIn }
            renamed[standIn] = name
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            return String(view)
        }
        return nil
    }

    private mutating func tree(_ node: Node) -> Tree? {
        nodes += 1
        guard nodes <= Self.mostNodes else { return nil }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return Tree(
                mark: mark(scalar), value: .scalar(.init(raw: scalar.string, text: scalar.string, isPlain: isPlain)))
        case .sequence(let sequence):
            var items: [Tree] = []
            for item in sequence {
                guard let tree = tree(item) else { return nil }
                items.append(tree)
            }
            return Tree(mark: place(sequence.mark), value: .list(items))
        case .mapping(let mapping):
            var entries: [Tree.Entry] = []
            for (key, value) in mapping {
                guard let tree = tree(value) else { return nil }
                var name = key.scalar?.string ?? ""
                if let first = name.unicodeScalars.first, let real = renamed[first] { name = real }
                var keyMark = key.scalar.map { mark($0) } ?? place(key.mark)
                keyMark.length = max(keyMark.length, name.unicodeScalars.count)
                entries.append(Tree.Entry(key: name, keyMark: keyMark, value: tree))
            }
            return Tree(mark: place(mapping.mark), value: .mapping(entries))
        case .alias(let alias):
            return Tree(mark: place(alias.mark), value: .scalar(.init(raw: "", text: "", isPlain: true)))
        }
    }

    private func place(_ mark: Yams.Mark?) -> Mark {
        Mark(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    private func mark(_ scalar: Node.Scalar) -> Mark {
        let start = place(scalar.mark)
        let isPlain = scalar.style == .plain || scalar.style == .any
        return source.mark(line: start.line, column: start.column, plainText: isPlain ? scalar.string : nil)
    }
}

/// Depth of nesting, measured from above before a recursive parser sees the text. Brackets and indentation inside
/// quoted text count too; nobody goes that deep in either.
enum Nesting {
    static let deepest = 200

    static func depth(_ text: String) -> Int {
        var open = 0
        var deepest = 0
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            // A block opens at most one level a column: `- - - -` opens a list with every dash.
            deepest = max(deepest, line.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "-") }.count)
            for byte in line {
                if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") {
                    open += 1
                    deepest = max(deepest, open)
                } else if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
                    open = max(0, open - 1)
                }
            }
        }
        return deepest
    }
}

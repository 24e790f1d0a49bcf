import Packing
import Runs

/// What `pack --plan` says about a model's local layers: what they see of the windows, and what that took.
struct LocalNote {
    private let view: LocalView
    private let cuts: ChunkCuts?
    private let split: Int
    /// Tokens behind the documents.
    private let tail: Int
    /// The same documents without regard to edges.
    private let plain: (cuts: ChunkCuts, windows: Int)?
    private let tokens: Int

    /// - Returns: nil where every layer sees everything.
    init?(_ packed: PackedCorpus, _ view: LocalView, tail: Int, plain: PackedCorpus?) {
        guard view.chunk != nil || view.window != nil else { return nil }
        self.view = view
        self.tail = tail
        cuts = packed.cuts
        split = packed.ledger.split
        self.plain = plain.flatMap { plain in plain.cuts.map { ($0, plain.windows.count) } }
        tokens = packed.windows.reduce(0) { $0 + $1.tokens.count }
    }

    var text: String {
        var text = ""
        if let window = view.window {
            text += "local layers see \(Format.count(window)) tokens: passages fit"
            if split > 0 { text += ", \(split) of them in parts" }
            if tail > window { text += "; what follows the documents, \(Format.count(tail)) tokens, does not" }
            text += "\n"
        }
        guard let chunk = view.chunk else { return text }
        text += "local layers see aligned chunks of \(Format.count(chunk)) tokens: "
        guard let cuts, cuts.edges > 0 else { return text + "no edge in a window\n" }
        text += "\(Format.plural(cuts.edges, "edge")), which cut \(Self.cut(cuts))\n"
        if let plain {
            text +=
                "  without alignment \(Self.cut(plain.cuts)) in \(Format.plural(plain.windows, "window")); it takes "
                + "\(Format.plural(cuts.padding, "token")) (\(Format.decimal(Double(cuts.padding) / Double(max(tokens, 1)) * 100, 1)) %)\n"
        }
        return text
    }

    private static func cut(_ cuts: ChunkCuts) -> String {
        var parts = [Format.plural(cuts.documents, "document"), Format.plural(cuts.passages, "passage")]
        if cuts.questions > 0 { parts.append(Format.plural(cuts.questions, "question")) }
        return parts.joined(separator: ", ")
    }

    var record: JSONValue {
        .fields([
            "window": view.window.map { .int($0) } ?? .null, "chunk": view.chunk.map { .int($0) } ?? .null,
            "cut": cuts.map(Self.record) ?? .null, "cut_without_alignment": plain.map { Self.record($0.cuts) } ?? .null,
        ])
    }

    private static func record(_ cuts: ChunkCuts) -> JSONValue {
        .fields([
            "edges": .int(cuts.edges), "documents": .int(cuts.documents), "passages": .int(cuts.passages),
            "questions": .int(cuts.questions), "padding": .int(cuts.padding),
        ])
    }
}

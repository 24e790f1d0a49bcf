// Vocabularies of the right size for files with random weights: the special tokens of the family where they belong,
// single bytes and characters, some merges, and made-up words for the rest. Nobody was trained on them.

import Weights

enum SyntheticVocabulary {
    static let gemma4Size = 262_144
    static let llama4Size = 202_048

    private static let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(UnicodeScalar($0)) }

    /// Token kinds as GGUF numbers them.
    private enum Kind: Int32 {
        case normal = 1
        case unknown = 2
        case control = 3
        case userDefined = 4
        case byte = 6
    }

    /// Tokens under construction: fixed ones by id, the others in the free places.
    private struct Table {
        var tokens: [String?]
        var kinds: [Kind]
        private var known: Set<String> = []
        private var next = 0

        init(count: Int) {
            tokens = Array(repeating: nil, count: count)
            kinds = Array(repeating: .normal, count: count)
        }

        mutating func set(_ id: Int, _ token: String, _ kind: Kind) {
            tokens[id] = token
            kinds[id] = kind
            known.insert(token)
        }

        /// Puts a token in the first free place, once.
        mutating func append(_ token: String) {
            while next < tokens.count, tokens[next] != nil { next += 1 }
            guard next < tokens.count, known.insert(token).inserted else { return }
            tokens[next] = token
        }

        /// Fills what is left below an id with a space and four letters.
        mutating func fill(upTo end: Int, space: String) {
            var number = 0
            for id in 0..<end where tokens[id] == nil {
                var rest = number
                var word = ""
                for _ in 0..<4 {
                    word += SyntheticVocabulary.letters[rest % 26]
                    rest /= 26
                }
                tokens[id] = space + word
                number += 1
            }
        }

        var pairs: [(key: String, value: MetadataValue)] {
            [
                ("tokenizer.ggml.tokens", .array(tokens.map { .text($0 ?? "") })),
                ("tokenizer.ggml.token_type", .array(kinds.map { .int32($0.rawValue) })),
            ]
        }
    }

    /// Pairs of letters, with and without a space before: pieces and their merges, in order of rank.
    private static func merges(space: String) -> (pieces: [String], merges: [String]) {
        var pieces: [String] = []
        var merges: [String] = []
        func merge(_ left: String, _ right: String) {
            pieces.append(left + right)
            merges.append("\(left) \(right)")
        }
        for first in letters { merge(space, first) }
        for first in letters { for second in letters { merge(first, second) } }
        for first in letters { for second in letters { merge(space + first, second) } }
        return (pieces, merges)
    }

    static func gemma4() -> [(key: String, value: MetadataValue)] {
        var table = Table(count: gemma4Size)
        let controls = [
            (0, "<pad>"), (1, "<eos>"), (2, "<bos>"), (4, "<mask>"), (105, "<|turn>"), (106, "<turn|>"),
            (255_999, "<|image>"), (256_000, "<|audio>"), (258_880, "<|image|>"), (258_881, "<|audio|>"),
            (258_882, "<image|>"), (258_883, "<audio|>"), (258_884, "<|video|>"),
        ]
        for (id, token) in controls { table.set(id, token, .control) }
        table.set(3, "<unk>", .unknown)
        table.set(50, "<|tool_response>", .userDefined)
        table.set(107, "\n", .normal)
        let digits = Array("0123456789ABCDEF")
        for byte in 0..<256 { table.set(238 + byte, "<0x\(digits[byte / 16])\(digits[byte % 16])>", .byte) }
        table.append("▁")
        for scalar in 0x21...0x7E { table.append(String(UnicodeScalar(UInt8(scalar)))) }
        let (pieces, merges) = merges(space: "▁")
        for piece in pieces { table.append(piece) }
        table.fill(upTo: gemma4Size, space: "▁")
        return [("tokenizer.ggml.model", .text("gemma4"))] + table.pairs + [
            ("tokenizer.ggml.scores", .array(Array(repeating: .float32(-1000), count: gemma4Size))),
            ("tokenizer.ggml.merges", .array(merges.map { .text($0) })),
            ("tokenizer.ggml.bos_token_id", .uint32(2)), ("tokenizer.ggml.eos_token_id", .uint32(1)),
            ("tokenizer.ggml.eot_token_id", .uint32(106)), ("tokenizer.ggml.unknown_token_id", .uint32(3)),
            ("tokenizer.ggml.padding_token_id", .uint32(0)), ("tokenizer.ggml.add_bos_token", .bool(true)),
            ("tokenizer.ggml.add_space_prefix", .bool(false)),
        ]
    }

    static func llama4() -> [(key: String, value: MetadataValue)] {
        var table = Table(count: llama4Size)
        let names = [
            0: "begin_of_text", 1: "end_of_text", 2: "fim_prefix", 3: "fim_middle", 4: "fim_suffix",
            5: "header_start", 6: "header_end", 7: "eom", 8: "eot", 9: "step", 16: "python_start", 17: "python_end",
            18: "finetune_right_pad", 80: "image_start", 81: "image_end", 84: "tile_x_separator",
            85: "tile_y_separator", 90: "image", 92: "patch",
        ]
        for offset in 0..<2048 {
            table.set(200_000 + offset, "<|\(names[offset] ?? "reserved_special_token_\(offset)")|>", .control)
        }
        for byte in 0..<256 { table.append(byteLetter(UInt8(byte))) }
        let space = byteLetter(0x20)
        let (pieces, merges) = merges(space: space)
        for piece in pieces { table.append(piece) }
        table.fill(upTo: 200_000, space: space)
        return [("tokenizer.ggml.model", .text("gpt2")), ("tokenizer.ggml.pre", .text("llama4"))] + table.pairs + [
            ("tokenizer.ggml.merges", .array(merges.map { .text($0) })),
            ("tokenizer.ggml.bos_token_id", .uint32(200_000)), ("tokenizer.ggml.eos_token_id", .uint32(200_008)),
            ("tokenizer.ggml.eot_token_id", .uint32(200_008)), ("tokenizer.ggml.eom_token_id", .uint32(200_007)),
            ("tokenizer.ggml.padding_token_id", .uint32(200_018)), ("tokenizer.ggml.add_bos_token", .bool(true)),
        ]
    }

    /// A byte as GPT-2's alphabet writes it: printable ones as they are, the others from U+0100 on.
    private static func byteLetter(_ byte: UInt8) -> String {
        func isPrintable(_ byte: UInt8) -> Bool {
            (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
        }
        if isPrintable(byte) { return String(UnicodeScalar(byte)) }
        let before = (0..<byte).count { !isPrintable($0) }
        return UnicodeScalar(UInt32(0x100 + before)).map { String($0) } ?? ""
    }
}

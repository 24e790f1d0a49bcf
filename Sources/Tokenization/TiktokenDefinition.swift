// Rank files of tiktoken: one token and its rank a line, nothing else. The pattern and the special tokens live in other
// people's code, so only vocabularies that are known from their size are taken.

extension TokenizerDefinition {
    /// Whether bytes may be a rank file: a word of base64, a space, a number.
    package static func isTiktoken(_ bytes: [UInt8]) -> Bool {
        guard let end = bytes.prefix(4096).firstIndex(of: 0x0A) else { return false }
        let words = bytes[..<end].split(separator: 0x20)
        return words.count == 2 && Base64.decode(words[0]) != nil && words[1].allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Reads the ranks of Llama 3 or Llama 4, as Meta publishes them under the name tokenizer.model.
    package init(tiktoken bytes: [UInt8]) throws(TokenizerError) {
        var ranked: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            let end = bytes[offset...].firstIndex(of: 0x0A) ?? bytes.count
            let words = bytes[offset..<end].split { $0 == 0x20 || $0 == 0x0D }
            if !words.isEmpty {
                guard words.count == 2, let token = Base64.decode(words[0]), !token.isEmpty,
                    Int(String(decoding: words[1], as: UTF8.self)) == ranked.count
                else {
                    throw .malformed(
                        file: "tokenizer.model", offset: offset, reason: "expected a token and the rank \(ranked.count)"
                    )
                }
                ranked.append(token)
            }
            offset = end + 1
        }
        let specials: [(name: String, numbers: Range<Int>?)]
        switch ranked.count {
        case 128_000: (self.model, specials, ignoresMerges) = (.byteLevel(.llama3), Self.llama3Specials, true)
        case 200_000: (self.model, specials, ignoresMerges) = (.byteLevel(.o200k), Self.llama4Specials, false)
        default: throw .unsupported(key: "tiktoken ranks", value: "\(ranked.count), not Llama 3's or Llama 4's")
        }
        merges = Self.merges(ranked)
        tokens = ByteStrings()
        kinds = []
        for token in ranked {
            tokens.append(ByteAlphabet.encode(token))
            kinds.append(.normal)
        }
        for (name, numbers) in specials {
            for number in numbers.map({ $0.map { "\($0)" } }) ?? [""] {
                tokens.append("<|\(name)\(number)|>".utf8)
                kinds.append(.control)
            }
        }
        scores = []
        normalizesToNFC = false
        bos = Int32(ranked.count)
        addsBOS = true
        stopTokens = []
        for id in ranked.count..<tokens.count where Self.stopNames.contains(tokens.string(id)) {
            stopTokens.insert(Int32(id))
        }
        eos = Int32(ranked.count) + 1
    }

    /// Every way to make a token of two others, by the token's rank: tiktoken joins the pair whose whole has the lowest.
    private static func merges(_ ranked: [[UInt8]]) -> ByteStrings {
        var strings = ByteStrings()
        strings.reserve(bytes: ranked.reduce(0) { $0 + $1.count }, count: ranked.count)
        for token in ranked { strings.append(token) }
        let index = ByteStringIndex(StringTable(strings)) { _ in true }
        var merges = ByteStrings()
        var pairs: [(left: Int32, right: Int32)] = []
        for token in ranked where token.count > 1 {
            pairs.removeAll(keepingCapacity: true)
            token.withTextView { text in
                for border in 1..<text.count {
                    let left = index.find(text, 0..<border)
                    if left < 0 { continue }
                    let right = index.find(text, border..<text.count)
                    if right >= 0 { pairs.append((left, right)) }
                }
            }
            pairs.sort { ($0.left, $0.right) < ($1.left, $1.right) }
            for pair in pairs {
                merges.append(
                    ByteAlphabet.encode(ranked[Int(pair.left)]) + [0x20] + ByteAlphabet.encode(ranked[Int(pair.right)]))
            }
        }
        return merges
    }

    private static let llama3Specials: [(name: String, numbers: Range<Int>?)] = [
        ("begin_of_text", nil), ("end_of_text", nil), ("reserved_special_token_", 0..<2),
        ("finetune_right_pad_id", nil),
        ("step_id", nil), ("start_header_id", nil), ("end_header_id", nil), ("eom_id", nil), ("eot_id", nil),
        ("python_tag", nil), ("image", nil), ("reserved_special_token_", 2..<246),
    ]

    private static let llama4Specials: [(name: String, numbers: Range<Int>?)] = [
        ("begin_of_text", nil), ("end_of_text", nil), ("fim_prefix", nil), ("fim_middle", nil), ("fim_suffix", nil),
        ("header_start", nil), ("header_end", nil), ("eom", nil), ("eot", nil), ("step", nil),
        ("text_post_train_reserved_special_token_", 0..<6), ("python_start", nil), ("python_end", nil),
        ("finetune_right_pad", nil), ("text_post_train_reserved_special_token_", 8..<69), ("image_start", nil),
        ("image_end", nil), ("vision_reserved_special_token_", 0..<2), ("tile_x_separator", nil),
        ("tile_y_separator", nil), ("vision_reserved_special_token_", 2..<6), ("image", nil),
        ("vision_reserved_special_token_", 6..<7), ("patch", nil), ("vision_reserved_special_token_", 7..<1048),
        ("reasoning_reserved_special_token_", 0..<8), ("reasoning_thinking_start", nil),
        ("reasoning_thinking_end", nil), ("reserved_special_token_", 0..<904),
    ]
}

/// RFC 4648, with or without padding.
package enum Base64 {
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, letter) in letters.utf8.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    /// The bytes that a word stands for; nil where it is none.
    package static func decode(_ word: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        for letter in word {
            if letter == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = values[Int(letter)]
            guard value != 0xFF, padding == 0 else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count == 4 {
                result.append(UInt8(truncatingIfNeeded: bits >> 16))
                result.append(UInt8(truncatingIfNeeded: bits >> 8))
                result.append(UInt8(truncatingIfNeeded: bits))
                (bits, count) = (0, 0)
            }
        }
        guard padding <= 2, count != 1, padding == 0 || count + padding == 4 else { return nil }
        if count == 2 { result.append(UInt8(truncatingIfNeeded: bits >> 4)) }
        if count == 3 {
            result.append(UInt8(truncatingIfNeeded: bits >> 10))
            result.append(UInt8(truncatingIfNeeded: bits >> 2))
        }
        return result
    }
}

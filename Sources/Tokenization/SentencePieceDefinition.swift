// SentencePiece's own files, tokenizer.model: a message of protocol buffers with all pieces and how text is treated.

extension TokenizerDefinition {
    /// Reads a BPE model that neither changes characters nor puts a space before texts, as Gemma's are.
    package init(sentencePiece bytes: [UInt8]) throws(TokenizerError) {
        model = .scored
        tokens = ByteStrings()
        kinds = []
        scores = []
        merges = ByteStrings()
        normalizesToNFC = false
        ignoresMerges = false
        addsBOS = true
        stopTokens = []
        var isBPE = false
        var fallsBackToBytes = false
        // The numbers that the format gives where the file says nothing.
        var ids = (unknown: 0, bos: 1, eos: 2, padding: -1)
        var normalizer = (addsPrefix: true, removesSpaces: true, escapesSpaces: true, map: 0)
        var reader = ProtobufReader(bytes[...])
        while let field = try reader.next() {
            switch field {
            case .bytes(1, let piece): try append(piece)
            case .bytes(2, let trainer):
                var reader = ProtobufReader(trainer)
                while let field = try reader.next() {
                    switch field {
                    case .number(3, let value): isBPE = value == 2
                    case .number(35, let value): fallsBackToBytes = value != 0
                    case .number(40, let value): ids.unknown = Int(truncatingIfNeeded: value)
                    case .number(41, let value): ids.bos = Int(truncatingIfNeeded: value)
                    case .number(42, let value): ids.eos = Int(truncatingIfNeeded: value)
                    case .number(43, let value): ids.padding = Int(truncatingIfNeeded: value)
                    default: break
                    }
                }
            case .bytes(3, let settings):
                var reader = ProtobufReader(settings)
                while let field = try reader.next() {
                    switch field {
                    case .bytes(2, let map): normalizer.map = map.count
                    case .number(3, let value): normalizer.addsPrefix = value != 0
                    case .number(4, let value): normalizer.removesSpaces = value != 0
                    case .number(5, let value): normalizer.escapesSpaces = value != 0
                    default: break
                    }
                }
            default: break
            }
        }
        guard isBPE else { throw .unsupported(key: "trainer_spec.model_type", value: "no BPE") }
        guard fallsBackToBytes else { throw .unsupported(key: "trainer_spec.byte_fallback", value: "false") }
        guard normalizer.map == 0 else {
            throw .unsupported(key: "normalizer_spec.precompiled_charsmap", value: "\(normalizer.map) bytes")
        }
        guard !normalizer.removesSpaces else {
            throw .unsupported(key: "normalizer_spec.remove_extra_whitespaces", value: "true")
        }
        guard normalizer.escapesSpaces else {
            throw .unsupported(key: "normalizer_spec.escape_whitespaces", value: "false")
        }
        guard !normalizer.addsPrefix else {
            throw .unsupported(key: "normalizer_spec.add_dummy_prefix", value: "true")
        }
        func id(_ value: Int) -> Int32? { tokens.count > value && value >= 0 ? Int32(value) : nil }
        (unknown, bos, eos, padding) = (id(ids.unknown), id(ids.bos), id(ids.eos), id(ids.padding))
        if let eos { stopTokens.insert(eos) }
        for id in kinds.indices where kinds[id] == .control || kinds[id] == .userDefined {
            if Self.stopNames.contains(tokens.string(id)) { stopTokens.insert(Int32(id)) }
        }
        addsBOS = bos != nil
    }

    private mutating func append(_ message: ArraySlice<UInt8>) throws(TokenizerError) {
        var name: ArraySlice<UInt8> = []
        var score: Float = 0
        var kind = TokenKind.normal
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            switch field {
            case .bytes(1, let text): name = text
            case .word(2, let bits): score = Float(bitPattern: bits)
            case .number(3, let value):
                guard let known = UInt8(exactly: value).flatMap(TokenKind.init(rawValue:)) else {
                    throw .inconsistent("token \(tokens.count) has the type \(value)")
                }
                kind = known
            default: break
            }
        }
        tokens.append(name)
        scores.append(score)
        kinds.append(kind)
    }
}

/// Reads the fields of one message in the order of the file.
private struct ProtobufReader {
    enum Field {
        case number(Int, UInt64)
        case word(Int, UInt32)
        case bytes(Int, ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>

    init(_ message: ArraySlice<UInt8>) { rest = message }

    private func failure(_ reason: String) -> TokenizerError {
        .malformed(file: "tokenizer.model", offset: rest.startIndex, reason: reason)
    }

    mutating func next() throws(TokenizerError) -> Field? {
        if rest.isEmpty { return nil }
        let key = try number()
        guard let field = Int(exactly: key >> 3), field > 0 else { throw failure("a field without a number") }
        switch key & 7 {
        case 0: return .number(field, try number())
        case 1:
            _ = try take(8)
            return try next()
        case 2:
            let count = try number()
            guard let count = Int(exactly: count) else { throw failure("a field that is too long") }
            return .bytes(field, try take(count))
        case 5:
            return .word(field, try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
        default: throw failure("a field of an unknown kind")
        }
    }

    private mutating func take(_ count: Int) throws(TokenizerError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw failure("the file is not whole") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func number() throws(TokenizerError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw failure("the file is not whole") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw failure("a number that is too long")
    }
}

// The large tables of a Hugging Face tokenizer.json, its vocabulary and merges, read without a tree.

/// The member `model` of a file, as far as it is BPE.
struct HuggingFaceModel {
    /// Entries in the order of the file, and the id of each.
    var names = ByteStrings()
    var ids: [Int32] = []
    /// `left right`, by rank.
    var merges = ByteStrings()
    var ignoresMerges = false
    var fallsBackToBytes = false
    var unknown: [UInt8]?

    /// More rows than any model has; ids beyond would only cost memory.
    static let mostRows = 1 << 22

    /// - Parameter reader: stands before the member's value.
    init(_ reader: inout JSONReader) throws(TokenizerError) {
        var key: [UInt8] = []
        var hasMerges = false
        try reader.beginObject()
        while try reader.nextKey(&key) {
            switch String(decoding: key, as: UTF8.self) {
            case "vocab": try readVocabulary(&reader)
            case "merges":
                hasMerges = true
                try readMerges(&reader)
            case "type":
                let type = try reader.value()
                guard type.is("BPE") else { throw .unsupported(key: "model.type", value: type.summary) }
            case "ignore_merges": ignoresMerges = try reader.value().boolean ?? false
            case "byte_fallback": fallsBackToBytes = try reader.value().boolean ?? false
            case "unk_token": unknown = try reader.value().bytes
            case let name where ["dropout", "continuing_subword_prefix", "end_of_word_suffix"].contains(name):
                let value = try reader.value()
                guard [.null, .string([]), .integer(0), .real(0)].contains(value) else {
                    throw .unsupported(key: "model.\(name)", value: value.summary)
                }
            // `fuse_unk` joins neighbours without a token, which byte models don't have.
            default: _ = try reader.value()
            }
        }
        guard !ids.isEmpty else { throw .missing(key: "model.vocab") }
        guard hasMerges else { throw .missing(key: "model.merges") }
    }

    private mutating func readVocabulary(_ reader: inout JSONReader) throws(TokenizerError) {
        guard reader.peek() == UInt8(ascii: "{") else { throw .unsupported(key: "model.vocab", value: "an array") }
        var key: [UInt8] = []
        try reader.beginObject()
        while try reader.nextKey(&key) {
            let id = try reader.integer()
            guard (0..<Self.mostRows).contains(id) else {
                throw .unsupported(key: "model.vocab", value: "the id \(id)")
            }
            names.append(key)
            ids.append(Int32(id))
        }
    }

    private mutating func readMerges(_ reader: inout JSONReader) throws(TokenizerError) {
        var merge: [UInt8] = []
        try reader.beginArray()
        while try reader.nextElement() {
            merge.removeAll(keepingCapacity: true)
            if reader.peek() == UInt8(ascii: "[") {
                try reader.beginArray()
                var parts = 0
                while try reader.nextElement() {
                    if parts > 0 { merge.append(0x20) }
                    let start = merge.count
                    try reader.string(appendingTo: &merge)
                    guard !merge[start...].contains(0x20) else {
                        throw .unsupported(key: "model.merges[\(merges.count)]", value: "a space inside of a part")
                    }
                    parts += 1
                }
                guard parts == 2 else { throw .inconsistent("merge \(merges.count) is no pair") }
            } else {
                try reader.string(appendingTo: &merge)
            }
            merges.append(merge)
        }
    }
}

/// An entry of `added_tokens`.
struct HuggingFaceAddedToken {
    var id: Int32
    var content: [UInt8]
    var isSpecial: Bool
    var trimming: TokenizerDefinition.Trimming

    /// All entries. Whether one is matched before or after normalization (`normalized`) makes no difference for the
    /// normalizers that are supported, since no marker holds a character that they change.
    static func all(_ value: JSONValue?) throws(TokenizerError) -> [HuggingFaceAddedToken] {
        var result: [HuggingFaceAddedToken] = []
        for (index, entry) in (value?.elements ?? []).enumerated() {
            let path = "added_tokens[\(index)]"
            guard let id = entry["id"]?.integer else { throw .missing(key: path + ".id") }
            guard (0..<HuggingFaceModel.mostRows).contains(id) else {
                throw .unsupported(key: path + ".id", value: "\(id)")
            }
            guard let content = entry["content"]?.bytes else { throw .missing(key: path + ".content") }
            if entry["single_word"]?.boolean == true { throw .unsupported(key: path + ".single_word", value: "true") }
            result.append(
                HuggingFaceAddedToken(
                    id: Int32(id), content: content, isSpecial: entry["special"]?.boolean ?? false,
                    trimming: .init(
                        before: entry["lstrip"]?.boolean ?? false, after: entry["rstrip"]?.boolean ?? false)))
        }
        return result
    }
}

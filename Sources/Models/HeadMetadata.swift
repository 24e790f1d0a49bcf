import KVCache

extension ModelMetadata {
    /// Query heads, key-value heads and their size; without a size of its own, the width is shared out.
    func heads(embeddingLength: Int) throws(ModelError) -> HeadShape {
        let queryHeads = try size("attention.head_count")
        let keyValueHeads = try optionalSize("attention.head_count_kv") ?? queryHeads
        try require(
            queryHeads % keyValueHeads == 0, "attention.head_count_kv", keyValueHeads,
            "it does not divide the \(queryHeads) query heads")
        let size: Int
        if let length = try optionalSize("attention.key_length") {
            size = length
        } else {
            try require(
                embeddingLength % queryHeads == 0, "attention.head_count", queryHeads,
                "it does not divide the width of \(embeddingLength)")
            size = embeddingLength / queryHeads
        }
        let values = try optionalSize("attention.value_length") ?? size
        try require(values == size, "attention.value_length", values, "keys have \(size) elements, values must too")
        try require(size % 2 == 0, "attention.key_length", size, "it must be even")
        return HeadShape(queryHeads: queryHeads, keyValueHeads: keyValueHeads, size: size)
    }
}

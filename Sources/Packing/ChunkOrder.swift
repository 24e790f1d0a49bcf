/// An order of documents in which as few as possible lie across the edges of chunks.
///
/// Chunk by chunk, the documents are taken that fill it best. Where they would leave more than filler may take, one of
/// them has to lie across the edge: the longest one left, which takes the most edges upon itself.
enum ChunkOrder {
    /// Documents that are considered for a chunk: more hardly fill it better, and each costs a step for every token.
    private static let mostCandidates = 96

    /// The positions of `sizes` in order; of orders that are as good, one near to that given.
    ///
    /// - Parameter start: tokens before the first document.
    static func order(_ sizes: [Int], chunk: Int, start: Int) -> [Int] {
        var rest = Array(sizes.indices)
        var order: [Int] = []
        var at = start
        func take(_ item: Int) {
            order.append(item)
            at += sizes[item]
            rest.removeAll { $0 == item }
        }
        while !rest.isEmpty {
            let room = chunk - at % chunk
            if rest.reduce(0, { $0 + sizes[$1] }) <= room { return order + rest }
            let filling = fullest(rest.filter { sizes[$0] <= room }.prefix(mostCandidates), sizes, room)
            for item in filling { take(item) }
            let left = (chunk - at % chunk) % chunk
            if left <= ChunkAlignment.most(chunk: chunk), left > 0 || !filling.isEmpty {
                at += left
            } else if let longest = rest.max(by: { (sizes[$0], $1) < (sizes[$1], $0) }) {
                take(longest)
            }
        }
        return order
    }

    /// Items whose sizes come as near to `room` as any can, without going over it.
    private static func fullest(_ items: some Sequence<Int>, _ sizes: [Int], _ room: Int) -> [Int] {
        /// By sum: the item that reached it first, or -1; 0 is reached by none.
        var last = [Int](repeating: -1, count: room + 1)
        var best = 0
        for item in items where best < room {
            let size = max(sizes[item], 1)
            guard size <= room else { continue }
            // Downwards, so that no item counts twice.
            for sum in stride(from: room, through: size, by: -1)
            where last[sum] < 0 && (sum == size || last[sum - size] >= 0) {
                last[sum] = item
                best = max(best, sum)
            }
        }
        var taken: [Int] = []
        while best > 0 {
            taken.append(last[best])
            best -= max(sizes[last[best]], 1)
        }
        return taken.sorted()
    }
}

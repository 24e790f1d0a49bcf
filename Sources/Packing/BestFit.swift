/// Best-fit decreasing: the largest item first, each into the bin that it leaves least room in. At most 11/9 of the
/// fewest bins, and one (D. S. Johnson, Near-optimal bin packing algorithms, 1973).
enum BestFit {
    /// The items of each bin, in order of items; bins in order of their first items. Every size is at most `capacity`.
    ///
    /// Items of one size are taken in their order, and of bins with the same room the one opened first: the result
    /// depends on nothing but the sizes and their order. O(n log n + n · bins / 8) for n items.
    static func bins(_ sizes: [Int], capacity: Int) -> [[Int]] {
        var bins: [[Int]] = []
        /// Bins that have room, by room and then by number.
        var rooms: [(room: Int, bin: Int)] = []
        func place(_ room: Int, _ bin: Int) {
            rooms.insert((room, bin), at: lowerBound(rooms, (room, bin)))
        }
        for item in sizes.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
            let at = lowerBound(rooms, (sizes[item], 0))
            if at < rooms.count {
                let found = rooms.remove(at: at)
                bins[found.bin].append(item)
                place(found.room - sizes[item], found.bin)
            } else {
                bins.append([item])
                place(capacity - sizes[item], bins.count - 1)
            }
        }
        return bins.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    }

    private static func lowerBound(_ rooms: [(room: Int, bin: Int)], _ key: (room: Int, bin: Int)) -> Int {
        var low = 0
        var high = rooms.count
        while low < high {
            let middle = (low + high) / 2
            if rooms[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

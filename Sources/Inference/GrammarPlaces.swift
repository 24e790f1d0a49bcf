// A grammar as places with transitions between them: Thompson's construction, and the classes of bytes that the grammar
// tells apart. `GrammarAutomaton` walks them.

/// The nondeterministic automaton of one grammar.
struct GrammarPlaces {
    /// Bounds the memory of a hostile or careless grammar.
    static let maximum = 100_000

    /// A place in the grammar: either one byte of a class leads on, or several places are reached at once.
    struct Place {
        var accepts: ByteClass?
        /// Where the byte leads; with `accepts == nil`, what is reached without a byte.
        var next: [Int32] = []
    }

    /// Place 0 is the end of the language: nothing leads on from it.
    private(set) var places = [Place()]
    private(set) var start: Int32 = 0
    /// Places from which the end can be reached; the others lead to no text and count as dead.
    private(set) var useful: [Bool] = []
    /// By byte: bytes of one class lead the same way everywhere.
    private(set) var classOfByte = [UInt8](repeating: 0, count: 256)
    /// One byte of each class.
    private(set) var representatives: [UInt8] = []
    /// How many bytes each class has.
    private(set) var classSizes: [Int] = []

    init(_ grammar: Grammar) throws(EngineError) {
        start = try add(grammar.node, before: 0)
        useful = leadingToEnd()
        classifyBytes()
    }

    /// Adds the places of a node that go on to `end`, and returns where it begins.
    private mutating func add(_ node: Grammar.Node, before end: Int32) throws(EngineError) -> Int32 {
        guard places.count < Self.maximum else { throw .grammar("It has more than \(Self.maximum) states.") }
        switch node {
        case .bytes(let set): return append(Place(accepts: set, next: [end]))
        case .sequence(let parts):
            var next = end
            for part in parts.reversed() { next = try add(part, before: next) }
            return next
        case .choice(let alternatives):
            var starts: [Int32] = []
            for alternative in alternatives { starts.append(try add(alternative, before: end)) }
            return append(Place(next: starts))
        case .repetition(let body, let min, let max): return try add(body, min: min, max: max, before: end)
        case .list(let items, let separator):
            // Where the rest of the list begins: with nothing written yet, and with something.
            var (fresh, after) = (end, end)
            for item in items.reversed() {
                let start = try add(item.node, before: after)
                let separated = try add(separator, before: start)
                fresh = item.isRequired ? start : append(Place(next: [start, fresh]))
                after = item.isRequired ? separated : append(Place(next: [separated, after]))
            }
            return fresh
        case .separated(let item, let separator, let min, let max):
            return try add(item, separator: separator, min: min, max: max, before: end)
        }
    }

    private mutating func add(
        _ body: Grammar.Node, min: Int, max: Int?, before end: Int32
    ) throws(EngineError) -> Int32 {
        var next = end
        if let max {
            for _ in min..<max {
                // Each further round may be left out, and all after it: straight to the end.
                next = append(Place(next: [try add(body, before: next), end]))
            }
        } else {
            next = append(Place())
            places[Int(next)].next = [try add(body, before: next), end]
        }
        for _ in 0..<min { next = try add(body, before: next) }
        return next
    }

    private mutating func add(
        _ item: Grammar.Node, separator: Grammar.Node, min: Int, max: Int?, before end: Int32
    ) throws(EngineError) -> Int32 {
        if max == 0 { return end }
        // Rounds from the last to the first; without a limit the last one is a loop.
        var first: Int32
        if let max {
            first = try add(item, before: end)
            for round in (1..<max).reversed() {
                let separated = try add(separator, before: first)
                let next = round >= min ? append(Place(next: [separated, end])) : separated
                first = try add(item, before: next)
            }
        } else {
            let loop = append(Place())
            first = try add(item, before: loop)
            places[Int(loop)].next = [try add(separator, before: first), end]
            for _ in 1..<Swift.max(min, 1) { first = try add(item, before: add(separator, before: first)) }
        }
        return min == 0 ? append(Place(next: [first, end])) : first
    }

    private mutating func append(_ place: Place) -> Int32 {
        places.append(place)
        return Int32(places.count - 1)
    }

    /// For each place whether some text leads from it to the end.
    private func leadingToEnd() -> [Bool] {
        var sources: [[Int32]] = places.map { _ in [] }
        for (place, entry) in places.enumerated() {
            for next in entry.next { sources[Int(next)].append(Int32(place)) }
        }
        var useful = places.map { _ in false }
        var open: [Int32] = [0]
        useful[0] = true
        while let place = open.popLast() {
            for source in sources[Int(place)] where !useful[Int(source)] {
                // A class without bytes leads nowhere.
                if let accepts = places[Int(source)].accepts, accepts.isEmpty { continue }
                useful[Int(source)] = true
                open.append(source)
            }
        }
        return useful
    }

    /// Splits the 256 bytes by every set of bytes in the grammar.
    private mutating func classifyBytes() {
        var count = 1
        var seen: Set<ByteClass> = []
        for case let set? in places.map(\.accepts) where count < 256 && seen.insert(set).inserted {
            // Bytes of a class that are in the set part from those that are not.
            var moved: [UInt8: UInt8] = [:]
            let sizes = (0..<count).map { index in classOfByte.count { $0 == UInt8(index) } }
            var inside = [Int](repeating: 0, count: count)
            for byte in 0..<256 where set.contains(UInt8(byte)) { inside[Int(classOfByte[byte])] += 1 }
            for index in 0..<count where inside[index] > 0 && inside[index] < sizes[index] {
                moved[UInt8(index)] = UInt8(count)
                count += 1
            }
            for byte in 0..<256 where set.contains(UInt8(byte)) {
                classOfByte[byte] = moved[classOfByte[byte]] ?? classOfByte[byte]
            }
        }
        classSizes = (0..<count).map { index in classOfByte.count { $0 == UInt8(index) } }
        representatives = (0..<count).map { index in UInt8(classOfByte.firstIndex(of: UInt8(index)) ?? 0) }
    }
}

// Compiles a grammar to an automaton over bytes: Thompson's construction, made deterministic only where it is walked.
//
// A state of the deterministic automaton is a set of places in the grammar. States and their 256 transitions are
// found when first asked for and kept, so that a grammar costs what its outputs visit.

/// The deterministic automaton of one grammar. State 0 is where every output begins.
struct GrammarAutomaton {
    /// Index of a state; negative where no continuation belongs to the language.
    typealias State = Int32
    static let dead: State = -1
    private static let unknown: State = -2
    /// Bounds the memory of a hostile or careless grammar.
    static let maximumPlaces = 100_000

    /// A place in the grammar: either one byte of a class leads on, or several places are reached at once.
    private struct Place {
        var accepts: ByteClass?
        /// Where the byte leads; with `accepts == nil`, what is reached without a byte.
        var next: [Int32] = []
    }

    private var places: [Place] = []
    /// Places from which the end can be reached; the others lead to no text and count as dead.
    private var useful: [Bool] = []
    private let final: Int32
    /// The set of places of each state, without those that only lead on.
    private var sets: [[Int32]] = []
    private var index: [[Int32]: State] = [:]
    private var transitions: [State] = []
    private(set) var accepting: [Bool] = []

    init(_ grammar: Grammar) throws(EngineError) {
        places = [Place()]  // The end of the language; nothing leads on from it.
        final = 0
        let start = try Self.add(grammar.node, before: 0, to: &places)
        useful = Self.leadingToEnd(places)
        var first: Set<Int32> = []
        close(start, into: &first)
        guard !first.isEmpty else { throw .grammar("It matches no text.") }
        _ = state(of: first)
    }

    /// Where a byte leads from a state.
    mutating func step(_ state: State, _ byte: UInt8) -> State {
        let slot = Int(state) * 256 + Int(byte)
        let known = transitions[slot]
        if known != Self.unknown { return known }
        var reached: Set<Int32> = []
        for place in sets[Int(state)] where places[Int(place)].accepts?.contains(byte) == true {
            for next in places[Int(place)].next { close(next, into: &reached) }
        }
        let next = reached.isEmpty ? Self.dead : self.state(of: reached)
        transitions[slot] = next
        return next
    }

    /// Whether the text so far may end here.
    func isAccepting(_ state: State) -> Bool { accepting[Int(state)] }

    /// Adds the places of a node that go on to `end`, and returns where it begins.
    private static func add(_ node: Grammar.Node, before end: Int32, to places: inout [Place]) throws(EngineError)
        -> Int32
    {
        guard places.count < maximumPlaces else { throw .grammar("It has more than \(maximumPlaces) states.") }
        switch node {
        case .bytes(let set):
            places.append(Place(accepts: set, next: [end]))
        case .sequence(let parts):
            var next = end
            for part in parts.reversed() { next = try add(part, before: next, to: &places) }
            return next
        case .choice(let alternatives):
            var starts: [Int32] = []
            for alternative in alternatives { starts.append(try add(alternative, before: end, to: &places)) }
            places.append(Place(next: starts))
        case .repetition(let body, let min, let max):
            var next = end
            if let max {
                for _ in min..<max {
                    let start = try add(body, before: next, to: &places)
                    // Each further round may be left out, and all after it: straight to the end.
                    places.append(Place(next: [start, end]))
                    next = Int32(places.count - 1)
                }
            } else {
                let loop = Int32(places.count)
                places.append(Place())
                let start = try add(body, before: loop, to: &places)
                places[Int(loop)].next = [start, end]
                next = loop
            }
            for _ in 0..<min { next = try add(body, before: next, to: &places) }
            return next
        }
        return Int32(places.count - 1)
    }

    /// Adds a place and all that is reached from it without a byte.
    private func close(_ place: Int32, into reached: inout Set<Int32>) {
        var open = [place]
        while let place = open.popLast() {
            guard useful[Int(place)], reached.insert(place).inserted, places[Int(place)].accepts == nil else {
                continue
            }
            open.append(contentsOf: places[Int(place)].next)
        }
    }

    /// For each place whether some text leads from it to the end.
    private static func leadingToEnd(_ places: [Place]) -> [Bool] {
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

    /// The state of a set of places, new or known.
    private mutating func state(of reached: Set<Int32>) -> State {
        var set: [Int32] = []
        for place in reached where place == final || places[Int(place)].accepts != nil { set.append(place) }
        set.sort()
        if let known = index[set] { return known }
        let new = State(sets.count)
        index[set] = new
        accepting.append(set.first == final)
        sets.append(set)
        transitions.append(contentsOf: repeatElement(Self.unknown, count: 256))
        return new
    }
}

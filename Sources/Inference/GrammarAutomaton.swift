// The deterministic automaton of a grammar, made only where it is walked.
//
// A state is a set of places in the grammar. States and their transitions are found when first asked for and kept, so
// that a grammar costs what its outputs visit.

/// State 0 is where every output begins.
struct GrammarAutomaton {
    /// Index of a state; negative where no continuation belongs to the language.
    typealias State = Int32
    static let dead: State = -1
    private static let unknown: State = -2
    /// The most numbers held in transitions and sets: 32 MiB.
    static let maximumEntries = 8 << 20

    private let places: GrammarPlaces
    private let limit: Int
    /// The places of each state, without those that only lead on.
    private var sets: [[Int32]] = []
    private var index: [[Int32]: State] = [:]
    /// `[state][class of bytes]`
    private var transitions: [State] = []
    private var accepting: [Bool] = []
    private var entries = 0
    /// A state was needed beyond the limit. It counts as dead; whoever walks must ask.
    private(set) var isOverfull = false

    init(_ grammar: Grammar, maximumEntries: Int = Self.maximumEntries) throws(EngineError) {
        places = try GrammarPlaces(grammar)
        limit = maximumEntries
        var first: Set<Int32> = []
        close(places.start, into: &first)
        guard !first.isEmpty else { throw .grammar("It matches no text.") }
        guard state(of: first) == 0 else { throw .grammar("It is too large.") }
    }

    /// Where a byte leads from a state.
    mutating func step(_ state: State, _ byte: UInt8) -> State {
        let slot = Int(state) * places.representatives.count + Int(places.classOfByte[Int(byte)])
        let known = transitions[slot]
        if known != Self.unknown { return known }
        var reached: Set<Int32> = []
        for place in sets[Int(state)] where places.places[Int(place)].accepts?.contains(byte) == true {
            for next in places.places[Int(place)].next { close(next, into: &reached) }
        }
        let next = reached.isEmpty ? Self.dead : self.state(of: reached)
        transitions[slot] = next
        return next
    }

    /// Whether the text so far may end here.
    func isAccepting(_ state: State) -> Bool { accepting[Int(state)] }

    /// Whether any text goes on from here.
    mutating func leadsOn(_ state: State) -> Bool {
        places.representatives.contains { step(state, $0) != Self.dead }
    }

    /// The one byte that must come next; `nil` where there is a choice or the text may end.
    mutating func forcedByte(_ state: State) -> UInt8? {
        guard !isAccepting(state) else { return nil }
        var forced: UInt8?
        for (byte, size) in zip(places.representatives, places.classSizes) where step(state, byte) != Self.dead {
            guard forced == nil, size == 1 else { return nil }
            forced = byte
        }
        return forced
    }

    /// Adds a place and all that is reached from it without a byte.
    private func close(_ place: Int32, into reached: inout Set<Int32>) {
        var open = [place]
        while let place = open.popLast() {
            guard places.useful[Int(place)], reached.insert(place).inserted,
                places.places[Int(place)].accepts == nil
            else { continue }
            open.append(contentsOf: places.places[Int(place)].next)
        }
    }

    /// The state of a set of places, new or known.
    private mutating func state(of reached: Set<Int32>) -> State {
        // Place 0 is the end of the language.
        let set = reached.filter { $0 == 0 || places.places[Int($0)].accepts != nil }.sorted()
        if let known = index[set] { return known }
        let classes = places.representatives.count
        // A set stands in the list and in the index.
        entries += classes + 2 * set.count
        guard entries <= limit else {
            isOverfull = true
            return Self.dead
        }
        let new = State(sets.count)
        index[set] = new
        accepting.append(set.first == 0)
        sets.append(set)
        transitions.append(contentsOf: repeatElement(Self.unknown, count: classes))
        return new
    }
}

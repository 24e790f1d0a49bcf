/// One stage of work as a value: what is done, how fast, what is left. Knows nothing of terminals or clocks.
struct Progress: Sendable {
    /// A word that names the stage: `ingest`, `read`, `answer`.
    var stage: String
    /// Units done so far, those of an earlier run or a cache included.
    var done: Int
    /// Units in all, where known.
    var total: Int?
    /// What a unit is: `files`, `tokens`, `windows`.
    var unit: String
    /// Units that cost nothing, such as cached tokens; left out of the rate.
    var free = 0
    /// What the rate counts, such as `tok/s`; nil shows no rate.
    var rateUnit: String?
    /// Words behind the numbers, in order.
    var details: [String] = []
    /// Whether numbers are sizes in bytes.
    var inBytes = false

    /// Units per second since the stage began; nil before it means anything.
    func rate(elapsed: Double) -> Double? {
        guard done > free, elapsed >= 0.2 else { return nil }
        return Double(done - free) / elapsed
    }

    /// Seconds left at that rate.
    func left(elapsed: Double) -> Double? {
        guard let total, let rate = rate(elapsed: elapsed), rate > 0, total > done, elapsed >= 1 else { return nil }
        return Double(total - done) / rate
    }

    /// The words of a line, without bar and stage.
    func words(elapsed: Double, memory: Int?, memoryLimit: Int?) -> [String] {
        var words = [amount]
        if let rateUnit, let rate = rate(elapsed: elapsed) {
            words.append(inBytes ? "\(Format.bytes(Int(rate)))/s" : "\(rateText(rate)) \(rateUnit)")
        }
        words += details
        if let memory {
            words.append("mem \(memoryLimit.map { Self.pair(memory, of: $0) } ?? Format.bytes(memory))")
        }
        if let left = left(elapsed: elapsed) { words.append("left \(Format.duration(left))") }
        return words
    }

    private func rateText(_ rate: Double) -> String {
        rate < 10 ? Format.decimal(rate, 1) : Format.count(Int(rate))
    }

    private var amount: String {
        let show: (Int) -> String = inBytes ? { Format.bytes($0) } : { Format.count($0) }
        guard let total else { return inBytes ? show(done) : "\(show(done)) \(unit)" }
        return inBytes ? "\(show(done)) of \(show(total))" : "\(show(done))/\(show(total)) \(unit)"
    }

    private static func pair(_ value: Int, of limit: Int) -> String {
        let gibibyte = 1_073_741_824.0
        return "\(Format.decimal(Double(value) / gibibyte, 1))/\(Format.decimal(Double(limit) / gibibyte, 1)) GiB"
    }

    /// A bar of `width` characters.
    func bar(width: Int) -> String {
        guard let total, total > 0 else { return "" }
        let filled = min(width, max(0, done * width / total))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    /// Whole steps of five per cent, for plain lines.
    var twentieths: Int {
        guard let total, total > 0 else { return 0 }
        return done * 20 / total
    }
}

// Pretokens of up to 64 bytes of ASCII at once, from bit masks of the classes of bytes. What this gives is what
// `PreTokenizer.end` gives; whatever it isn't sure of, it leaves to that.

import CTextScan

extension PreTokenizer {
    /// Writes where pretokens end, one after the other from `start` on, until the text ends or `ends` is nearly full.
    ///
    /// - Parameters:
    ///   - start: where a pretoken starts.
    ///   - capacity: places in `ends`; 64 at least.
    /// - Returns: how many ends were written.
    func split(
        _ text: TextView, from start: Int, into ends: UnsafeMutablePointer<UInt32>, capacity: Int
    ) -> Int {
        switch rule {
        case .o200k: split(text, start, ends, capacity) { $0.o200k() }
        case .llama3: split(text, start, ends, capacity) { $0.llama3(digits: $0.threes) }
        case .qwen2: split(text, start, ends, capacity) { $0.llama3(digits: $0.masks.digit) }
        case .gpt2: split(text, start, ends, capacity) { $0.gpt2(isolatesDigits: false) }
        case .smollm: split(text, start, ends, capacity) { $0.gpt2(isolatesDigits: true) }
        }
    }

    @inline(__always)
    private func split(
        _ text: TextView, _ start: Int, _ ends: UnsafeMutablePointer<UInt32>, _ capacity: Int,
        _ startsOf: (inout AsciiWindow) -> UInt64
    ) -> Int {
        var count = 0
        var position = start
        let lastWindow = text.count - 64
        while position < text.count, count + 64 <= capacity {
            // Text in other scripts has few stretches that are worth a look.
            if position <= lastWindow, (text[position] | text[position + 1]) < 0x80 {
                var window = AsciiWindow(text.base + position)
                var starts = startsOf(&window) & ~1
                if starts != 0 {
                    while starts != 0 {
                        ends[count] = UInt32(truncatingIfNeeded: position &+ starts.trailingZeroBitCount)
                        count &+= 1
                        starts &= starts &- 1
                    }
                    position = Int(ends[count &- 1])
                    continue
                }
            }
            position = end(text, from: position)
            ends[count] = UInt32(truncatingIfNeeded: position)
            count &+= 1
        }
        return count
    }
}

/// 64 bytes from where a pretoken starts. Of each mask the lowest bit is the first byte.
struct AsciiWindow {
    private let text: UnsafePointer<UInt8>
    var masks = ct_masks()
    /// What follows this many bytes isn't looked at: characters beyond ASCII, or a place that isn't easy.
    private var limit: Int

    @inline(__always)
    init(_ text: UnsafePointer<UInt8>) {
        self.text = text
        ct_classify(text, &masks)
        limit = masks.high.trailingZeroBitCount
    }

    @inline(__always) private var letters: UInt64 { masks.lower | masks.upper }
    @inline(__always) private var spaces: UInt64 { masks.space | masks.newline | masks.blank }
    @inline(__always) private var symbols: UInt64 { ~(letters | masks.digit | spaces | masks.high) }

    /// Starts of runs of digits, and of every three in them.
    @inline(__always)
    var threes: UInt64 {
        let digits = masks.digit
        var last = digits & ~(digits << 1)
        var all = last
        while last != 0 {
            last = last << 3 & digits & digits << 1 & digits << 2
            all |= last
        }
        return all
    }

    /// Leaves out everything from the lowest bit on.
    @inline(__always)
    private mutating func stop(at bits: UInt64) { limit = min(limit, bits.trailingZeroBitCount) }

    /// Keeps the starts that no byte beyond the limit has a say in: a run of white space at the end may go on, and two
    /// bytes after an apostrophe count.
    @inline(__always)
    private func certain(_ starts: UInt64) -> UInt64 {
        let known = ~(spaces | ~Self.low(limit))
        return starts & Self.low(64 - known.leadingZeroBitCount - 2)
    }

    /// `count` bits; none for a negative number.
    @inline(__always)
    private static func low(_ count: Int) -> UInt64 {
        count >= 64 ? ~0 : count <= 0 ? 0 : (1 << UInt64(truncatingIfNeeded: count)) &- 1
    }

    /// The length of a contraction after the apostrophe at `offset`, with it; 0 if there is none.
    @inline(__always)
    private func contraction(_ offset: Int, folding: UInt8) -> Int {
        switch text[offset + 1] | folding {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): text[offset + 2] | folding == UInt8(ascii: "e") ? 3 : 0
        case UInt8(ascii: "l"): text[offset + 2] | folding == UInt8(ascii: "l") ? 3 : 0
        default: 0
        }
    }

    /// White space and symbols where a run of white space ends after its last newline, symbols take newlines after
    /// them, and the last of other white space goes to what follows. Words and digits are the caller's.
    @inline(__always)
    private mutating func spacesAndSymbols() -> (starts: UInt64, singles: UInt64) {
        let newline = masks.newline
        let plain = masks.space | masks.blank
        let symbols = symbols
        // Blank lines with spaces in them: white space between two newlines. Adding carries out of its runs.
        let inner = plain & newline << 1
        stop(at: (plain &+ inner) & ~plain & newline)
        let runs = spaces & ~(spaces << 1) & ~(newline & symbols << 1)
        let groups = symbols & ~(symbols << 1) & ~(masks.space << 1)
        return (runs | inner | plain & ~(spaces >> 1) | groups, groups & ~(symbols >> 1))
    }

    /// See `PreTokenizer.o200k`.
    @inline(__always)
    mutating func o200k() -> UInt64 {
        // A slash after a newline may belong to symbols before it.
        stop(at: masks.slash & masks.newline << 1)
        var (starts, singles) = spacesAndSymbols()
        let letters = letters
        starts |= threes | letters & ~((letters | masks.space | masks.blank | singles) << 1)
        starts |= masks.upper & masks.lower << 1
        var candidates = masks.apostrophe & letters << 1 & letters >> 1 & Self.low(limit - 2)
        var taken = -1
        while candidates != 0 {
            let offset = candidates.trailingZeroBitCount
            candidates &= candidates &- 1
            let length = contraction(offset, folding: 0x20)
            // The letter before may be the end of a contraction itself; no second one follows.
            guard length > 0, offset != taken else { continue }
            taken = offset + length
            starts &= ~(Self.low(length) << UInt64(truncatingIfNeeded: offset))
            starts |= 1 << UInt64(truncatingIfNeeded: taken)
        }
        return certain(starts)
    }

    /// See `PreTokenizer.llama3`.
    @inline(__always)
    mutating func llama3(digits: UInt64) -> UInt64 {
        var (starts, singles) = spacesAndSymbols()
        let letters = letters
        starts |= digits | letters & ~((letters | masks.space | masks.blank | singles) << 1)
        var candidates = masks.apostrophe & (starts | 1) & letters >> 1 & Self.low(limit - 2)
        while candidates != 0 {
            let offset = candidates.trailingZeroBitCount
            candidates &= candidates &- 1
            let length = contraction(offset, folding: 0x20)
            if length > 0 { starts |= 1 << UInt64(truncatingIfNeeded: offset + length) }
        }
        return certain(starts)
    }

    /// See `PreTokenizer.gpt2`.
    @inline(__always)
    mutating func gpt2(isolatesDigits: Bool) -> UInt64 {
        let spaces = spaces
        let letters = letters
        let symbols = symbols
        let digits = masks.digit
        let afterSpace = masks.space << 1
        var starts = spaces & ~(spaces << 1)
        starts |= spaces & ~(spaces >> 1) & ~(isolatesDigits ? digits >> 1 : 0)
        starts |= isolatesDigits ? digits : digits & ~(digits << 1) & ~afterSpace
        starts |= symbols & ~(symbols << 1) & ~afterSpace
        starts |= letters & ~(letters << 1) & ~afterSpace
        var candidates = masks.apostrophe & (starts | 1) & letters >> 1 & Self.low(limit - 2)
        while candidates != 0 {
            let offset = candidates.trailingZeroBitCount
            candidates &= candidates &- 1
            let length = contraction(offset, folding: 0)
            guard length > 0 else { continue }
            starts &= ~(2 << UInt64(truncatingIfNeeded: offset))
            starts |= 1 << UInt64(truncatingIfNeeded: offset + length)
        }
        return certain(starts)
    }
}

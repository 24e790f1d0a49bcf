// Text to ids, piece by piece: what was seen before comes out of the cache, the rest is merged.

import CTextScan

/// Where ids go: a list, or only its length.
struct TokenSink {
    private(set) var ids: [Int32] = []
    private(set) var count = 0
    let keepsIDs: Bool

    init(keepsIDs: Bool) { self.keepsIDs = keepsIDs }

    mutating func reserve(_ count: Int) {
        if keepsIDs { ids.reserveCapacity(ids.count + count) }
    }

    mutating func append(_ start: UnsafePointer<Int32>, _ count: Int) {
        self.count += count
        if keepsIDs { ids.append(contentsOf: UnsafeBufferPointer(start: start, count: count)) }
    }

    mutating func append(_ other: TokenSink) {
        count += other.count
        ids += other.ids
    }

    mutating func append(_ id: Int32) {
        count += 1
        if keepsIDs { ids.append(id) }
    }
}

/// Scratch memory and cache of one call at a time. What comes out depends on the text alone.
///
/// Unchecked: `EncoderPool` hands an encoder out under its lock and takes it back after the call, so that one thread at
/// a time has it.
final class PieceEncoder<Model: PieceModel>: @unchecked Sendable {
    private let model: Model
    private let cache = PieceCache()
    private var merger = PairMerger()
    private var ahead = PairMerger()
    private let across = PairMerger()
    private let ends: UnsafeMutablePointer<UInt32>
    private let ids: UnsafeMutablePointer<Int32>
    private let probes: UnsafeMutablePointer<Probe>
    /// Ids that wait for the sink.
    private var used = 0

    /// Where a piece may be remembered.
    private struct Probe {
        var key: PieceCache.Key
        var line: UnsafeMutableRawPointer
    }

    private static var batch: Int { 128 }
    private static var mostPieces: Int { 2048 }
    /// Twice what a batch of pieces out of the cache can come to.
    private static var mostIDs: Int { 2 * batch * (PieceCache.longestPiece + 1) }
    /// Longer pieces are merged a window of so many symbols at a time.
    private let window: Int

    init(_ model: Model, window: Int) {
        self.model = model
        self.window = window
        ends = .allocate(capacity: Self.mostPieces)
        ids = .allocate(capacity: Self.mostIDs)
        probes = .allocate(capacity: Self.batch)
    }

    deinit {
        ends.deallocate()
        ids.deallocate()
        probes.deallocate()
    }

    func encode(_ text: TextView, of whole: Int, into sink: inout TokenSink) {
        cache.prepare(forText: whole)
        var start = 0
        var position = 0
        while start < text.count {
            let count = model.split(text, &position, into: ends, capacity: Self.mostPieces)
            encode(text, &start, count, &sink)
            flush(&sink)
        }
    }

    private func flush(_ sink: inout TokenSink) {
        sink.append(ids, used)
        used = 0
    }

    /// Encodes the pieces whose ends were found, some at a time: places in the cache are asked for ahead of their use.
    private func encode(_ text: TextView, _ start: inout Int, _ count: Int, _ sink: inout TokenSink) {
        var first = 0
        while first < count {
            let number = min(Self.batch, count - first)
            if used > Self.mostIDs / 2 { flush(&sink) }
            findLines(text, start, ends + first, number)
            encodeBatch(text, &start, ends + first, number, &sink)
            first += number
        }
    }

    @inline(__always)
    private func findLines(_ text: TextView, _ start: Int, _ ends: UnsafeMutablePointer<UInt32>, _ count: Int) {
        let probes = probes
        let cache = cache
        var piece = start
        for index in 0..<count {
            let end = Int(ends[index])
            let length = end &- piece
            if length <= PieceCache.longestPiece {
                let key = PieceCache.key(text, piece, length: length)
                let line = cache.line(key)
                ct_prefetch(line)
                probes[index] = Probe(key: key, line: line)
            }
            piece = end
        }
    }

    @inline(__always)
    private func encodeBatch(
        _ text: TextView, _ start: inout Int, _ ends: UnsafeMutablePointer<UInt32>, _ count: Int,
        _ sink: inout TokenSink
    ) {
        let probes = probes
        let cache = cache
        var piece = start
        var place = ids + used
        for index in 0..<count {
            let end = Int(ends[index])
            if end &- piece <= PieceCache.longestPiece {
                let probe = probes[index]
                if let found = PieceCache.find(probe.key, in: probe.line) {
                    let value = found.pointee
                    let number = value[0] >> 28
                    if number != PieceCache.inArena {
                        let masked = value & PieceCache.Value(PieceCache.idMask, ~0, ~0, ~0)
                        UnsafeMutableRawPointer(place).storeBytes(of: masked, as: PieceCache.Value.self)
                        place += Int(truncatingIfNeeded: number)
                        piece = end
                        continue
                    }
                    if let number = cache.copy(value, text.base + piece, end &- piece, to: place) {
                        place += number
                        piece = end
                        continue
                    }
                }
            }
            used = place - ids
            encodeSlowly(text, piece..<end, probes[index].key, &sink)
            place = ids + used
            piece = end
        }
        used = place - ids
        start = piece
    }

    /// Pieces that are new, or too long for the cache.
    @inline(never)
    private func encodeSlowly(_ text: TextView, _ piece: Range<Int>, _ key: PieceCache.Key, _ sink: inout TokenSink) {
        guard piece.count <= PieceCache.longestPiece else { return encodeLong(text, piece, &sink) }
        let bytes = UnsafeBufferPointer(start: text.base + piece.lowerBound, count: piece.count)
        let first = used
        let whole = model.whole(text, piece)
        if whole >= 0 {
            ids[used] = whole
            used += 1
        } else {
            _ = merge(merger, text, piece.lowerBound, piece.upperBound, piece.count)
            let symbols = merger.symbols
            for index in 0..<merger.count {
                used += model.write(symbols.ids[index], text, symbols.range(index), to: ids + used)
            }
        }
        cache.store(key, UnsafeBufferPointer(start: ids + first, count: used - first), bytes)
    }

    // MARK: Long pieces

    /// Merges a window at a time: memory for the symbols of a window is enough for any piece.
    ///
    /// Tokens are those of the whole piece if every two neighbours, taken for themselves, merge to just these two:
    /// the first merge that reached across a border between tokens would reach across it there too. Within a window
    /// that is so; where two windows meet it is checked, and another border is taken if it isn't.
    private func encodeLong(_ text: TextView, _ piece: Range<Int>, _ sink: inout TokenSink) {
        flush(&sink)
        let whole = model.whole(text, piece)
        if whole >= 0 { return sink.append(whole) }
        var size = window
        var start = piece.lowerBound
        var end = merge(merger, text, start, piece.upperBound, size)
        while end < piece.upperBound {
            // Tokens at the end may not have met their right neighbours yet.
            let last = merger.count - max(1, merger.count / 4)
            var border = last
            var next = end
            while border > max(0, last - 16) {
                let place = Int(merger.symbols.starts[border])
                next = merge(ahead, text, place, piece.upperBound, size)
                if meets(text, merger.symbols.range(border - 1), ahead.symbols.range(0)) { break }
                border -= 1
            }
            guard border > max(0, last - 16) else {
                size *= 2
                end = merge(merger, text, start, piece.upperBound, size)
                continue
            }
            write(text, border, &sink)
            let place = Int(merger.symbols.starts[border])
            let skipped = repeats(text, start..<end, place..<next, piece.upperBound)
            for _ in 0..<skipped { write(text, border, &sink) }
            ahead.move(by: skipped * (place - start))
            next += skipped * (place - start)
            swap(&merger, &ahead)
            start = Int(merger.symbols.starts[0])
            end = next
        }
        write(text, merger.count, &sink)
        flush(&sink)
    }

    /// How often the step from one window to the next can be taken again: as often as the next window has the bytes of
    /// the one before. What holds for one such step holds for all.
    private func repeats(_ text: TextView, _ window: Range<Int>, _ next: Range<Int>, _ end: Int) -> Int {
        let step = next.lowerBound - window.lowerBound
        guard window.count == next.count, text.equals(window.lowerBound, next) else { return 0 }
        var count = 0
        var place = next.lowerBound
        while place + step + window.count <= end, text.equals(place, place + step..<place + step + window.count) {
            place += step
            count += 1
        }
        return count
    }

    /// Merges up to `most` symbols from `start` on; returns where they end.
    private func merge(_ merger: PairMerger, _ text: TextView, _ start: Int, _ end: Int, _ most: Int) -> Int {
        let symbols = merger.begin(most: min(most, end - start))
        let (count, reached) = model.fill(symbols, text, start, end, most: most)
        merger.count = count
        merger.run(model.rule, text)
        return reached
    }

    /// Both, taken for themselves, stay apart and whole.
    private func meets(_ text: TextView, _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        _ = merge(across, text, left.lowerBound, right.upperBound, left.count + right.count)
        return across.count == 2 && across.symbols.range(0) == left
    }

    /// Hands on the ids of the first symbols.
    private func write(_ text: TextView, _ count: Int, _ sink: inout TokenSink) {
        let symbols = merger.symbols
        for index in 0..<count {
            if used + 256 > Self.mostIDs { flush(&sink) }
            used += model.write(symbols.ids[index], text, symbols.range(index), to: ids + used)
        }
    }
}

// Hands over pages on disk of which only some are wanted, and coarse copies of their keys.

import Kernels
import SystemPackage
import Tensors

extension KVPageReader: KVSparsePages {
    var sparse: (any KVSparsePages)? { reading == .exact ? nil : self }

    /// The most positions from the first to the last page of a block: attention divides the work by spans of them.
    private static let mostSpread = 64 * span

    func makeCoarseKeys(layer: Int, pageBytes: Int, _ make: (KVPageRun, UnsafeMutableRawPointer) -> Void) -> Bool {
        guard let form = form(layer) else { return false }
        let perSegment = layout.segmentTokens / layout.pageTokens
        var keys = coarseKeys[layer] ?? KVCoarseKeys(layer: layer, pageBytes: pageBytes, folder: folder)
        defer { coarseKeys[layer] = keys }
        while keys.segments < sources.count {
            let first = keys.segments * perSegment
            let memory = Buffer<UInt8>(count: perSegment * pageBytes)
            let values = form.keyBytes == 0 ? form.valueBytes : 0
            stream(layer, Array(first..<first + perSegment), keyBytes: form.keyBytes, valueBytes: values) { run in
                unsafe make(run, UnsafeMutableRawPointer(memory.pointer) + (run.first - first) * pageBytes)
            }
            // What was made of keys that came back wrong is worth nothing.
            guard failure == nil, (try? keys.append(memory, pages: perSegment)) != nil else { return false }
        }
        return true
    }

    func forEachKeys(layer: Int, coarse: Bool, _ body: (KVPageRun) -> Void) {
        guard let form = form(layer) else { return }
        let pages = Array(0..<end / layout.pageTokens)
        if coarse, let keys = coarseKeys[layer] {
            stream(layer, pages, from: keys.sources, keyBytes: keys.pageBytes, valueBytes: 0, body)
        } else {
            let values = form.keyBytes == 0 ? form.valueBytes : 0
            stream(layer, pages, keyBytes: form.keyBytes, valueBytes: values, body)
        }
    }

    func forEachRun(layer: Int, pages: [Int], _ body: (KVPageRun) -> Void) {
        guard let form = form(layer) else { return }
        stream(layer, pages, keyBytes: form.keyBytes, valueBytes: form.valueBytes, body)
    }

    private func form(_ layer: Int) -> Layer? { order.first { $0.layer == layer } }

    /// Reads pages, ascending, in blocks of as many as there is memory for.
    ///
    /// - Parameter other: by segment, where they are not the sequence's own pages.
    private func stream(
        _ layer: Int, _ pages: [Int], from other: [KVPageSource]? = nil, keyBytes: Int, valueBytes: Int,
        _ body: (KVPageRun) -> Void
    ) {
        drain()
        let perBlock = max((slots.first?.byteCount ?? 0) / (keyBytes + valueBytes), 1)
        var rest = pages[...]
        var inFlight: [KVReadSlot] = []
        while !rest.isEmpty || !inFlight.isEmpty {
            while let first = rest.first, let slot = slots.popLast() {
                let block = rest.prefix(perBlock).prefix { ($0 - first) * layout.pageTokens < Self.mostSpread }
                rest = rest.dropFirst(block.count)
                send(
                    KVReadRequest(
                        layer: layer, pieces: pieces(block, of: other ?? sources), keyBytes: keyBytes,
                        valueBytes: valueBytes), slot)
                inFlight.append(slot)
            }
            let slot = inFlight.removeFirst()
            receive(slot)
            body(slot.run)
            slots.append(slot)
        }
    }

    /// Consecutive pages of one segment are read together.
    private func pieces(_ pages: ArraySlice<Int>, of sources: [KVPageSource]) -> [KVReadRequest.Piece] {
        let perSegment = layout.segmentTokens / layout.pageTokens
        var pieces: [KVReadRequest.Piece] = []
        for page in pages {
            if let last = pieces.last, last.ordinals.upperBound == page, page % perSegment != 0 {
                pieces[pieces.count - 1].ordinals = last.ordinals.lowerBound..<page + 1
            } else {
                pieces.append(KVReadRequest.Piece(source: sources[page / perSegment], ordinals: page..<page + 1))
            }
        }
        return pieces
    }
}

/// Coarse keys of one layer of one sequence, in a file without a name. They are made of its keys when they are first
/// needed, so nothing is kept that could be of another build or of damaged pages.
struct KVCoarseKeys {
    private let layer: Int
    let pageBytes: Int
    private let file: KVSpillFile
    /// By segment.
    private(set) var sources: [KVPageSource] = []

    var segments: Int { sources.count }

    init(layer: Int, pageBytes: Int, folder: FilePath) {
        self.layer = layer
        self.pageBytes = pageBytes
        file = KVSpillFile(folder: folder)
    }

    /// Adds those of the next segment.
    mutating func append(_ memory: borrowing Buffer<UInt8>, pages: Int) throws(KVPagingError) {
        let none = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
        let parts = unsafe (0..<pages).map { page in
            unsafe KVPageMemory(
                keys: UnsafeMutableRawBufferPointer(start: memory.pointer + page * pageBytes, count: pageBytes),
                values: none)
        }
        sources.append(try unsafe file.write(segments, [(layer: layer, first: segments * pages, pages: parts)]))
    }

    mutating func truncate(to segments: Int) {
        sources.removeLast(max(sources.count - segments, 0))
    }
}

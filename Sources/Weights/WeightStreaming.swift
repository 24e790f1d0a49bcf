// Models larger than memory: layers that find no room stay on disk, are fetched ahead of their turn and given back after
// it. Owns which layers these are; the walk through the layers is in Models.

import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What of a model is in memory at a time.
package struct WeightResidency: Sendable, Equatable {
    /// Weights that every token needs: not tables that are only looked up, of which a token touches one row.
    package var neededBytes: Int
    /// The least that streaming takes: what is outside of layers, the largest layer, and the next one being fetched.
    package var leastBytes: Int
    /// By layer.
    package var layerBytes: [Int]

    /// From the tensors of a checkpoint.
    package init(_ checkpoint: any Checkpoint) {
        let tables = LookupTables.names(checkpoint)
        var layers: [Int] = []
        var outside = 0
        for tensor in checkpoint.summaries where !tables.contains(tensor.name) {
            guard let layer = tensor.name.layerNumber else {
                outside += tensor.byteCount
                continue
            }
            while layers.count <= layer { layers.append(0) }
            layers[layer] += tensor.byteCount
        }
        layerBytes = layers
        neededBytes = layers.reduce(outside, +)
        leastBytes = outside + 2 * (layers.max() ?? 0)
    }

    /// Layers that stay in memory with this much room for weights: the first ones.
    package func pinnedLayers(room: Int) -> Int {
        guard room < neededBytes else { return layerBytes.count }
        var left = room - leastBytes
        return layerBytes.prefix { bytes in
            left -= bytes
            return left >= 0
        }.count
    }

    /// Bytes that are read again for each pass over the layers.
    package func streamedBytes(room: Int) -> Int { layerBytes.dropFirst(pinnedLayers(room: room)).reduce(0, +) }
}

/// Tables of which a token touches one row.
enum LookupTables {
    static func names(_ checkpoint: any Checkpoint) -> Set<String> {
        let isTied = !checkpoint.summaries.contains { $0.name == "output.weight" }
        return isTied ? ["per_layer_token_embd.weight"] : ["per_layer_token_embd.weight", "token_embd.weight"]
    }
}

extension String {
    /// The N of `blk.N.…`.
    fileprivate var layerNumber: Int? {
        guard hasPrefix("blk.") else { return nil }
        return Int(dropFirst(4).prefix { $0 != "." })
    }
}

/// Bytes of a read-only mapping of a file, whose pages come back when touched.
@safe
private struct MappedRange {
    private let start: UnsafeMutableRawPointer
    private let count: Int

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return nil }
        let offset = Int(bitPattern: base) % Int(sysconf(Int32(_SC_PAGESIZE)))
        unsafe start = UnsafeMutableRawPointer(mutating: base - offset)
        count = bytes.count + offset
    }

    func fetch() { _ = unsafe madvise(start, count, Int32(MADV_WILLNEED)) }

    func giveBack() { unsafe _ = madvise(start, count, Int32(MADV_DONTNEED)) }
}

/// Fetches and gives back the layers of one model. Belongs to the thread that computes.
package final class WeightStreaming {
    /// By layer: what is fetched ahead, and all there is. Empty for layers that stay.
    private var ahead: [[MappedRange]] = []
    private var all: [[MappedRange]] = []
    private var tables: [MappedRange] = []

    /// - Parameter room: bytes that weights may take; nil for no limit.
    package init(_ checkpoint: any Checkpoint, room: Int?) {
        let residency = WeightResidency(checkpoint)
        let pinned = room.map { residency.pinnedLayers(room: $0) } ?? residency.layerBytes.count
        ahead = Array(repeating: [], count: residency.layerBytes.count)
        all = ahead
        let tables = LookupTables.names(checkpoint)
        for tensor in checkpoint.summaries {
            guard let range = unsafe checkpoint.mappedBytes(tensor.name).flatMap({ unsafe MappedRange($0) }) else {
                continue
            }
            if tables.contains(tensor.name) { self.tables.append(range) }
            guard let layer = tensor.name.layerNumber, layer >= pinned else { continue }
            all[layer].append(range)
            // Which experts a token goes to is not known before.
            if !tensor.name.contains("_exps.") { ahead[layer].append(range) }
        }
    }

    /// Before a layer: asks for the next one.
    package func begin(_ layer: Int) {
        guard layer + 1 < ahead.count else { return }
        for range in ahead[layer + 1] { range.fetch() }
    }

    /// After a layer: gives its memory back.
    package func end(_ layer: Int) {
        guard layer < all.count else { return }
        for range in all[layer] { range.giveBack() }
    }

    /// After many tokens were looked up: the rows will hardly be needed again soon.
    package func endLookups(tokens: Int) {
        guard tokens >= 32 else { return }
        for range in tables { range.giveBack() }
    }
}

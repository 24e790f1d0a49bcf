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

/// Fetches and gives back the layers of one model. Belongs to the thread that computes.
package final class WeightStreaming {
    /// By layer: mapped bytes of what is fetched ahead, and of all there is. Empty for layers that stay.
    private var ahead: [[UnsafeRawBufferPointer]] = unsafe []
    private var all: [[UnsafeRawBufferPointer]] = unsafe []
    private let tables: [UnsafeRawBufferPointer]

    /// - Parameter room: bytes that weights may take; nil for no limit.
    package init(_ checkpoint: any Checkpoint, room: Int?) {
        let residency = WeightResidency(checkpoint)
        let pinned = room.map { residency.pinnedLayers(room: $0) } ?? residency.layerBytes.count
        let tables = LookupTables.names(checkpoint)
        for _ in residency.layerBytes {
            unsafe ahead.append([])
            unsafe all.append([])
        }
        var looked: [UnsafeRawBufferPointer] = unsafe []
        for tensor in checkpoint.summaries {
            guard let bytes = unsafe checkpoint.mappedBytes(tensor.name) else { continue }
            if tables.contains(tensor.name) { unsafe looked.append(bytes) }
            guard let layer = tensor.name.layerNumber, layer >= pinned else { continue }
            unsafe all[layer].append(bytes)
            // Which experts a token goes to is not known before.
            if !tensor.name.contains("_exps.") { unsafe ahead[layer].append(bytes) }
        }
        unsafe self.tables = unsafe looked
    }

    /// Before a layer: asks for the next one.
    package func begin(_ layer: Int) {
        guard unsafe layer + 1 < ahead.count else { return }
        for unsafebytes in unsafe ahead[layer + 1] { unsafe Self.advise(bytes, MADV_WILLNEED) }
    }

    /// After a layer: gives its memory back.
    package func end(_ layer: Int) {
        for unsafebytes in unsafe all[layer] { unsafe Self.advise(bytes, MADV_DONTNEED) }
    }

    /// After many tokens were looked up: the rows will hardly be needed again soon.
    package func endLookups(tokens: Int) {
        guard tokens >= 32 else { return }
        for unsafebytes in unsafe tables { unsafe Self.advise(bytes, MADV_DONTNEED) }
    }

    /// Only ever said of read-only mappings of files, whose pages come back when touched.
    private static func advise(_ bytes: UnsafeRawBufferPointer, _ advice: some BinaryInteger) {
        guard let start = unsafe bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let offset = Int(bitPattern: unsafe start) % page
        unsafe _ = madvise(
            UnsafeMutableRawPointer(mutating: start - offset), bytes.count + offset, Int32(advice))
    }
}

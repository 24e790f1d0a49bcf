// What keys and values of a model take, asked from the code that allocates and stores them; no weights are needed.

package import Conversion
package import Inference
package import KVCache
package import Kernels
package import Models

/// Bytes of one architecture with a context of some length.
package struct KVTable: Sendable, Equatable {
    /// Layers that keep the same.
    package struct Layers: Sendable, Equatable {
        package var count: Int
        package var attention: AttentionKind
        package var heads: HeadShape
        /// Whether they keep keys and values of their own.
        package var isOwn: Bool
        /// The most positions that one of them holds in memory.
        package var mostTokens: Int
        /// Of all of them, for each token that they hold: in memory, and in the files of stored segments.
        package var memory: [KVType: Int], disk: [KVType: Double]
    }

    /// A whole sequence in one number format.
    package struct Sizes: Sendable, Equatable {
        /// The most memory where all of it is there, and where as much as possible is on disk.
        package var memory, leastMemory: Int
        /// What is on disk then.
        package var paged: Int
        /// Stored for later runs.
        package var stored: Int
    }

    /// Number formats that are shown.
    package static let types: [KVType] = [.f16, .q8, .q4]

    package var name: String
    package var contextTokens: Int
    package var layers: [Layers]
    package var sizes: [KVType: Sizes]
    package var arithmetic: KVArithmetic

    /// - Parameters:
    ///   - plan: the model's.
    ///   - options: prefill chunk and segment.
    package init(name: String, plan: [LayerPlan], contextTokens: Int, options: EngineOptions) {
        self.name = name
        self.contextTokens = contextTokens
        let layout = Engine.layout(options, contextTokens: contextTokens)
        arithmetic = KVArithmetic(plan, tokens: contextTokens)
        layers = Self.layers(plan, layout)
        let paging = Engine.layout(options, contextTokens: contextTokens, residentTokens: 0)
        sizes = [:]
        for type in Self.types {
            sizes[type] = Sizes(
                memory: KVCacheManager.maximumBytes(plan: plan, layout: layout, type: type),
                leastMemory: KVCacheManager.maximumBytes(plan: plan, layout: paging, type: type),
                paged: KVCacheManager.pagedBytes(plan: plan, layout: paging, type: type),
                stored: KVSegment.storedBytes(plan, layout: layout, type: type, count: contextTokens))
        }
    }

    /// A published model, from its shape.
    ///
    /// - Parameter contextTokens: nil for as many as it was made for.
    package init(_ model: SyntheticModel, contextTokens: Int? = nil, options: EngineOptions) throws(ModelError) {
        let configuration = try ModelFamily.configuration(SyntheticCheckpoint(model))
        self.init(
            name: model.rawValue, plan: configuration.layerPlan,
            contextTokens: min(contextTokens ?? .max, configuration.contextLength), options: options)
    }

    /// A model's file.
    package init(_ files: ModelFiles, contextTokens: Int? = nil, options: EngineOptions) throws(ModelError) {
        let configuration = try ModelFamily.configuration(files.checkpoint)
        self.init(
            name: files.name, plan: configuration.layerPlan,
            contextTokens: min(contextTokens ?? .max, configuration.contextLength), options: options)
    }

    private static func layers(_ plan: [LayerPlan], _ layout: KVPageLayout) -> [Layers] {
        var groups: [(layer: LayerPlan, isOwn: Bool, count: Int)] = []
        for layer in plan {
            let isOwn = layer.keyValues == .own
            let index = groups.firstIndex {
                $0.isOwn == isOwn && $0.layer.attention == layer.attention && $0.layer.heads == layer.heads
            }
            if let index { groups[index].count += 1 } else { groups.append((layer, isOwn, 1)) }
        }
        // Those that see everything first, those that keep nothing last.
        func rank(_ group: (layer: LayerPlan, isOwn: Bool, count: Int)) -> Int {
            (group.isOwn ? 0 : 2) + (group.layer.attention == .full ? 0 : 1)
        }
        return groups.sorted { rank($0) < rank($1) }.map { group in
            var layers = Layers(
                count: group.count, attention: group.layer.attention, heads: group.layer.heads, isOwn: group.isOwn,
                mostTokens: 0, memory: [:], disk: [:])
            if group.isOwn {
                let pages = layout.pagesPerLayer(group.layer.attention)
                layers.mostTokens = min(pages * layout.pageTokens, layout.contextTokens)
            }
            for type in types {
                let shape = group.layer.heads.pageShape(type, pageTokens: layout.pageTokens)
                layers.memory[type] = group.isOwn ? group.count * shape.bytes / layout.pageTokens : 0
                layers.disk[type] = group.isOwn ? stored(group.layer, group.count, layout, type) : 0
            }
            return layers
        }
    }

    /// Bytes of a file for each token of such layers: of a full segment, or of the window stored with one, or of what a
    /// chunk holds half way.
    private static func stored(_ layer: LayerPlan, _ count: Int, _ layout: KVPageLayout, _ type: KVType) -> Double {
        var end = layout.segmentTokens
        if case .chunked(let size) = layer.attention { end = size + size / 2 }
        let first = max(end - layout.segmentTokens, 0)
        func bytes(_ layers: Int) -> Int {
            KVSegment.fileBytes(
                Array(repeating: layer, count: layers), layout: layout, type: type, first: first, end: end,
                keepsWindow: true)
        }
        let tokens = end - max(layer.attention.lowerBound(end), first)
        return tokens > 0 ? Double(bytes(count) - bytes(0)) / Double(tokens) : 0
    }
}

/// The same by hand, from numbers of heads and their sizes alone: what a perfect cache would take, and a careless one.
package struct KVArithmetic: Sendable, Equatable {
    /// Every layer keeps 16 bits of keys and of values for every token.
    package var everything16: Int
    /// Layers that see a window or a chunk keep no more than it; 16 bits, keys and values.
    package var layerAware16: Int
    /// Of layers that see everything: a byte for each number and two for each token and head, keys and values.
    package var bytes8: Int
    /// The same where keys that follow from values are not kept.
    package var bytes8Once: Int
    /// Of the other layers, in 16 bits.
    package var local16: Int

    package init(_ plan: [LayerPlan], tokens: Int) {
        (everything16, layerAware16, bytes8, bytes8Once, local16) = (0, 0, 0, 0, 0)
        for layer in plan where layer.keyValues == .own {
            let vectors = 2 * layer.heads.keyValueHeads
            let kept: Int
            switch layer.attention {
            case .full: kept = tokens
            case .sliding(let most), .chunked(let most): kept = min(most, tokens)
            }
            everything16 += vectors * layer.heads.size * 2 * tokens
            layerAware16 += vectors * layer.heads.size * 2 * kept
            if layer.attention == .full {
                let bytes = vectors * (layer.heads.size + 2) * tokens
                bytes8 += bytes
                bytes8Once += layer.heads.hasKeys ? bytes : bytes / 2
            } else {
                local16 += vectors * layer.heads.size * 2 * kept
            }
        }
    }
}

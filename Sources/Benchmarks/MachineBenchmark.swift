// What this machine can do, and how much of it the kernels get. Rates only; what a model makes of them is the speed
// benchmark's business.

package import Kernels

/// Figures for one number of threads.
package struct MachineFigures: Sendable, Equatable {
    package var threads: Int
    /// 32-bit floats.
    package var floats: PeakRate?
    /// 8-bit integers, with the instruction that the kernels use.
    package var integers: PeakRate?
    /// BF16 dot products, where the processor has them.
    package var halves: PeakRate?
    /// Bytes per second read from memory, in units of 10^9.
    package var memoryRead: Double
    package var products: [WeightTypeRate]
    package var attention: [AttentionRate]

    /// Prefill with this type as a share of the peak of the instruction that it uses.
    package func prefillShare(_ product: WeightTypeRate) -> Double? {
        share(product.prefill, of: (product.usesIntegers ? integers : floats)?.rate)
    }

    /// Decode with this type as a share of what memory gives.
    package func decodeShare(_ product: WeightTypeRate) -> Double? { share(product.decodeBytes, of: memoryRead) }

    /// Attention as a share of the peak of floats.
    package func share(_ attention: AttentionRate) -> Double? { share(attention.rate, of: floats?.rate) }

    private func share(_ rate: Double, of peak: Double?) -> Double? {
        guard let peak, peak > 0 else { return nil }
        return rate / peak
    }
}

/// Attention of 512 queries at the end of a long context.
package struct AttentionRate: Sendable, Equatable {
    package var heads: Int
    package var kvHeads: Int
    package var headDim: Int
    /// Positions in the cache.
    package var length: Int
    /// Multiply-adds per second, in units of 10^9.
    package var rate: Double
}

/// Everything `bench machine` shows.
package struct MachineReport: Sendable, Equatable {
    /// The kernel set, as in `avx2`.
    package var kernels: String
    /// One thread first, then all; a single entry when all are one.
    package var figures: [MachineFigures]

    /// Measures for some seconds on an otherwise idle machine.
    ///
    /// - Parameter threads: the most to use.
    package static func measure(threads: Int, kernels: KernelSet = .best()) -> MachineReport {
        let counts = threads > 1 ? [1, threads] : [1]
        return MachineReport(kernels: kernels.name, figures: counts.map { figures(threads: $0, kernels: kernels) })
    }

    private static func figures(threads: Int, kernels: KernelSet) -> MachineFigures {
        let compute = Compute(pool: ThreadPool(threads: threads), kernels: kernels)
        let (machine, kernel) = (MachineTiming(compute), KernelTiming(compute))
        // Those of SmolLM2 135M, Qwen2.5 1.5B and Gemma 3 270M.
        let shapes: [(heads: Int, kvHeads: Int, headDim: Int)] = [(9, 3, 64), (12, 2, 128), (4, 1, 256)]
        return MachineFigures(
            threads: compute.pool.threads, floats: machine.floats(), integers: machine.integers(),
            halves: machine.halves(), memoryRead: machine.memoryRead(), products: kernel.weightTypes(),
            attention: shapes.map { shape in
                let rate = kernel.attention(
                    heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, tokens: 512, length: 4096)
                return AttentionRate(
                    heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, length: 4096, rate: rate)
            })
    }
}

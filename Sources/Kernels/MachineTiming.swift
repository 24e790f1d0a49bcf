// How fast this machine is at most, measured: what the rates of KernelTiming are compared with.

import CKernels
import Tensors

/// The most that one instruction gives.
package struct PeakRate: Sendable, Equatable {
    /// As in `vpmaddubsw (256 bits)`.
    package var instruction: String
    /// Multiply-adds per second, in units of 10^9; each is two operations.
    package var rate: Double

    /// For values that were measured elsewhere.
    package init(instruction: String, rate: Double) {
        self.instruction = instruction
        self.rate = rate
    }
}

/// Rates of all threads together, with nothing else to do.
package struct MachineTiming {
    private let compute: Compute

    /// Uses the threads and the level of `compute`.
    package init(_ compute: Compute) {
        self.compute = compute
    }

    /// Fused multiply-adds of 32-bit floats.
    package func floats() -> PeakRate? { unsafe peak(ck_machine_peaks(compute.table).f32) }

    /// Products of 8-bit integers, with whatever the level uses for them.
    package func integers() -> PeakRate? { unsafe peak(ck_machine_peaks(compute.table).int8) }

    /// Dot products of 16-bit floats of the BF16 kind, where the processor has an instruction for them.
    package func halves() -> PeakRate? { unsafe peak(ck_machine_peaks(compute.table).bf16) }

    /// Bytes per second read from memory, in units of 10^9: the best of short stretches, which others disturb least.
    ///
    /// - Parameter bytes: size of the memory read; more than the caches hold.
    package func memoryRead(bytes: Int = 512 << 20, runs: Int = 3) -> Double {
        let piece = 1 << 20, stretch = 32, count = max(1, bytes / (piece * stretch)) * stretch
        let memory = Buffer<UInt8>(count: count * piece)
        memory.fill(1)
        // Each piece keeps what it read, so that no reading is left out.
        let sums = Buffer<UInt64>(count: count)
        let seconds = (0..<max(runs, 1) * (count / stretch)).map { run in
            shortest(1) {
                compute.pool.parallel(stretch) { index, _ in
                    let place = (run * stretch + index) % count
                    unsafe sums.pointer[place] = unsafe ck_read_memory(memory.pointer + place * piece, piece)
                }
            }
        }
        return Double(stretch * piece) / (seconds.min() ?? .infinity) * 1e-9
    }

    private func peak(_ peak: ck_peak) -> PeakRate? {
        guard let run = unsafe peak.run, let name = unsafe peak.instruction else { return nil }
        let rounds = 50_000
        let done = run(rounds) * Double(compute.pool.threads)
        // Long enough for the system to give every thread a core of its own.
        let seconds = shortest(500) { compute.pool.parallel(compute.pool.threads) { _, _ in _ = run(rounds) } }
        return unsafe PeakRate(instruction: String(cString: name), rate: done / seconds * 1e-9)
    }
}

/// Seconds of the shortest of a few runs.
func shortest(_ runs: Int, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    return (0..<max(runs, 1)).map { _ in clock.measure(body) / .seconds(1) }.reduce(.infinity) {
        min($0, max($1, 1e-9))
    }
}

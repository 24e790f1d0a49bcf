// The timings run and give plausible numbers. With DOCPROC_TIMINGS set they print the rates of the shapes that matter.

import Glibc
import Kernels
import Tensors
import Testing

@Suite(.serialized) struct TimingTests {
    @Test func ratesAreFiniteAndPositive() {
        let timing = KernelTiming(Compute(pool: ThreadPool(threads: 2)))
        #expect((0.001..<1e6).contains(timing.product(.q4_K, rows: 64, columns: 512, tokens: 8)))
        #expect((0.001..<1e6).contains(timing.attention(heads: 2, kvHeads: 1, headDim: 64, tokens: 16, length: 100)))
    }

    @Test func theMachineHasItsPeaks() throws {
        for level in levels {
            let kernels = try #require(KernelSet.named(level))
            let machine = MachineTiming(Compute(pool: ThreadPool(threads: 2), kernels: kernels))
            #expect((0.001..<1e5).contains(machine.memoryRead(bytes: 4 << 20, runs: 1)))
            if level == "portable" {
                #expect(machine.floats() == nil && machine.integers() == nil)
                continue
            }
            let floats = try #require(machine.floats()), integers = try #require(machine.integers())
            #expect((0.001..<1e6).contains(floats.rate) && (0.001..<1e6).contains(integers.rate))
            #expect(!floats.instruction.isEmpty && !integers.instruction.isEmpty)
            #expect(machine.halves().map { $0.rate > 0 } ?? true)
        }
    }

    @Test(.enabled(if: getenv("DOCPROC_TIMINGS") != nil, "set DOCPROC_TIMINGS to print rates"), arguments: [1, 2])
    func printRates(threads: Int) {
        let timing = KernelTiming(Compute(pool: ThreadPool(threads: threads)))
        func line(_ name: String, _ rate: Double) {
            print("\(threads) threads, \(name): \((rate * 10).rounded() / 10) GMAC/s")
        }
        let machine = MachineTiming(Compute(pool: ThreadPool(threads: threads)))
        for peak in [machine.floats(), machine.integers()].compactMap({ $0 }) { line(peak.instruction, peak.rate) }
        print("\(threads) threads, memory: \((machine.memoryRead() * 10).rounded() / 10) GB/s")
        for type in [DataType.q4_0, .q4_1, .q5_0, .q8_0, .q4_K, .q5_K, .q6_K, .f16] {
            line("\(type.name) 1536 x 1536, 512 tokens", timing.product(type, rows: 1536, columns: 1536, tokens: 512))
            let rate = timing.product(type, rows: 40_000, columns: 1536, tokens: 1)
            let bytes = Double(type.blockBytes) / Double(type.blockElements)
            line("\(type.name) 40000 x 1536, 1 token (\((rate * bytes * 10).rounded() / 10) GB/s)", rate)
        }
        for (heads, kvHeads, headDim) in [(9, 3, 64), (12, 2, 128), (4, 1, 256)] {
            for tokens in [512, 1] {
                let rate = timing.attention(
                    heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: tokens, length: 4096)
                line("attention \(heads)/\(kvHeads) x \(headDim), \(tokens) at 4096", rate)
            }
        }
    }
}

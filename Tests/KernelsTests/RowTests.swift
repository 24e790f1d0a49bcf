// The pool, and the operations on rows through the door.

import Glibc
import Kernels
import Synchronization
import Tensors
import Testing

private final class Counter: Sendable {
    let value = Atomic<Int>(0)
}

@Suite struct ThreadPoolTests {
    @Test(arguments: [1, 2, 4, 7]) func everyPieceRunsOnce(threads: Int) {
        let pool = ThreadPool(threads: threads)
        #expect(pool.threads == threads)
        for pieces in [0, 1, 2, 3, 50, 1000] {
            let counts = Buffer<Int32>(count: max(pieces, 1))
            let total = Atomic<Int>(0)
            let pointer = counts.pointer
            for _ in 0..<20 {
                pool.parallel(pieces) { piece, thread in
                    pointer[piece] += 1  // one thread per piece, so no race
                    total.add(thread < threads ? 1 : 1_000_000, ordering: .relaxed)
                }
            }
            #expect(total.load(ordering: .relaxed) == 20 * pieces)
            #expect((0..<pieces).allSatisfy { counts[$0] == 20 })
        }
    }

    /// Callers take turns; sleeping workers wake up.
    @Test func severalCallersAndPauses() async {
        let pool = ThreadPool(threads: 3)
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for round in 0..<50 {
                        pool.parallel(10) { _, _ in counter.value.add(1, ordering: .relaxed) }
                        if (round + task) % 10 == 0 { usleep(1000) }
                    }
                }
            }
        }
        #expect(counter.value.load(ordering: .relaxed) == 4 * 50 * 10)
    }
}

@Suite struct RowTests {
    let c = Compute(pool: ThreadPool(threads: 2))

    @Test(arguments: [RotaryStyle.halfSplit, .interleaved]) func rotaryAngles(style: RotaryStyle) {
        let (tokens, heads, headDim, first) = (5, 3, 16, 4090)
        let parameters = RotaryParameters(
            dimensions: 12, style: style, base: 10000, positionDivisor: 2, frequencyDivisors: [1, 1, 1, 2, 8, 8])
        var random = Random(1)
        let x = random.floats(tokens * heads * headDim)
        var y = x
        c.rope(&y, tokens: tokens, heads: heads, headDim: headDim, firstPosition: first, RotaryTable(parameters))
        for token in 0..<tokens {
            for head in 0..<heads {
                let start = (token * heads + head) * headDim
                for pair in 0..<6 {
                    let frequency = pow(10000, -2 * Double(pair) / 12) / [1, 1, 1, 2, 8, 8][pair] / 2
                    let angle = Double(first + token) * frequency
                    let (i, j) = style == .halfSplit ? (pair, pair + 6) : (2 * pair, 2 * pair + 1)
                    let (a, b) = (Double(x[start + i]), Double(x[start + j]))
                    #expect(abs(Double(y[start + i]) - (a * cos(angle) - b * sin(angle))) < 3e-7)
                    #expect(abs(Double(y[start + j]) - (b * cos(angle) + a * sin(angle))) < 3e-7)
                }
                #expect(y[start + 12..<start + 16] == x[start + 12..<start + 16])
            }
        }
    }

    @Test(arguments: [nil, 3, 100]) func rotaryTableFollowsThePositions(period: Int?) {
        let parameters = RotaryParameters(dimensions: 8, style: .halfSplit, base: 100, period: period)
        let kept = RotaryTable(parameters)
        var random = Random(2)
        let x = random.floats(6 * 8)
        for (first, tokens) in [(0, 6), (2, 3), (5, 6), (100, 1), (99, 2), (3, 4), (9, 6), (303, 4)] {
            var a = Array(x.prefix(tokens * 8)), b = a
            c.rope(&a, tokens: tokens, heads: 1, headDim: 8, firstPosition: first, kept)
            c.rope(&b, tokens: tokens, heads: 1, headDim: 8, firstPosition: first, RotaryTable(parameters))
            #expect(a == b)
        }
    }

    @Test func operationsAreTheSameForAnyThreads() {
        let n = 40_000
        var random = Random(3)
        let x = random.floats(n), z = random.floats(n)
        func run(_ threads: Int) -> [[UInt32]] {
            let c = Compute(pool: ThreadPool(threads: threads))
            var norm = x, gate = x, sum = x, scaled = x, capped = x
            c.rmsNorm(x, weight: z, rows: 80, columns: 500, eps: 1e-5, into: &norm)
            c.gatedActivation(gate: x, up: z, count: n, kind: .silu, into: &gate)
            c.add(z, to: &sum, count: n)
            c.scale(&scaled, by: 0.3, count: n)
            c.softcap(&capped, cap: 2, count: n)
            return [norm, gate, sum, scaled, capped].map(bits)
        }
        let one = run(1)
        for threads in [2, 4] { #expect(run(threads) == one) }
    }

    @Test func sampling() {
        let scores: [Float] = [1, 5, 3, 5, .nan, -2, 0, 1, 2, -.infinity]
        #expect(c.argmax(scores, count: 10) == 1)
        let finite: [Float] = [1000, 1001, 999]
        let exact = 1001 + log(exp(-1.0) + 1 + exp(-2.0))
        #expect(abs(Double(c.logSumExp(finite, count: 3)) - exact) < 1e-4)
        var p = finite
        c.softmax(&p, count: 3)
        #expect(abs(p.reduce(0, +) - 1) < 1e-6 && abs(p[0] / p[2] - Float(M_E)) < 1e-5)
    }
}

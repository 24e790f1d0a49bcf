// Every level against the portable one, which is the definition: at odd lengths and on extreme values.
//
// Products, conversions and quantization must agree bit for bit; other float sums within their condition number.

import CKernels
import Glibc
import Tensors
import Testing

private let faster = levels.filter { $0 != "portable" }
private let lengths = [1, 2, 7, 8, 9, 15, 16, 31, 33, 64, 100, 257]

@Suite struct LevelTests {
    @Test(arguments: levels) func quantizationKeepsHalfAStep(level: String) {
        var random = Random(3)
        var x = random.floats(32 * 12).map { $0 * 10 }
        for i in 0..<32 {
            x[i] = 0  // a block of zeros
            x[32 + i] = Float.leastNonzeroMagnitude * Float(i)  // too small for a scale
            x[64 + i] = i == 5 ? 3e38 : 1e30
        }
        var quants = [Int8](repeating: 0, count: x.count), expectedQuants = quants
        var scales = [Float](repeating: 0, count: x.count / 32), sums32 = scales
        var sums16 = [Float](repeating: 0, count: x.count / 16)
        table(level).pointee.quantize(x, x.count, &quants, &scales, &sums32, &sums16)
        for i in x.indices where i >= 64 {
            #expect(abs(Float(quants[i]) * scales[i / 32] - x[i]) <= scales[i / 32] * 0.5001)
        }
        for g in sums16.indices {
            let sum = quants[16 * g..<16 * g + 16].reduce(0) { $0 + Int($1) }
            #expect(sums16[g] == scales[g / 2] * Float(sum))
        }
        #expect(quants[0..<64].allSatisfy { $0 == 0 } && quants.allSatisfy { $0 >= -127 })
        var otherScales = scales, other32 = sums32, other16 = sums16
        portable.pointee.quantize(x, x.count, &expectedQuants, &otherScales, &other32, &other16)
        #expect(quants == expectedQuants && bits(scales) == bits(otherScales))
        #expect(bits(sums32) == bits(other32) && bits(sums16) == bits(other16))
    }

    /// All extremes at once: the largest quants of the class against activations of +-127, where 16-bit sums that are
    /// one step too long would overflow.
    @Test(arguments: faster, [0, 1, 2, 3]) func productsAgreeExactly(level: String, kind: Int) {
        var random = Random(UInt64(kind) + 11)
        let limits: [(low: Int, high: Int)] = [(0, 15), (0, 31), (0, 63), (-128, 127)]
        let (low, high) = limits[kind]
        for columns in [32, 96, 1024] {
            for width in 1...4 {
                for extreme in [true, false] {
                    let group = kind == 2 ? 16 : 32, groups = columns / group
                    let quants = (0..<columns * 16).map { _ in
                        UInt8(
                            truncatingIfNeeded: extreme
                                ? (Bool.random(using: &random) ? low : high)
                                : Int.random(in: low...high, using: &random))
                    }
                    let sign = (0..<16).map { _ in Bool.random(using: &random) }
                    let activations = (0..<columns * width).map { i in
                        Int8(extreme ? (sign[i / 4 % 16] ? 127 : -127) : Int.random(in: -127...127, using: &random))
                    }
                    let scales = random.floats(groups * 16), minima = random.floats(groups * 16)
                    let actScales = random.floats(columns / 32 * width), actSums = random.floats(groups * width)
                    let start = random.floats(16 * width)
                    func run(_ t: UnsafePointer<ck_table>) -> [Float] {
                        var sums = start
                        sums.withUnsafeMutableBufferPointer { sums in
                            quants.withUnsafeBufferPointer { quants in
                                scales.withUnsafeBufferPointer { scales in
                                    minima.withUnsafeBufferPointer { minima in
                                        activations.withUnsafeBufferPointer { activations in
                                            actScales.withUnsafeBufferPointer { actScales in
                                                actSums.withUnsafeBufferPointer { actSums in
                                                    var tile = ck_tile(
                                                        quants: quants.baseAddress, scales: scales.baseAddress,
                                                        minima: minima.baseAddress,
                                                        activations: activations.baseAddress,
                                                        act_scales: actScales.baseAddress,
                                                        act_sums: actSums.baseAddress,
                                                        sums: sums.baseAddress, columns: columns)
                                                    product(t, kind, width: width)(&tile)
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        return sums
                    }
                    #expect(bits(run(table(level))) == bits(run(portable)), "columns \(columns), width \(width)")
                }
            }
        }
    }

    @Test(arguments: faster, quantizedTypes) func unpackingAgreesExactly(level: String, type: DataType) {
        let columns = 768
        let weights = Weights(type, rows: 1, columns: columns, seed: 5)
        func run(_ t: UnsafePointer<ck_table>) -> ([UInt8], [UInt32], [UInt32]) {
            var quants = [UInt8](repeating: 0, count: columns)
            var scales = [Float](repeating: 0, count: columns / 16), minima = scales
            unpack(t, type, weights.view.bytes, columns, &quants, &scales, &minima)
            return (quants, bits(scales), bits(minima))
        }
        #expect(run(table(level)) == run(portable))
    }

    @Test(arguments: faster) func panelsAgreeExactly(level: String) {
        var random = Random(1)
        for n in [32, 64, 224] {
            let rows = (0..<16 * n).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var a = rows, b = rows
            table(level).pointee.interleave(rows, n, &a)
            portable.pointee.interleave(rows, n, &b)
            #expect(a == b)
        }
        for n in [1, 7, 8, 18, 64] {
            let rows = random.floats(16 * 72)
            var a = [Float](repeating: 0, count: 16 * 72), b = a
            table(level).pointee.transpose(rows, 72, n, &a)
            portable.pointee.transpose(rows, 72, n, &b)
            #expect(a[..<(16 * n)] == b[..<(16 * n)])
        }
    }

    @Test(arguments: faster, [false, true]) func floatProductsAgreeExactly(level: String, accumulate: Bool) {
        var random = Random(2)
        for (m, n, k) in [(1, 1, 1), (2, 16, 5), (6, 64, 64), (7, 23, 33), (13, 40, 8), (1, 70, 3), (5, 9, 0)] {
            let a = random.floats(m * k), b = random.floats(k * n), start = random.floats(m * n)
            var c = start, expected = start
            table(level).pointee.gemm(m, n, k, a, k, b, n, &c, n, accumulate)
            portable.pointee.gemm(m, n, k, a, k, b, n, &expected, n, accumulate)
            #expect(bits(c) == bits(expected), "\(m) x \(n) x \(k)")
        }
    }

    @Test(arguments: faster, [DataType.f16, .bf16]) func halvesAgreeExactly(level: String, type: DataType) {
        let all = (0...UInt16.max).map { $0 }
        var a = [Float](repeating: 0, count: all.count), b = a
        ck_dequantize_row(table(level), type.rawValue, all, all.count - 1, &a)
        ck_dequantize_row(portable, type.rawValue, all, all.count - 1, &b)
        #expect(zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN })
    }

    @Test(arguments: levels) func roundingToHalvesIsThatOfSwift(level: String) {
        var random = Random(9)
        var x: [Float] = [
            0, -0, 65504, 65519, 65520, 1e30, .infinity, -.infinity, 0x1p-14, 0x1p-24, 0x1p-25, 0x1.8p-25,
        ]
        for _ in 0..<2000 { x.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))) }
        for i in 0..<200 { x.append(Float(Float16(bitPattern: UInt16(i * 37))) * 1.00048828125) }  // ties
        var y = [UInt16](repeating: 0, count: x.count)
        table(level).pointee.to_f16(x, x.count, &y)
        for (i, value) in x.enumerated() where !value.isNaN { #expect(y[i] == Float16(value).bitPattern, "\(value)") }
    }

    @Test(arguments: levels) func exponentialsAreAccurate(level: String) {
        var x = (0..<20000).map { Float($0) * -0.0043 }
        x += [-.infinity, -88, -103, -1e30]
        var y = x
        let sum = table(level).pointee.exp_shift(&y, y.count, 0)
        for (value, result) in zip(x, y) {
            let exact = value < -87 ? 0 : exp(Double(value))
            #expect(abs(Double(result) - exact) <= 4e-7 * exact, "exp(\(value))")
        }
        let exact = y.reduce(0.0) { $0 + Double($1) }
        #expect(abs(Double(sum) - exact) <= 1e-5 * exact)
        for n in lengths {
            var some = Array(x.prefix(n))
            _ = table(level).pointee.exp_shift(&some, n, 0)
            #expect(bits(some) == bits(Array(y.prefix(n))))
        }
    }

    @Test(arguments: levels) func gatesAreAccurate(level: String) {
        for n in lengths {
            var random = Random(UInt64(n))
            let up = random.floats(n)
            var gate = random.floats(n).map { $0 * 12 }
            if n > 8 { gate.replaceSubrange(0..<4, with: [0, 90, -90, -1e20]) }
            var silu = gate, gelu = gate, capped = gate
            table(level).pointee.silu_gate(gate, up, n, &silu)
            table(level).pointee.gelu_gate(gate, up, n, &gelu)
            table(level).pointee.softcap(&capped, n, 30)
            for i in 0..<n {
                let (g, u) = (Double(gate[i]), Double(up[i]))
                let exactSilu = g / (1 + exp(-g)) * u
                let inner = (2 / Double.pi).squareRoot() * (g + 0.044715 * g * g * g)
                let exactGelu = 0.5 * g * (1 + tanh(inner)) * u
                #expect(abs(Double(silu[i]) - exactSilu) <= 1e-6 * abs(exactSilu) + 1e-18)
                // tanh close to -1 cancels: the error is relative to g, not to the result.
                #expect(abs(Double(gelu[i]) - exactGelu) <= 2e-6 * abs(exactGelu) + 1e-9 * min(abs(g), 10))
                #expect(abs(Double(capped[i]) - 30 * tanh(g / 30)) <= 3e-6 * 30)
            }
        }
    }

    @Test(arguments: levels) func normsAndSumsAreAccurate(level: String) {
        for n in lengths {
            var random = Random(UInt64(n) + 50)
            let x = random.floats(n), weight = random.floats(n)
            var y = x, bare = x, sum = weight, scaled = x
            table(level).pointee.rms_norm(x, weight, n, 1e-6, &y)
            table(level).pointee.rms_norm(x, nil, n, 1e-6, &bare)
            table(level).pointee.add(x, n, &sum)
            table(level).pointee.scale(&scaled, n, 3)
            let factor = 1 / (x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(n) + 1e-6).squareRoot()
            for i in 0..<n {
                let exact = Double(x[i]) * factor
                #expect(abs(Double(bare[i]) - exact) <= 1e-6 * abs(exact))
                #expect(abs(Double(y[i]) - exact * Double(weight[i])) <= 1e-6 * abs(exact * Double(weight[i])))
                #expect(sum[i] == weight[i] + x[i] && scaled[i] == 3 * x[i])
            }
            #expect(table(level).pointee.maximum(x, n) == x.max())
        }
        #expect(table(level).pointee.maximum([], 0) == -.infinity)
        #expect(table(level).pointee.maximum([1, .nan, 3, 2, -.infinity, 0, 1, 2, .nan, 1], 10) == 3)
    }

    @Test(arguments: levels) func rotationsTurnPairs(level: String) {
        for n in [1, 3, 4, 8, 13, 32, 37] {
            var random = Random(UInt64(n) + 90)
            let x = random.floats(2 * n), angles = random.floats(n).map { $0 * 3 }
            let cosines = angles.map { cos($0) }, sines = angles.map { sin($0) }
            var halves = x, pairs = x
            halves.withUnsafeMutableBufferPointer { halves in
                guard let start = halves.baseAddress else { return }
                table(level).pointee.rope_halves(start, start + n, n, cosines, sines)
            }
            table(level).pointee.rope_pairs(&pairs, n, cosines, sines)
            for i in 0..<n {
                func turned(_ a: Float, _ b: Float) -> (Float, Float) {
                    (a * cosines[i] - b * sines[i], b * cosines[i] + a * sines[i])
                }
                let h = turned(x[i], x[i + n]), p = turned(x[2 * i], x[2 * i + 1])
                let errors = [halves[i] - h.0, halves[i + n] - h.1, pairs[2 * i] - p.0, pairs[2 * i + 1] - p.1]
                #expect(errors.allSatisfy { abs($0) <= 3e-7 })
            }
        }
    }

    @Test(arguments: faster) func keysAreTurnedExactly(level: String) {
        var random = Random(4)
        for (n, width) in [(64, 64), (13, 40), (8, 20), (1, 128)] {
            let keys = random.floats((n + 7) / 8 * 8 * width)
            var a = [Float](repeating: 0, count: 64 * width), b = a
            table(level).pointee.transpose_keys(keys, n, width, &a, 64)
            portable.pointee.transpose_keys(keys, n, width, &b, 64)
            for d in 0..<width { #expect(a[d * 64..<d * 64 + n] == b[d * 64..<d * 64 + n]) }
        }
    }
}

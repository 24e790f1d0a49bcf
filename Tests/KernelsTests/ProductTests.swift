// Matrix products and row look-ups through the door: right within what rounding allows, and the same bits whatever the
// threads, the level and the company of other tokens.

import CKernels
import Kernels
import Tensors
import Testing

private func compute(_ threads: Int = 1, _ numerics: Numerics = .fast, _ level: String? = nil) -> Compute {
    Compute(
        pool: ThreadPool(threads: threads), kernels: level.flatMap { KernelSet.named($0) } ?? .best(),
        numerics: numerics)
}

private func multiply(_ c: Compute, _ w: Weights, _ x: [Float], tokens: Int, bias: [Float]? = nil) -> [Float] {
    var y = [Float](repeating: .nan, count: tokens * w.view.rows)
    if let bias {
        bias.withUnsafeBufferPointer { c.matmul(w.view, x, tokens: tokens, into: &y, bias: $0.baseAddress) }
    } else {
        c.matmul(w.view, x, tokens: tokens, into: &y)
    }
    return y
}

/// Whether the level rounds the inputs of these weights to BF16.
private func roundsInputs(_ type: DataType, _ numerics: Numerics, _ level: String) -> Bool {
    type == .bf16 && numerics == .fast && level == "avx512bf16"
}

/// A tensor `[columns, rows, matrices]`.
private func stacked(_ type: DataType, rows: Int, columns: Int, matrices: Int) -> Weights {
    Weights(type, rows: rows, columns: columns, matrices: matrices, seed: 71)
}

@Suite struct ProductTests {
    /// Exact numerics: the error of a chain of n fused additions is at most n half-ulps of the sum of magnitudes. Fast
    /// numerics: each input is off by up to half a step of its block of 32.
    @Test(arguments: weightTypes, Numerics.allCases) func productsAreRight(type: DataType, numerics: Numerics) {
        let (rows, columns, tokens) = (37, type.blockElements == 1 ? 275 : 1280, 6)
        let w = Weights(type, rows: rows, columns: columns, seed: 21)
        var random = Random(22)
        let x = random.floats(tokens * columns), bias = random.floats(rows)
        let y = multiply(compute(2, numerics), w, x, tokens: tokens, bias: bias)
        let values = w.values
        let quantized = numerics == .fast && type.blockElements > 1
        for token in 0..<tokens {
            let input = x[token * columns..<(token + 1) * columns]
            let steps = stride(from: 0, to: columns, by: 32).map { start in
                input[(input.startIndex + start)..<min(input.startIndex + start + 32, input.endIndex)].reduce(0) {
                    max($0, abs($1))
                } / 254
            }
            for row in 0..<rows {
                var exact = Double(bias[row]), magnitude = abs(exact), rounding = 0.0
                for k in 0..<columns {
                    let weight = Double(values[row * columns + k])
                    exact += weight * Double(x[token * columns + k])
                    magnitude += abs(weight * Double(x[token * columns + k]))
                    rounding += abs(weight) * Double(steps[k / 32])
                }
                var allowed = Double(columns) * 0x1p-24 * magnitude
                // Unpacking adds and subtracts offsets (-8 d and the like) of up to 30 times the value.
                if quantized { allowed = allowed * 30 + rounding }
                if roundsInputs(type, numerics, KernelSet.best().name) { allowed += 0x1p-9 * magnitude }
                let error = abs(Double(y[token * rows + row]) - exact)
                #expect(error <= allowed, "token \(token), row \(row): \(error) > \(allowed)")
            }
        }
    }

    @Test(arguments: weightTypes, Numerics.allCases)
    func bitsDependNeitherOnThreadsNorOnOtherTokens(type: DataType, numerics: Numerics) {
        let (rows, columns, tokens) = (83, 1280, 11)
        let w = Weights(type, rows: rows, columns: columns, seed: 31)
        var random = Random(32)
        let x = random.floats(tokens * columns)
        let all = bits(multiply(compute(1, numerics), w, x, tokens: tokens))
        for threads in [2, 4] { #expect(bits(multiply(compute(threads, numerics), w, x, tokens: tokens)) == all) }
        for chunk in [1, 2, 3, 5, 8, 9] {
            var parts: [UInt32] = []
            let c = compute(2, numerics)
            for start in stride(from: 0, to: tokens, by: chunk) {
                let end = min(start + chunk, tokens)
                parts += bits(multiply(c, w, Array(x[start * columns..<end * columns]), tokens: end - start))
            }
            #expect(parts == all, "chunks of \(chunk)")
        }
    }

    @Test(arguments: weightTypes, levels.filter { $0 != "portable" })
    func bitsAreThoseOfThePortableLevel(type: DataType, level: String) {
        let w = Weights(type, rows: 19, columns: 512, seed: 41)
        var random = Random(42)
        let x = random.floats(5 * 512)
        for numerics in Numerics.allCases where !roundsInputs(type, numerics, level) {
            let fast = multiply(compute(1, numerics, level), w, x, tokens: 5)
            #expect(bits(fast) == bits(multiply(compute(1, numerics, "portable"), w, x, tokens: 5)))
        }
    }

    @Test func severalProductsShareOneInput() {
        let columns = 512, tokens = 3
        let ws = [
            Weights(.q4_K, rows: 40, columns: columns, seed: 1), Weights(.q6_K, rows: 8, columns: columns, seed: 2),
            Weights(.f32, rows: 9, columns: columns, seed: 3),
        ]
        var random = Random(5)
        let x = random.floats(tokens * columns)
        let c = compute(2)
        let alone = ws.map { multiply(c, $0, x, tokens: tokens) }
        // The outputs side by side, as one row of q, k and v.
        let width = 57
        var together = [Float](repeating: 0, count: tokens * width)
        together.withUnsafeMutableBufferPointer { y in
            guard let start = y.baseAddress else { return }
            c.matmul(
                [
                    Product(ws[0].view, into: start, outputStride: width),
                    Product(ws[1].view, into: start + 40, outputStride: width),
                    Product(ws[2].view, into: start + 48, outputStride: width),
                ], x, tokens: tokens)
        }
        for token in 0..<tokens {
            let row = alone.enumerated().flatMap { i, y in y[token * ws[i].view.rows..<(token + 1) * ws[i].view.rows] }
            #expect(Array(together[token * width..<(token + 1) * width]) == row)
        }
    }

    /// Experts of a mixture: gate and up of each group of rows, and empty groups between.
    @Test(arguments: [[DataType.q4_K, .q6_K], [.q8_0, .q8_0], [.mxfp4, .f16], [.bf16, .bf16]], Numerics.allCases)
    func groupsGetTheBitsOfSeparateProducts(types: [DataType], numerics: Numerics) {
        let columns = 256, (gateRows, upRows) = (45, 24), sizes = [1, 0, 7, 64, 0, 3, 1]
        let gates = stacked(types[0], rows: gateRows, columns: columns, matrices: sizes.count)
        let ups = stacked(types[1], rows: upRows, columns: columns, matrices: sizes.count)
        let total = sizes.reduce(0, +), width = gateRows + upRows
        var random = Random(77)
        let x = random.floats(total * columns)
        let c = compute(2, numerics)
        var expected: [Float] = [], first = 0
        for (expert, size) in sizes.enumerated() {
            let input = Array(x[first * columns..<(first + size) * columns])
            let parts = [gates.view.slice(expert), ups.view.slice(expert)].map { w in
                var y = [Float](repeating: .nan, count: size * w.rows)
                c.matmul(w, input, tokens: size, into: &y)
                return y
            }
            for i in 0..<size {
                expected.append(contentsOf: parts[0][i * gateRows..<(i + 1) * gateRows])
                expected.append(contentsOf: parts[1][i * upRows..<(i + 1) * upRows])
            }
            first += size
        }
        for threads in [1, 2, 4] {
            var y = [Float](repeating: .nan, count: total * width)
            y.withUnsafeMutableBufferPointer { y in
                guard let start = y.baseAddress else { return }
                var groups: [ProductGroup] = [], first = 0
                for (expert, size) in sizes.enumerated() {
                    let out = start + first * width
                    groups.append(
                        ProductGroup(
                            rows: first..<first + size,
                            products: [
                                Product(gates.view.slice(expert), into: out, outputStride: width),
                                Product(ups.view.slice(expert), into: out + gateRows, outputStride: width),
                            ]))
                    first += size
                }
                compute(threads, numerics).groupedMatmul(groups, x)
            }
            #expect(bits(y) == bits(expected))
        }
    }

    /// In decode all experts take the same row, so their ranges are equal.
    @Test func groupsMayShareTheirRows() {
        let (columns, rows, experts) = (512, 24, 3)
        let w = stacked(.q4_K, rows: rows, columns: columns, matrices: experts)
        var random = Random(78)
        let x = random.floats(2 * columns)
        let c = compute(2)
        var y = [Float](repeating: .nan, count: (experts + 1) * rows)
        y.withUnsafeMutableBufferPointer { y in
            guard let start = y.baseAddress else { return }
            var groups = (0..<experts).map {
                ProductGroup(rows: 0..<1, products: [Product(w.view.slice($0), into: start + $0 * rows)])
            }
            groups.append(ProductGroup(rows: 1..<2, products: [Product(w.view.slice(0), into: start + 3 * rows)]))
            c.groupedMatmul(groups, x)
        }
        for (i, (expert, token)) in [(0, 0), (1, 0), (2, 0), (0, 1)].enumerated() {
            var alone = [Float](repeating: .nan, count: rows)
            let input = Array(x[token * columns..<(token + 1) * columns])
            c.matmul(w.view.slice(expert), input, tokens: 1, into: &alone)
            #expect(bits(alone) == bits(Array(y[i * rows..<(i + 1) * rows])))
        }
    }

    @Test func partsOfATensorAreMatrices() {
        let w = stacked(.q8_0, rows: 6, columns: 64, matrices: 3)
        let values = w.values
        let second = w.view.slice(1), part = second.rows(2..<5)
        #expect(second.shape == [64, 6] && part.shape == [64, 3] && part.byteCount == 3 * 68)
        var y = [Float](repeating: 0, count: 3 * 64)
        compute().rows(part, ids: [0, 1, 2], into: &y)
        #expect(y == Array(values[8 * 64..<11 * 64]))
    }

    /// An infinite weight or input must show in the result and disturb no other row.
    @Test func infinitiesStayInTheirRow() {
        let columns = 64
        let w = Weights(.q8_0, rows: 20, columns: columns, seed: 3)
        let bytes = UnsafeMutableRawPointer(mutating: w.view.bytes)
        bytes.storeBytes(of: 0x7c00, toByteOffset: 5 * w.view.rowBytes, as: UInt16.self)
        let y = multiply(compute(), w, Array(repeating: 1, count: columns), tokens: 1)
        #expect(!y[5].isFinite)
        #expect(y.enumerated().allSatisfy { $0.offset == 5 || $0.element.isFinite })
    }

    @Test(arguments: weightTypes) func rowsAreLookedUp(type: DataType) {
        let w = Weights(type, rows: 30, columns: 256, seed: 8)
        let ids: [Int32] = [29, 0, 7, 7, 13]
        var y = [Float](repeating: 0, count: ids.count * 256)
        compute(2).rows(w.view, ids: ids, into: &y)
        let values = w.values
        for (i, id) in ids.enumerated() {
            #expect(Array(y[i * 256..<(i + 1) * 256]) == Array(values[Int(id) * 256..<(Int(id) + 1) * 256]))
        }
    }
}

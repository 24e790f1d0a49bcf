// Integers of keys and values: every level against the portable one, bit for bit, and the portable one against what a
// transform and sixteen levels can do.

import CKernels
import Kernels
import Testing

private let faster = levels.filter { $0 != "portable" }
private let widths = [2, 8, 16, 20, 24, 64, 80, 96, 128, 256, 512]

/// Rows as they occur: normal, with outliers, of one magnitude, tiny, huge, zero, and what should never occur.
private func rows(_ width: Int) -> [[Float]] {
    var random = Random(UInt64(width))
    func normal() -> Float { (0..<12).reduce(0) { sum, _ in sum + random.float() } / 2 }
    let plain = (0..<width).map { _ in normal() }
    var outlier = plain
    outlier[width / 3] = 50
    return [
        plain, plain.map { $0 * 300 }, outlier, plain.map { $0 < 0 ? -2 : 2 }, plain.map { $0 * 1e-6 },
        plain.map { $0 * 1e-30 }, plain.map { $0 * 1e6 }, plain.map { $0 * 1e30 }, plain.map { _ in 0 },
        plain.map { $0 > 0.3 ? .infinity : $0 }, plain.map { $0 > -0.3 ? .nan : $0 },
    ]
}

private struct Codes: Equatable {
    var bytes: [UInt8]
    var scale: UInt16
}

private func encode(_ level: UnsafePointer<ck_table>, _ type: KVType, _ row: [Float]) -> Codes {
    var codes = Codes(bytes: Array(repeating: 0xee, count: row.count), scale: 0)
    if type == .q8 {
        codes.scale = codes.bytes.withUnsafeMutableBytes {
            level.pointee.encode_q8(row, row.count, $0.baseAddress?.assumingMemoryBound(to: Int8.self))
        }
    } else {
        codes.scale = level.pointee.encode_q4(row, row.count, &codes.bytes)
        codes.bytes.removeLast(row.count / 2)
    }
    return codes
}

/// Without the transform.
private func decode(_ codes: Codes, _ type: KVType) -> [Double] {
    let scale = Double(Float16(bitPattern: codes.scale))
    if type == .q8 { return codes.bytes.map { Double(Int8(bitPattern: $0)) * scale } }
    return codes.bytes.map { q4Levels[Int($0 & 15)] * scale } + codes.bytes.map { q4Levels[Int($0 >> 4)] * scale }
}

/// The root of the mean squared error, in units of that of the row.
private func error(_ row: [Float], _ decoded: [Double]) -> Double {
    let squares = zip(row, decoded).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return (squares / row.reduce(0) { $0 + Double($1) * Double($1) }).squareRoot()
}

@Suite struct KVCodecTests {
    @Test(arguments: levels) func transformsAreTheDefinition(level: String) {
        for width in widths {
            var random = Random(UInt64(width))
            let x = random.floats(width), block = width & -width
            var y = x
            table(level).pointee.hadamard(&y, width, block)
            var expected = x
            portable.pointee.hadamard(&expected, width, block)
            #expect(bits(y) == bits(expected))
            for i in 0..<width {
                let start = i / block * block
                let sum = (0..<block).reduce(0.0) { sum, j in
                    let sign = ((i - start) & j).nonzeroBitCount % 2 == 0 ? 1.0 : -1
                    return sum + sign * Double(x[start + j])
                }
                #expect(abs(Double(y[i]) - sum / Double(block).squareRoot()) < 2e-6)
            }
            table(level).pointee.hadamard(&y, width, block)
            #expect(zip(x, y).allSatisfy { abs($0 - $1) < 2e-6 }, "its own inverse")
        }
    }

    @Test(arguments: faster, [KVType.q8, .q4]) func codesAgreeExactly(level: String, type: KVType) {
        for width in widths {
            for row in rows(width) {
                #expect(encode(table(level), type, row) == encode(portable, type, row), "\(width)")
            }
        }
    }

    @Test(arguments: faster) func floatsAgreeExactly(level: String) {
        var random = Random(3)
        for (rows, n, stride) in [(64, 64, 64), (20, 8, 64), (6, 16, 16), (2, 64, 256), (512, 40, 64)] {
            let codes = (0..<rows * stride).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let signed = codes.map { Int8(bitPattern: $0) }
            let scales = random.floats(max(rows, stride))
            func run(_ t: UnsafePointer<ck_table>) -> [[UInt32]] {
                let room = [Float](repeating: 7, count: rows * stride)
                var (q8, q4, q8Columns, q4Columns) = (room, room, room, room)
                t.pointee.q8_rows(signed, scales, rows, n, &q8)
                t.pointee.q4_rows(codes, scales, rows, n, &q4)
                t.pointee.q8_columns(signed, scales, rows, n, stride, &q8Columns)
                t.pointee.q4_columns(codes, scales, rows, n, stride, &q4Columns)
                return [q8, q4, q8Columns, q4Columns].map(bits)
            }
            #expect(run(table(level)) == run(portable))
        }
        // Widths that don't fill registers.
        for width in [2, 10, 20, 24, 90] {
            let codes = (0..<4 * width).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            func run(_ t: UnsafePointer<ck_table>) -> [[UInt32]] {
                var q8 = [Float](repeating: 7, count: 4 * width), q4 = q8
                t.pointee.q8_rows(codes.map { Int8(bitPattern: $0) }, [1, 2, -3, 0.1], 4, width, &q8)
                t.pointee.q4_rows(codes, [1, 2, -3, 0.1], 4, width, &q4)
                return [bits(q8), bits(q4)]
            }
            #expect(run(table(level)) == run(portable))
        }
    }

    @Test(arguments: widths) func bytesKeepHalfAStep(width: Int) {
        for row in rows(width).prefix(4) {
            let codes = encode(portable, .q8, row), decoded = decode(codes, .q8)
            let step = Double(Float16(bitPattern: codes.scale))
            #expect(abs(step - Double(row.map(abs).max() ?? 0) / 127) <= step * 0x1p-11)
            // A rounded scale may fall short of the largest number by half of its last bit.
            #expect(zip(row, decoded).allSatisfy { abs(Double($0) - $1) <= step * 0.5631 })
        }
    }

    /// Of normal numbers sixteen levels leave 0.0095 of the squares at best, and a scale of its own for each row may
    /// gain or lose a little; even steps from the largest number down leave more.
    @Test(arguments: [64, 128, 256, 512]) func sixteenLevelsAreWellPlaced(width: Int) {
        var random = Random(UInt64(width) + 1)
        var (ours, even) = (0.0, 0.0)
        for _ in 0..<64 {
            let row = (0..<width).map { _ in (0..<12).reduce(Float(0)) { sum, _ in sum + random.float() } / 2 }
            ours += error(row, decode(encode(portable, .q4, row), .q4))
            let step = Double(row.map(abs).max() ?? 0) / 7.5
            even += error(row, row.map { (min(max((Double($0) / step - 0.5).rounded(), -8), 7) + 0.5) * step })
        }
        #expect(ours / 64 < 0.1, "\(ours / 64)")
        #expect(ours < even * 0.93, "\(ours) and \(even)")
    }

    /// Ten channels of a hundred times the size of the others.
    @Test(arguments: [KVType.q8, .q4]) func rotationSpreadsOutliers(type: KVType) {
        var random = Random(8)
        var row = random.floats(128)
        for i in 0..<10 { row[i * 13] *= 100 }
        var rotated = row
        portable.pointee.hadamard(&rotated, 128, 128)
        #expect(error(row, hadamard(decode(encode(portable, type, rotated), type))) < (type == .q8 ? 0.01 : 0.12))
        // Without it, what is small is lost in the steps of what is large.
        let small = row.indices.filter { $0 % 13 != 0 || $0 / 13 >= 10 }
        func errorOfSmall(_ row: [Float], _ decoded: [Double]) -> Double {
            error(small.map { row[$0] }, small.map { decoded[$0] })
        }
        #expect(errorOfSmall(row, decode(encode(portable, type, row), type)) > (type == .q8 ? 0.3 : 3))
    }

    @Test(arguments: [KVType.q8, .q4]) func whatIsNoNumberStaysSo(type: KVType) {
        for row in rows(64).suffix(2) {
            #expect(decode(encode(portable, type, row), type).contains { !$0.isFinite })
        }
        let zeros = [Float](repeating: 0, count: 64)
        #expect(decode(encode(portable, type, zeros), type).allSatisfy { $0 == 0 })
    }

    /// Whatever order rows come in, and in however many pieces, the bytes are the same.
    @Test(arguments: KVType.allCases, [8, 64, 256]) func pagesDependOnRowsAlone(type: KVType, pageTokens: Int) {
        let (kvHeads, headDim, length) = (3, 40, 300)
        var random = Random(5)
        let keys = random.floats(length * kvHeads * headDim), values = random.floats(keys.count)
        func store(_ chunk: Int, threads: Int) -> [[UInt8]] {
            let compute = Compute(pool: ThreadPool(threads: threads))
            var cache = KVPages(
                run: KVPageRun(), pageTokens: pageTokens, kvHeads: kvHeads, headDim: headDim, type: type)
            var memory: [UnsafeMutableRawBufferPointer] = []
            for _ in 0..<(length + pageTokens - 1) / pageTokens {
                let page = UnsafeMutableRawBufferPointer.allocate(byteCount: cache.shape.bytes, alignment: 64)
                page.initializeMemory(as: UInt8.self, repeating: 0xff)
                memory.append(page)
                guard let start = page.baseAddress else { return [] }
                cache.run.append(KVPageView(keys: start, values: start + cache.shape.keyBytes))
            }
            defer { memory.forEach { $0.deallocate() } }
            for first in stride(from: 0, to: length, by: chunk) {
                keys.withUnsafeBufferPointer { keys in
                    values.withUnsafeBufferPointer { values in
                        guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                        let width = kvHeads * headDim
                        compute.storeKV(
                            keys: keys + first * width, values: values + first * width,
                            tokens: min(chunk, length - first), firstPosition: first, into: cache)
                    }
                }
            }
            // What is stored is near what was given, and what is cleared is zero.
            let place = length % pageTokens
            if let last = memory.last?.baseAddress, place > 0 {
                let row = cache.shape.row(ofKeys: last, head: 2, place: place - 1)
                let given = keys[(length * kvHeads - 1) * headDim..<length * kvHeads * headDim]
                #expect(error(Array(given), row) < 0.2)
                cache.shape.clear(last, from: place)
                #expect(cache.shape.row(ofKeys: last, head: 2, place: place - 1) == row)
                for head in 0..<kvHeads {
                    for place in place..<pageTokens {
                        #expect(cache.shape.row(ofKeys: last, head: head, place: place).allSatisfy { $0 == 0 })
                        let values = last + cache.shape.keyBytes
                        #expect(cache.shape.row(ofValues: values, head: head, place: place).allSatisfy { $0 == 0 })
                    }
                }
            }
            return memory.map { Array($0) }
        }
        let whole = store(length, threads: 1)
        for (chunk, threads) in [(1, 1), (7, 2), (100, 4)] { #expect(store(chunk, threads: threads) == whole) }
    }
}

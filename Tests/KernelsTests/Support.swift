// What the tests of this folder share: random numbers, random weights, the levels to compare, fixture files.

import CKernels
import FoundationEssentials
import Glibc
import Kernels
import Tensors
import Testing

/// SplitMix64 (Steele, Lea, Flood 2014): small and the same everywhere.
struct Random: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Between -1 and 1.
    mutating func float() -> Float { Float(Int32(truncatingIfNeeded: next() >> 32)) * 0x1p-31 }

    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in float() } }
}

/// The C table of every level that this machine can run; constant memory.
nonisolated(unsafe) let tables: [UnsafePointer<ck_table>] = {
    var found: [UnsafePointer<ck_table>?] = Array(repeating: nil, count: 8)
    let count = ck_tables(&found)
    return found.prefix(count).compactMap { $0 }
}()

nonisolated(unsafe) let portable = tables[tables.count - 1]
let levels = tables.map { String(cString: $0.pointee.name) }

let weightTypes = DataType.allCases.filter(\.isWeight)
let quantizedTypes = weightTypes.filter { $0.blockElements > 1 }

func table(_ level: String) -> UnsafePointer<ck_table> {
    tables.first { String(cString: $0.pointee.name) == level } ?? portable
}

/// Random bytes with scales of a sensible size, in memory of their own.
final class Weights {
    let view: TensorView
    private let memory: UnsafeMutableRawPointer

    /// With several matrices a tensor of three dimensions.
    init(_ type: DataType, rows: Int, columns: Int, matrices: Int = 1, seed: UInt64) {
        var random = Random(seed)
        let bytes = (type.rowBytes(columns) ?? 0) * rows * matrices
        memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        for offset in stride(from: 0, to: bytes, by: type.blockBytes) {
            let block = memory + offset
            for i in 0..<type.blockBytes {
                block.storeBytes(of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: i, as: UInt8.self)
            }
            let scale = Float16(random.float() * 0.02).bitPattern, other = Float16(random.float() * 0.02).bitPattern
            switch type {
            case .f32: block.storeBytes(of: random.float().bitPattern, as: UInt32.self)
            case .bf16: block.storeUnaligned(UInt16(random.float().bitPattern >> 16), 0)
            case .f16, .q4_0, .q5_0, .q8_0, .iq4_NL, .iq4_XS: block.storeUnaligned(scale, 0)
            case .q4_1, .q5_1, .q4_K, .q5_K:
                block.storeUnaligned(scale, 0)
                block.storeUnaligned(other, 2)
            case .q2_K:
                block.storeUnaligned(scale, 80)
                block.storeUnaligned(other, 82)
            case .q3_K: block.storeUnaligned(scale, 108)
            case .q6_K: block.storeUnaligned(scale, 208)
            default: block.storeBytes(of: UInt8(110 + random.next() % 12), as: UInt8.self)  // MXFP4
            }
        }
        view = TensorView(
            name: "test", type: type, shape: [columns, rows] + (matrices > 1 ? [matrices] : []), bytes: memory,
            byteCount: bytes)
    }

    deinit { memory.deallocate() }

    /// The values, by the portable level, `[rows][columns]`.
    var values: [Float] {
        var out = [Float](repeating: 0, count: view.elements)
        ck_dequantize_row(portable, view.type.rawValue, view.bytes, view.elements, &out)
        return out
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func storeUnaligned(_ value: UInt16, _ offset: Int) {
        storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: offset, as: UInt8.self)
        storeBytes(of: UInt8(truncatingIfNeeded: value >> 8), toByteOffset: offset + 1, as: UInt8.self)
    }
}

func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }

/// The folder beside the repository that holds large fixtures; found from where this file really is.
let sharedFixtures: String? = {
    guard let real = realpath(#filePath, nil) else { return nil }
    defer { free(real) }
    var path = String(cString: real)
    for _ in 0..<3 { path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
    let folder = path + "/../shared/fixtures"
    if access(folder + "/quant/Q4_0.safetensors", R_OK) == 0 { return folder }
    print("SKIPPED: block format fixtures, because \(folder)/quant is missing")
    return nil
}()

/// C arrays of functions import as tuples; this reads an element.
private func function<Tuple, Function>(_ tuple: Tuple, _ index: Int, as: Function.Type) -> Function {
    withUnsafeBytes(of: tuple) {
        $0.loadUnaligned(fromByteOffset: index * MemoryLayout<Function>.stride, as: Function.self)
    }
}

typealias Unpack =
    @convention(c) (
        UnsafeRawPointer?, Int, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?
    ) -> Void
typealias TileProduct = @convention(c) (UnsafePointer<ck_tile>?) -> Void

func unpack(
    _ table: UnsafePointer<ck_table>, _ type: DataType, _ row: UnsafeRawPointer, _ n: Int,
    _ quants: UnsafeMutablePointer<UInt8>, _ scales: UnsafeMutablePointer<Float>, _ minima: UnsafeMutablePointer<Float>
) {
    function(table.pointee.unpack, Int(type.rawValue), as: Unpack.self)(row, n, quants, scales, minima)
}

func product(_ table: UnsafePointer<ck_table>, _ kind: Int, width: Int) -> TileProduct {
    function(table.pointee.product, kind * Int(CK_TILE_TOKENS) + width - 1, as: TileProduct.self)
}

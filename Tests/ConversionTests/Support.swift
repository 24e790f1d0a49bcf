// Memory and files that the tests of this target share.

import Conversion
import Foundation
import Kernels
import Tensors
import Testing
import Weights

enum Blocks {
    /// The blocks of a row.
    static func quantized(_ x: [Float], _ type: DataType, threads: Int = 1) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xAA, count: type.rowBytes(x.count) ?? 0)
        let pool = ThreadPool(threads: threads)
        unsafe x.withUnsafeBufferPointer { numbers in
            unsafe bytes.withUnsafeMutableBytes { blocks in
                guard let start = numbers.baseAddress, let y = blocks.baseAddress else { return }
                unsafe RowQuantizer.quantize(start, count: x.count, as: type, into: y, pool: pool)
            }
        }
        return bytes
    }

    /// The numbers of a tensor, by the kernels that inference uses.
    static func numbers(_ tensor: TensorView) -> [Float] {
        let buffer = Buffer<Float>(count: tensor.elements)
        unsafe Compute(pool: ThreadPool(threads: 1))
            .rows(tensor, ids: (0..<Int32(tensor.rows)).map { $0 }, into: buffer.pointer)
        return buffer.array()
    }

    /// The numbers of blocks.
    static func numbers(_ bytes: [UInt8], _ type: DataType) -> [Float] {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return [] }
            let columns = bytes.count / type.blockBytes * type.blockElements
            return unsafe numbers(
                TensorView(name: "x", type: type, shape: [columns], bytes: base, byteCount: bytes.count))
        }
    }

    /// The root of the mean squared difference.
    static func error(_ x: [Float], _ y: [Float]) -> Double {
        precondition(x.count == y.count, "same length")
        let sum = zip(x, y).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        return (sum / Double(x.count)).squareRoot()
    }
}

/// A temporary folder, deleted with the value that holds it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "conversion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
}

/// The folder of shared test files, if it is there; says so if it is not.
func sharedFixtures(_ name: String) -> String? {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../shared/fixtures/\(name)").standardizedFileURL.path
    if FileManager.default.fileExists(atPath: path) { return path }
    print("NOT TESTED: \(path) is missing")
    return nil
}

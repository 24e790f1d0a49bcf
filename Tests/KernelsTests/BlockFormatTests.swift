// Every block format against gguf-py's dequantizer, bit for bit, on every level.

import CKernels
import FoundationEssentials
import Tensors
import Testing

/// The part of a safetensors file that the fixtures need.
private struct Safetensors {
    struct Entry: Decodable {
        /// First and last byte within the data; missing in the entry that holds the metadata.
        var offsets: [Int]?

        enum CodingKeys: String, CodingKey {
            case offsets = "data_offsets"
        }
    }
    var entries: [String: Entry]
    var data: [UInt8]

    init(_ path: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let header = Data(bytes[8..<8 + length])
        entries = try JSONDecoder().decode([String: Entry].self, from: header)
        data = Array(bytes[(8 + length)...])
    }

    func bytes(_ name: String) -> [UInt8]? {
        entries[name]?.offsets.map { Array(data[$0[0]..<$0[1]]) }
    }

    func words(_ name: String) -> [UInt32]? {
        bytes(name).map { b in
            b.withUnsafeBytes { p in (0..<b.count / 4).map { p.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
            }
        }
    }
}

@Suite struct BlockFormatTests {
    @Test(
        .enabled(if: sharedFixtures != nil, "fixtures are missing"), arguments: weightTypes.filter { $0 != .f32 },
        levels)
    func valuesAreThoseOfTheReference(type: DataType, level: String) throws {
        let file = try Safetensors("\(sharedFixtures ?? "")/quant/\(type.name).safetensors")
        var cases = 0
        for name in file.entries.keys.sorted() where name.hasSuffix(".blocks") {
            let prefix = String(name.dropLast(".blocks".count))
            let blocks = try #require(file.bytes(name))
            let count = blocks.count / type.blockBytes * type.blockElements
            var values = [Float](repeating: 0, count: count)
            ck_dequantize_row(table(level), type.rawValue, blocks, count, &values)
            let expected = try #require(file.words(prefix + ".values") ?? file.words(prefix + ".bits"), "\(prefix)")
            let isNaN = file.bytes(prefix + ".is_nan") ?? Array(repeating: 0, count: count)
            #expect(expected.count == count)
            let wrong = (0..<count).filter {
                isNaN[$0] != 0 ? !values[$0].isNaN : values[$0].bitPattern != expected[$0]
            }
            #expect(wrong.isEmpty, "\(prefix): \(wrong.count) of \(count) differ, first at \(wrong.first ?? 0)")
            cases += 1
        }
        #expect(cases >= 2)
    }

    @Test(arguments: DataType.allCases) func sizesAgreeBetweenSwiftAndC(type: DataType) {
        #expect(ck_block_bytes(type.rawValue) == (type.isWeight ? type.blockBytes : 0))
        #expect(ck_block_elements(type.rawValue) == (type.isWeight ? type.blockElements : 0))
        #expect(type.rowBytes(type.blockElements * 3) == type.blockBytes * 3)
        #expect(type.blockElements == 1 || type.rowBytes(type.blockElements + 1) == nil)
        let most = Int.max / type.blockElements * type.blockElements
        #expect((type.rowBytes(most) == nil) == (type.blockBytes > type.blockElements))
        #expect(type.rowBytes(-type.blockElements) == nil)
    }

    /// What products use must be the same weights: scale * quant + minimum, up to the rounding of the last addition.
    @Test(arguments: quantizedTypes, levels) func unpackedQuantsStandForTheSameValues(type: DataType, level: String) {
        let columns = 1024
        let weights = Weights(type, rows: 1, columns: columns, seed: 7)
        let group = ck_class(type.rawValue) == Int32(CK_U6) ? 16 : 32
        var quants = [UInt8](repeating: 0, count: columns)
        var scales = [Float](repeating: 0, count: columns / group), minima = scales
        unpack(table(level), type, weights.view.bytes, columns, &quants, &scales, &minima)
        let limit: UInt8 = [15, 31, 63, 255][Int(ck_class(type.rawValue))]
        #expect(quants.allSatisfy { $0 <= limit })
        let signed = ck_class(type.rawValue) == Int32(CK_S8)
        for (i, value) in weights.values.enumerated() {
            let quant = signed ? Float(Int8(bitPattern: quants[i])) : Float(quants[i])
            let minimum = signed ? 0 : minima[i / group]
            let unpacked = scales[i / group] * quant + minimum
            let size = abs(scales[i / group] * quant) + abs(minimum)
            #expect(abs(unpacked - value) <= 2 * Float.ulpOfOne * size, "\(type.name) element \(i)")
        }
    }
}

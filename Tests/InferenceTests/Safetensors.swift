// Reads the reference outputs that come with the fixtures: little-endian F32 and I32 arrays behind a JSON header.

import Foundation

/// The arrays of one file.
struct Safetensors {
    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let dataOffsets: [Int]

        private enum CodingKeys: String, CodingKey {
            case dtype, shape
            case dataOffsets = "data_offsets"
        }
    }

    private let entries: [String: Entry]
    private let data: Data

    init(_ url: URL) throws {
        let file = try Data(contentsOf: url, options: .alwaysMapped)
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = try JSONSerialization.jsonObject(with: file.subdata(in: 8..<8 + length)) as? [String: Any] ?? [:]
        header["__metadata__"] = nil
        entries = try JSONDecoder().decode(
            [String: Entry].self, from: JSONSerialization.data(withJSONObject: header))
        data = file.subdata(in: 8 + length..<file.count)
    }

    var names: [String] { entries.keys.sorted() }

    func shape(_ name: String) -> [Int]? { entries[name]?.shape }

    func floats(_ name: String) -> [Float]? { values(name, "F32") { Float(bitPattern: $0) } }

    func integers(_ name: String) -> [Int32]? { values(name, "I32") { Int32(bitPattern: $0) } }

    private func values<Value>(_ name: String, _ type: String, _ convert: (UInt32) -> Value) -> [Value]? {
        guard let entry = entries[name], entry.dtype == type else { return nil }
        return data.subdata(in: entry.dataOffsets[0]..<entry.dataOffsets[1]).withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                convert(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
            }
        }
    }
}

// Files of our writer, whole and split, read back by our reader.

import Diagnostics
import Foundation
import Tensors
import Testing
import Weights

@Suite
struct GGUFWriterTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let values: [(key: String, value: MetadataValue)] = [
        ("general.architecture", .text("test")), ("u8", .uint8(200)), ("i8", .int8(-1)), ("u16", .uint16(60_000)),
        ("i16", .int16(-2)), ("u32", .uint32(4_000_000_000)), ("i32", .int32(-3)), ("u64", .uint64(1 << 40)),
        ("i64", .int64(-5)), ("f32", .float32(1.5)), ("f64", .float64(0.1)), ("yes", .bool(true)),
        ("text", .text("a▁é")), ("broken", .string([0xFF, 0x41])), ("empty", .text("")),
        ("words", .array([.text("a"), .text(""), .string([0x80])])), ("flags", .array([.bool(true), .bool(false)])),
        ("numbers", .array([.int32(1), .int32(-2)])), ("floats", .array([.float32(0.5)])),
        ("nested", .array([.array([.uint8(1), .uint8(2)]), .array([.text("x")])])),
    ]

    /// Writes tensors whose bytes count up from 0; returns the path.
    private func write(
        _ name: String = "w.gguf", _ metadata: [(key: String, value: MetadataValue)] = values,
        _ tensors: [GGUFTensorDeclaration], alignment: Int = 32
    ) throws -> String {
        let writer = try GGUFWriter(
            path: "\(scratch.path)/\(name)", metadata: metadata, tensors: tensors, alignment: alignment)
        for tensor in tensors {
            let bytes = (0..<tensor.byteCount).map { UInt8(truncatingIfNeeded: $0) }
            let middle = bytes.count / 2
            try bytes[..<middle].withUnsafeBytes { try writer.write($0, of: tensor.name) }
            try bytes[middle...].withUnsafeBytes { try writer.write($0, of: tensor.name) }
        }
        try writer.finish()
        #expect(try FileManager.default.attributesOfItem(atPath: writer.path)[.size] as? Int == writer.byteCount)
        return writer.path
    }

    private static let tensors = [
        GGUFTensorDeclaration(name: "norm.weight", type: .f32, shape: [3]),
        GGUFTensorDeclaration(name: "proj.weight", type: .q8_0, shape: [32, 3]),
        GGUFTensorDeclaration(name: "experts.weight", type: .q4_K, shape: [256, 2, 2]),
    ]

    @Test(arguments: [32, 256])
    func whatWasWrittenIsRead(alignment: Int) throws {
        let file = try GGUFFile(path: try write("a.gguf", Self.values, Self.tensors, alignment: alignment))
        #expect(Array(file.keys.prefix(Self.values.count)) == Self.values.map(\.key))
        for (key, value) in Self.values { #expect(file.value(key) == value, "\(key)") }
        #expect(file.tensors.count == 3)
        for (tensor, declared) in zip(file.tensors, Self.tensors) {
            #expect(tensor.name == declared.name && tensor.type == declared.type && tensor.shape == declared.shape)
            #expect((tensor.bytes - file.mapping.base) % alignment == 0)
            for index in 0..<tensor.byteCount {
                #expect(tensor.bytes.load(fromByteOffset: index, as: UInt8.self) == UInt8(truncatingIfNeeded: index))
            }
        }
    }

    @Test
    func nothingIsLeftOfAnUnfinishedFile() throws {
        var writer: GGUFWriter? = try GGUFWriter(
            path: scratch.path + "/x.gguf", metadata: Self.values, tensors: Self.tensors)
        #expect(writer?.byteCount ?? 0 > 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).count == 1)
        writer = nil
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
    }

    @Test
    func refusesWhatCannotFitAndWhereNothingMayBe() throws {
        let huge = GGUFTensorDeclaration(name: "huge", type: .f32, shape: [1 << 40, 1 << 15])
        let full = #expect(throws: UserError.self) {
            try GGUFWriter(path: scratch.path + "/x.gguf", metadata: Self.values, tensors: [huge])
        }
        #expect(full?.code == .diskFull)
        let absent = #expect(throws: UserError.self) {
            try GGUFWriter(path: scratch.path + "/no/such/x.gguf", metadata: Self.values, tensors: [])
        }
        #expect(absent?.code == .noPermission)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
    }

    private func split(_ number: Int, of count: Int, total: Int) -> [(key: String, value: MetadataValue)] {
        [
            ("split.no", .uint16(UInt16(number))), ("split.count", .uint16(UInt16(count))),
            ("split.tensors.count", .int32(Int32(total))),
        ]
    }

    private func writeParts(secondNumber: Int = 1, total: Int = 3) throws -> String {
        let first = try write(
            "m-00001-of-00003.gguf", Self.values + split(0, of: 3, total: total), [Self.tensors[0]])
        _ = try write("m-00002-of-00003.gguf", split(secondNumber, of: 3, total: total), [Self.tensors[1]])
        _ = try write("m-00003-of-00003.gguf", split(2, of: 3, total: total), [Self.tensors[2]])
        return first
    }

    @Test
    func aSplitModelIsOpenedByItsFirstPart() throws {
        let file = try GGUFFile(path: try writeParts())
        #expect(file.architecture == "test" && file.integer("u8") == 200)
        #expect(file.tensors.map(\.name) == Self.tensors.map(\.name) && file.mappings.count == 3)
        #expect(file.byteCount == file.mappings.reduce(0) { $0 + $1.count } && file.byteCount > file.mapping.count)
        let last = try #require(file.tensor("experts.weight"))
        #expect(last.bytes.load(fromByteOffset: 5, as: UInt8.self) == 5)
    }

    @Test
    func complaintsAboutPartsNameTheFile() throws {
        func refusal(_ path: String) -> GGUFError? {
            #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
        }
        var first = try writeParts(total: 4)
        #expect(refusal(first) == .incompleteParts(tensors: 3, promised: 4))
        first = try writeParts(secondNumber: 2)
        #expect(refusal(first) == .foreignPart(file: "m-00002-of-00003.gguf"))
        first = try writeParts()
        let third = scratch.path + "/m-00003-of-00003.gguf"
        #expect(refusal(third) == .split(part: 3, of: 3))
        try Data([0x47]).write(to: URL(filePath: third))
        #expect(refusal(first) == .part(file: "m-00003-of-00003.gguf", .notGGUF))
        #expect(refusal(first)?.userError(path: first).places.first?.value == third)
        try FileManager.default.removeItem(atPath: third)
        #expect(refusal(first) == .missingPart(file: "m-00003-of-00003.gguf"))
        #expect(refusal(first)?.userError(path: first).code == .modelMissing)
        try FileManager.default.moveItem(atPath: first, toPath: scratch.path + "/renamed.gguf")
        #expect(refusal(scratch.path + "/renamed.gguf") == .unknownParts(of: 3))
        // The same tensor in two parts.
        _ = try write("d-00001-of-00002.gguf", Self.values + split(0, of: 2, total: 2), [Self.tensors[0]])
        _ = try write("d-00002-of-00002.gguf", split(1, of: 2, total: 2), [Self.tensors[0]])
        #expect(refusal(scratch.path + "/d-00001-of-00002.gguf") == .duplicateTensor("norm.weight"))
    }
}

// Quantizers against ggml's: the same bytes for the simple types, no more error for those that search for scales. The
// figures of ggml (revision 0c1e570) were taken with its own code on the same numbers.

import Conversion
import Tensors
import Testing
import Weights

@Suite
struct QuantizerTests {
    /// Sums of four uniform numbers with an eightfold outlier at every 97th place; exact in 32 bits.
    private static let numbers: [Float] = {
        var state: UInt64 = 7
        return (0..<1 << 16).map { index in
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            let sum = Int(z & 0xFFFF) + Int(z >> 16 & 0xFFFF) + Int(z >> 32 & 0xFFFF) + Int(z >> 48)
            return Float(sum - 131_070) * 0x1p-21 * (index % 97 == 0 ? 8 : 1)
        }
    }()

    @Test(arguments: [
        (DataType.q8_0, 0.000_199_266_346_5), (.q4_0, 0.003_137_923_629), (.q4_K, 0.002_025_743_742),
        (.q6_K, 0.000_591_797_596_8),
    ])
    func errorIsNoLargerThanTheReferences(type: DataType, reference: Double) {
        let back = Blocks.numbers(Blocks.quantized(Self.numbers, type), type)
        let error = Blocks.error(Self.numbers, back)
        #expect(error <= reference * 1.000_001, "\(error)")
        #expect(error > reference * 0.9, "\(error)")
    }

    /// Sums of all bytes that ggml writes.
    @Test(arguments: [(DataType.q8_0, 8_594_836), (.q4_0, 4_767_344)])
    func simpleTypesHaveTheReferencesBytes(type: DataType, sum: Int) {
        #expect(Blocks.quantized(Self.numbers, type).reduce(0) { $0 + Int($1) } == sum)
    }

    @Test(arguments: [DataType.q8_0, .q4_0, .q5_0, .q4_K, .q6_K, .f16, .bf16])
    func bytesDoNotDependOnThreads(type: DataType) {
        #expect(Blocks.quantized(Self.numbers, type) == Blocks.quantized(Self.numbers, type, threads: 3))
    }

    /// Numbers that ggml's blocks stand for give those very blocks again.
    @Test(arguments: ["Q8_0", "Q4_0", "Q5_0"])
    func storedValuesGiveTheirBlocksAgain(name: String) throws {
        guard let folder = sharedFixtures("quant") else { return }
        let file = try SafetensorsFile(path: "\(folder)/\(name).safetensors")
        let type = try #require(DataType.allCases.first { $0.name == name })
        let (values, blocks) = (try #require(file.tensor("data.values")), try #require(file.tensor("data.blocks")))
        let numbers = (0..<values.elements).map {
            unsafe values.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        }
        let stored = unsafe Array(UnsafeRawBufferPointer(start: blocks.bytes, count: blocks.byteCount))
        let found = Blocks.quantized(numbers, type)
        try #require(found.count == stored.count)
        for block in 0..<numbers.count / type.blockElements {
            // A scale of 0 hides the integers: nothing gives them again.
            guard numbers[block * type.blockElements..<(block + 1) * type.blockElements].contains(where: { $0 != 0 })
            else { continue }
            let bytes = block * type.blockBytes..<(block + 1) * type.blockBytes
            #expect(found[bytes] == stored[bytes], "block \(block)")
        }
    }

    /// The same for types with searched scales: nearly nothing may be lost.
    @Test(arguments: ["Q4_K", "Q6_K"])
    func storedValuesAreNearlyKept(name: String) throws {
        guard let folder = sharedFixtures("quant") else { return }
        let file = try SafetensorsFile(path: "\(folder)/\(name).safetensors")
        let type = try #require(DataType.allCases.first { $0.name == name })
        let values = try #require(file.tensor("data.values"))
        let numbers = (0..<values.elements).map {
            unsafe values.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        }
        for start in stride(from: 0, to: numbers.count, by: 256) {
            let block = Array(numbers[start..<start + 256])
            let back = Blocks.numbers(Blocks.quantized(block, type), type)
            let size = Blocks.error(block, Array(repeating: 0, count: 256))
            #expect(Blocks.error(block, back) <= 0.02 * size, "block \(start / 256)")
        }
    }

    @Test(arguments: RowQuantizer.types)
    func extremesGiveValidBlocks(type: DataType) {
        let extremes: [Float] = [
            .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
            -0,
        ]
        for value in extremes {
            for position in [0, 5, 255] {
                var x = (0..<256).map { Float($0) - 100 }
                x[position] = value
                #expect(Blocks.numbers(Blocks.quantized(x, type), type).count == 256)
            }
        }
        let zeros = [Float](repeating: 0, count: 256)
        #expect(Blocks.numbers(Blocks.quantized(zeros, type), type) == zeros)
        // One number everywhere: kept to the precision of the type's scale.
        for value in [0.5, -0.3, 3e-3] as [Float] {
            let same = [Float](repeating: value, count: 256)
            #expect(Blocks.error(same, Blocks.numbers(Blocks.quantized(same, type), type)) <= 0.02 * Double(abs(value)))
        }
    }

    @Test
    func halvesRoundToNearestEven() {
        let cases: [(Float, UInt16)] = [
            (0, 0), (-0.0, 0x8000), (1, 0x3C00), (65_504, 0x7BFF), (65_519, 0x7BFF), (65_520, 0x7C00),
            (.infinity, 0x7C00), (0x1p-24, 1), (0x1p-25, 0), (0x1.8p-24, 2), (0x1p-14, 0x0400), (1 + 0x1p-11, 0x3C00),
            (1 + 0x3p-11, 0x3C02), (-2, 0xC000),
        ]
        for (value, bits) in cases {
            let bytes = Blocks.quantized([value], .f16)
            #expect(UInt16(bytes[0]) | UInt16(bytes[1]) << 8 == bits, "\(value)")
        }
    }
}

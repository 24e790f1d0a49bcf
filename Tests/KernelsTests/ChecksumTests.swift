import Testing

@testable import Kernels

@Suite struct ChecksumTests {
    private func crc(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) } }

    /// Test vectors of RFC 3720, appendix B.4, and the usual check value.
    @Test func knownValues() {
        #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(crc([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
        #expect(crc(Array(0..<32)) == 0x46DD_794E)
        #expect(crc([]) == 0)
    }

    @Test func theInstructionAgreesWithTheTable() {
        for count in [1, 7, 8, 9, 63, 64, 1000, 4099] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
            #expect(bytes.withUnsafeBytes { unsafe Checksum.portable($0) } == crc(bytes), "\(count) bytes")
        }
    }
}

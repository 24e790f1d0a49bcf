// What a segment file says about itself: whose keys and values it holds, of which tokens, and where its pages lie.
// Reading and writing files is KVSegmentFile's.
//
// A header is everything before the first page, little-endian:
//     0  magic                    8  version              12  bytes of the header, a multiple of 4096
//    16  CRC-32C of the header (this field as 0)          20  tokens of a page
//    24  code of the KVType      28  tokens               32  pages               36  0
//    40  first position          48  bytes of the file
//    56  namespace, parent and key, 64 hexadecimal digits each
//   256  token ids, 4 bytes each; then for each page: layer, ordinal (4 bytes each), offset (8), bytes, CRC-32C (4 each)

package import Hashing
import Kernels

/// A segment is not what it should be.
package enum KVSegmentError: Error, Equatable {
    case magic
    case version(Int)
    case truncated
    case checksum
    /// A number that no writer of ours writes.
    case field(String)
}

/// Keys and values of consecutive tokens: metadata of one file.
package struct KVSegment: Sendable, Equatable {
    /// Where the bytes of one page of one layer lie.
    package struct Page: Sendable, Equatable {
        package var layer: Int
        package var ordinal: Int
        package var offset: Int
        package var bytes: Int
        package var checksum: UInt32
    }

    /// Tokens of a segment that is followed by another. At multiples of Llama 4's chunks its local layers hold nothing.
    package static let fullTokens = 8192
    /// Offsets of pages are multiples of it.
    static let alignment = 4096
    static let version = 2
    private static let magic = Array("docprocK".utf8)
    private static let fixedBytes = 256
    /// No segment of ours comes near these.
    private static let mostTokens = 1 << 17
    private static let mostPages = 1 << 22

    /// Everything that keys and values depend on besides tokens: weights, arithmetic, form of the cache.
    package var namespace: ContentHash
    /// The segment before; of the first one, the namespace.
    package var parent: ContentHash
    /// Position of the first token.
    package var first: Int
    package var tokens: [Int32]
    package var pageTokens: Int
    /// `KVType.code`: how numbers are kept.
    package var codec: Int
    package var pages: [Page]

    package var end: Int { first + tokens.count }
    package var key: ContentHash { Self.key(namespace: namespace, parent: parent, first: first, tokens: tokens[...]) }

    /// Names a segment by all that it depends on: through the parent, all tokens before it.
    package static func key(
        namespace: ContentHash, parent: ContentHash, first: Int, tokens: ArraySlice<Int32>
    ) -> ContentHash {
        var hasher = ContentHasher()
        hasher.update(Array("\(namespace.hex) \(parent.hex) \(first) \(tokens.count) ".utf8))
        hasher.update(tokens.flatMap { token in (0..<4).map { UInt8(truncatingIfNeeded: token >> (8 * $0)) } })
        return hasher.finalize()
    }

    /// Bytes of a header with so many tokens and pages.
    static func headerBytes(tokens: Int, pages: Int) -> Int {
        (fixedBytes + 4 * tokens + 24 * pages + alignment - 1) / alignment * alignment
    }

    /// The header, for a file that ends after its last page.
    func header(fileBytes: Int) -> [UInt8] {
        let count = Self.headerBytes(tokens: tokens.count, pages: pages.count)
        var bytes = Self.magic
        bytes.reserveCapacity(count)
        func put(_ value: Int, _ width: Int) {
            for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        for value in [Self.version, count, 0, pageTokens, codec, tokens.count, pages.count, 0] { put(value, 4) }
        put(first, 8)
        put(fileBytes, 8)
        for hash in [namespace, parent, key] { bytes += Array(hash.hex.utf8) }
        bytes += [UInt8](repeating: 0, count: Self.fixedBytes - bytes.count)
        for token in tokens { put(Int(token), 4) }
        for page in pages {
            put(page.layer, 4)
            put(page.ordinal, 4)
            put(page.offset, 8)
            put(page.bytes, 4)
            put(Int(page.checksum), 4)
        }
        bytes += [UInt8](repeating: 0, count: count - bytes.count)
        let checksum = unsafe bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) }
        for byte in 0..<4 { bytes[16 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
        return bytes
    }

}

// MARK: - Reading

extension KVSegment {
    /// Bytes of the header that begins so; at least `alignment` of them are needed.
    static func headerBytes(_ start: [UInt8]) throws(KVSegmentError) -> Int {
        guard start.count >= alignment else { throw .truncated }
        guard Array(start[..<8]) == magic else { throw .magic }
        let version = number(start, 8, 4)
        guard version == Self.version else { throw .version(version) }
        let count = number(start, 12, 4)
        guard count >= alignment, count % alignment == 0,
            count <= headerBytes(tokens: mostTokens, pages: mostPages)
        else { throw .field("bytes of the header") }
        return count
    }

    /// Reads a header.
    ///
    /// - Parameter fileBytes: size of the file that it came from.
    init(header bytes: [UInt8], fileBytes: Int) throws(KVSegmentError) {
        guard try Self.headerBytes(bytes) == bytes.count else { throw .truncated }
        var unsigned = bytes
        for byte in 16..<20 { unsigned[byte] = 0 }
        let checksum = unsafe unsigned.withUnsafeBytes { unsafe Checksum.crc32c($0) }
        guard Int(checksum) == Self.number(bytes, 16, 4) else { throw .checksum }
        pageTokens = Self.number(bytes, 20, 4)
        codec = Self.number(bytes, 24, 4)
        let (tokenCount, pageCount) = (Self.number(bytes, 28, 4), Self.number(bytes, 32, 4))
        guard pageTokens >= 1, pageTokens <= 4096 else { throw .field("tokens of a page") }
        guard tokenCount >= 1, tokenCount <= Self.mostTokens, pageCount <= Self.mostPages,
            Self.headerBytes(tokens: tokenCount, pages: pageCount) == bytes.count
        else { throw .field("tokens and pages") }
        first = Self.number(bytes, 40, 8)
        guard first >= 0, first <= 1 << 40 else { throw .field("first position") }
        guard Self.number(bytes, 48, 8) == fileBytes else { throw .truncated }
        func hash(_ at: Int) throws(KVSegmentError) -> ContentHash {
            guard let hash = ContentHash(hex: String(decoding: bytes[at..<at + 64], as: UTF8.self)) else {
                throw .field("hash")
            }
            return hash
        }
        namespace = try hash(56)
        parent = try hash(120)
        let stated = try hash(184)
        tokens = (0..<tokenCount).map { Int32(truncatingIfNeeded: Self.number(bytes, 256 + 4 * $0, 4)) }
        let table = Self.fixedBytes + 4 * tokenCount
        pages = []
        pages.reserveCapacity(pageCount)
        for index in 0..<pageCount {
            let at = table + 24 * index
            let page = Page(
                layer: Self.number(bytes, at, 4), ordinal: Self.number(bytes, at + 4, 4),
                offset: Self.number(bytes, at + 8, 8), bytes: Self.number(bytes, at + 16, 4),
                checksum: UInt32(Self.number(bytes, at + 20, 4)))
            guard page.offset >= bytes.count, page.offset <= fileBytes, page.bytes <= fileBytes - page.offset else {
                throw .field("place of a page")
            }
            pages.append(page)
        }
        guard key == stated else { throw .field("key") }
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ width: Int) -> Int {
        var value: UInt64 = 0
        for byte in 0..<width { value |= UInt64(bytes[at + byte]) << (8 * UInt64(byte)) }
        return Int(truncatingIfNeeded: value)
    }
}

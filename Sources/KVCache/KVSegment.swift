// What a segment file says about itself: whose keys and values it holds, of which tokens, and where its pages lie.
// Reading and writing files is KVSegmentFile's.
//
// A header is everything before the first page, little-endian:
//     0  magic                    8  version              12  bytes of the header, a multiple of 4096
//    16  CRC-32C of the header (this field as 0)          20  tokens of a page
//    24  code of the KV type     28  tokens               32  runs                36  pages of all runs
//    40  first position          48  bytes of the file
//    56  namespace, parent and key, 64 hexadecimal digits each
//   256  token ids, 4 bytes each; then for each run: layer, first ordinal, pages, bytes of a page's keys, bytes of its
//        values, 0 (4 bytes each), offset of the keys, offset of the values (8 each); then for each page of each run:
//        CRC-32C of its keys and of its values
// The keys of a run lie one after the other, and so do its values: whoever reads many pages, or keys alone, reads them
// in one piece.

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
    /// The keys of consecutive pages, or their values.
    package struct Plane: Sendable, Equatable {
        /// Of the first page; the others follow without gaps.
        package var offset: Int
        /// Bytes of one page.
        package var pageBytes: Int
        /// Of each page.
        package var checksums: [UInt32]

        var bytes: Int { pageBytes * checksums.count }
    }

    /// Consecutive pages of one layer.
    package struct Run: Sendable, Equatable {
        package var layer: Int
        /// Ordinal of the first page.
        package var first: Int
        package var keys: Plane
        package var values: Plane

        package var ordinals: Range<Int> { first..<first + keys.checksums.count }
    }

    /// Tokens of a segment that is followed by another. At multiples of Llama 4's chunks its local layers hold nothing.
    package static let fullTokens = 8192
    /// Offsets of runs are multiples of it.
    static let alignment = 4096
    static let version = 2
    private static let magic = Array("docprocK".utf8)
    private static let fixedBytes = 256
    private static let runBytes = 40
    /// No segment of ours comes near these.
    private static let mostTokens = 1 << 17
    private static let mostRuns = 1 << 12
    private static let mostPages = 1 << 22

    /// Everything that keys and values depend on besides tokens: weights, arithmetic, form of the cache.
    package var namespace: ContentHash
    /// The segment before; of the first one, the namespace.
    package var parent: ContentHash
    /// Position of the first token.
    package var first: Int
    package var tokens: [Int32]
    package var pageTokens: Int
    /// How numbers are stored: `KVType.code`.
    package var code: Int
    package var runs: [Run]

    package var end: Int { first + tokens.count }
    package var key: ContentHash { Self.key(namespace: namespace, parent: parent, first: first, tokens: tokens[...]) }

    /// Names a segment by all that it depends on: through the parent, all tokens before it.
    package static func key(
        namespace: ContentHash, parent: ContentHash, first: Int, tokens: ArraySlice<Int32>
    ) -> ContentHash {
        var hasher = ContentHasher()
        hasher.update(Array("\(namespace.hex) \(parent.hex) \(first) \(tokens.count) ".utf8))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * tokens.count)
        for token in tokens { append(Int(token), 4, to: &bytes) }
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// Bytes of a header with so many tokens, runs and pages.
    static func headerBytes(tokens: Int, runs: Int, pages: Int) -> Int {
        aligned(fixedBytes + 4 * tokens + runBytes * runs + 8 * pages)
    }

    static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }

    /// Gives each plane its place behind the header.
    ///
    /// - Returns: bytes of the file.
    mutating func place() -> Int {
        var offset = Self.headerBytes(
            tokens: tokens.count, runs: runs.count, pages: runs.reduce(0) { $0 + $1.ordinals.count })
        for index in runs.indices {
            runs[index].keys.offset = offset
            offset = Self.aligned(offset + runs[index].keys.bytes)
            runs[index].values.offset = offset
            offset = Self.aligned(offset + runs[index].values.bytes)
        }
        return offset
    }

    /// The header, for a file of that size.
    func header(fileBytes: Int) -> [UInt8] {
        let pages = runs.reduce(0) { $0 + $1.ordinals.count }
        let count = Self.headerBytes(tokens: tokens.count, runs: runs.count, pages: pages)
        var bytes = Self.magic
        bytes.reserveCapacity(count)
        for value in [Self.version, count, 0, pageTokens, code, tokens.count, runs.count, pages] {
            Self.append(value, 4, to: &bytes)
        }
        Self.append(first, 8, to: &bytes)
        Self.append(fileBytes, 8, to: &bytes)
        for hash in [namespace, parent, key] { bytes += Array(hash.hex.utf8) }
        bytes += [UInt8](repeating: 0, count: Self.fixedBytes - bytes.count)
        for token in tokens { Self.append(Int(token), 4, to: &bytes) }
        for run in runs {
            for value in [run.layer, run.first, run.ordinals.count, run.keys.pageBytes, run.values.pageBytes, 0] {
                Self.append(value, 4, to: &bytes)
            }
            Self.append(run.keys.offset, 8, to: &bytes)
            Self.append(run.values.offset, 8, to: &bytes)
        }
        for run in runs {
            for (keys, values) in zip(run.keys.checksums, run.values.checksums) {
                Self.append(Int(keys), 4, to: &bytes)
                Self.append(Int(values), 4, to: &bytes)
            }
        }
        bytes += [UInt8](repeating: 0, count: count - bytes.count)
        let checksum = unsafe bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) }
        for byte in 0..<4 { bytes[16 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
        return bytes
    }

    private static func append(_ value: Int, _ width: Int, to bytes: inout [UInt8]) {
        for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
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
            count <= headerBytes(tokens: mostTokens, runs: mostRuns, pages: mostPages)
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
        code = Self.number(bytes, 24, 4)
        let (tokenCount, runCount) = (Self.number(bytes, 28, 4), Self.number(bytes, 32, 4))
        let pageCount = Self.number(bytes, 36, 4)
        guard pageTokens >= 1, pageTokens <= 4096 else { throw .field("tokens of a page") }
        guard tokenCount >= 1, tokenCount <= Self.mostTokens, runCount <= Self.mostRuns, pageCount <= Self.mostPages,
            Self.headerBytes(tokens: tokenCount, runs: runCount, pages: pageCount) == bytes.count
        else { throw .field("tokens, runs and pages") }
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
        tokens = (0..<tokenCount).map { Int32(truncatingIfNeeded: Self.number(bytes, Self.fixedBytes + 4 * $0, 4)) }
        runs = try Self.runs(
            bytes, at: Self.fixedBytes + 4 * tokenCount, count: runCount, pages: pageCount, fileBytes: fileBytes)
        guard key == stated else { throw .field("key") }
    }

    private static func runs(
        _ bytes: [UInt8], at table: Int, count: Int, pages: Int, fileBytes: Int
    ) throws(KVSegmentError) -> [Run] {
        var checksums = table + runBytes * count
        let end = checksums + 8 * pages
        var runs: [Run] = []
        var total = 0
        for index in 0..<count {
            let at = table + runBytes * index
            let runPages = number(bytes, at + 8, 4)
            guard runPages >= 1, runPages <= (end - checksums) / 8 else { throw .field("pages of a run") }
            func plane(_ size: Int, _ offset: Int, _ first: Int) throws(KVSegmentError) -> Plane {
                let plane = Plane(
                    offset: number(bytes, offset, 8), pageBytes: number(bytes, size, 4),
                    checksums: (0..<runPages).map { UInt32(number(bytes, checksums + 8 * $0 + first, 4)) })
                guard plane.offset >= bytes.count, plane.offset <= fileBytes, plane.bytes <= fileBytes - plane.offset
                else { throw .field("place of a run") }
                return plane
            }
            runs.append(
                Run(
                    layer: number(bytes, at, 4), first: number(bytes, at + 4, 4),
                    keys: try plane(at + 12, at + 24, 0), values: try plane(at + 16, at + 32, 4)))
            checksums += 8 * runPages
            // No two runs share bytes: what is read is never more than the file.
            total += runs[index].keys.bytes + runs[index].values.bytes
            guard total <= fileBytes else { throw .field("bytes of runs") }
        }
        guard checksums == end else { throw .field("pages") }
        return runs
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ width: Int) -> Int {
        var value: UInt64 = 0
        for byte in 0..<width { value |= UInt64(bytes[at + byte]) << (8 * UInt64(byte)) }
        return Int(truncatingIfNeeded: value)
    }
}

import Crypto
public import SystemPackage

/// The SHA-256 of some bytes: the name of a document's or a model's content.
///
/// The only place that imports swift-crypto, so that hashing stays replaceable.
public struct ContentHash: Sendable, Hashable, Codable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public let hex: String

    /// Takes digits that came from a record; nil unless they are 64 hexadecimal digits.
    public init?(hex: String) {
        let lower = hex.lowercased()
        guard lower.utf8.count == 64, lower.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.hex = lower
    }

    /// Hashes bytes in memory.
    public init(of bytes: some Sequence<UInt8>) {
        var hasher = ContentHasher()
        hasher.update(Array(bytes))
        self = hasher.finalize()
    }

    /// Hashes the UTF-8 bytes of a string.
    public init(of text: String) {
        self.init(of: text.utf8)
    }

    fileprivate init(digest: SHA256.Digest) {
        let digits = Array("0123456789abcdef".utf8)
        hex = String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Hashes a file from its start, a mebibyte at a time.
    ///
    /// - Parameter progress: called with the bytes hashed so far; may throw to stop.
    /// - Throws: `Errno` when the file can't be read, or what `progress` throws.
    public static func ofFile(
        _ path: FilePath, progress: (Int) throws -> Void = { _ in }
    ) throws -> ContentHash {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try file.closeAfter {
            var hasher = ContentHasher()
            var total = 0
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { buffer.deallocate() }
            while true {
                let count = try file.read(into: buffer)
                if count == 0 { return hasher.finalize() }
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                total += count
                try progress(total)
            }
        }
    }

    /// The digits.
    public var description: String { hex }
}

/// SHA-256 over bytes that arrive piece by piece.
public struct ContentHasher: Sendable {
    private var state = SHA256()

    /// Starts with nothing hashed.
    public init() {}

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        state.update(data: bytes)
    }

    /// Adds bytes that the caller owns.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state.update(bufferPointer: bytes)
    }

    /// The hash of all bytes added so far.
    public func finalize() -> ContentHash {
        ContentHash(digest: state.finalize())
    }
}

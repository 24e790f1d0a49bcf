// Decompresses DEFLATE data as a stream, through the system's zlib.

import CZlib

/// Why compressed data can't be used.
package enum InflateError: Error, Sendable, Equatable {
    /// zlib's complaint about the data.
    case damaged(String)
    /// The data end before the stream does.
    case truncated
    /// More comes out than was promised or allowed.
    case tooLong(limit: Int)
    case outOfMemory
}

/// One decompression, fed and drained in pieces of bounded size.
@safe
struct Inflater: ~Copyable {
    /// What surrounds the compressed data.
    enum Wrapping: Int32 {
        /// Nothing, as in zip files.
        case raw = -15
        case gzip = 31
    }

    /// On the heap, since zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutableRawBufferPointer

    init(_ wrapping: Wrapping) throws(InflateError) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe output = .allocate(byteCount: 1 << 20, alignment: 64)
        let code = unsafe inflateInit2_(
            stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .outOfMemory }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe output.deallocate()
    }

    /// Decompresses all of `input`, which must be exactly one stream, into pieces of up to a mebibyte.
    ///
    /// - Parameter limit: bytes that may come out at most.
    /// - Returns: the bytes that came out.
    mutating func run(
        _ input: UnsafeRawBufferPointer, limit: Int, into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int {
        var consumed = 0
        var produced = 0
        while true {
            // zlib counts in 32 bits.
            let piece = min(input.count - consumed, 1 << 24)
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = UInt32(piece)
            unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(output.count)
            let code = unsafe inflate(stream, Z_NO_FLUSH)
            let taken = unsafe piece - Int(stream.pointee.avail_in)
            let given = unsafe output.count - Int(stream.pointee.avail_out)
            consumed += taken
            guard given <= limit - produced else { throw InflateError.tooLong(limit: limit) }
            produced += given
            if given > 0 { try unsafe sink(UnsafeRawBufferPointer(rebasing: output[..<given])) }
            switch code {
            case Z_STREAM_END:
                guard consumed == input.count else { throw InflateError.damaged("bytes after the end") }
                return produced
            case Z_OK: if taken == 0, given == 0 { throw InflateError.truncated }
            case Z_BUF_ERROR: throw InflateError.truncated
            case Z_MEM_ERROR: throw InflateError.outOfMemory
            default:
                let message = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
                throw InflateError.damaged(message ?? "code \(code)")
            }
        }
    }

    /// The contents of a gzip file held in memory.
    static func gunzip(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        var inflater = try Inflater(.gzip)
        var result: [UInt8] = []
        _ = try unsafe bytes.withUnsafeBytes { input in
            try unsafe inflater.run(input, limit: limit) { unsafe result.append(contentsOf: $0) }
        }
        return result
    }
}

/// The contents of a gzip file held in memory.
/// - Throws: `InflateError`.
package func gunzip(_ bytes: [UInt8], limit: Int = 1 << 30) throws -> [UInt8] {
    try Inflater.gunzip(bytes, limit: limit)
}

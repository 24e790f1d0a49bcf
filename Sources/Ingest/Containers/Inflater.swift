// Deflate and gzip through zlib, never beyond a limit. Runs inside the worker process.

import CZlib
import Documents

/// Unpacks streams that are held in memory.
enum Inflater {
    /// What stands around a stream.
    enum Wrapping: Int32 {
        case raw = -15
        /// The first part of a gzip file.
        case gzip = 31
    }

    /// Whole streams, or the first bytes of one.
    enum Extent {
        case all
        /// Enough to recognize what it is.
        case head(Int)
    }

    /// The bytes of a stream.
    ///
    /// - Returns: what came out, and how many bytes of the input belong to the stream.
    static func inflate(
        _ input: ArraySlice<UInt8>, _ wrapping: Wrapping, limits: ArchiveLimits, limit: Int, extent: Extent = .all
    ) -> Result<(bytes: [UInt8], consumed: Int), ExtractionFailure> {
        var stream = z_stream()
        guard inflateInit2_(&stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return .failure(ExtractionFailure(.memoryLimit, "no memory to unpack it"))
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var consumed = 0
        while true {
            // zlib counts in 32 bits.
            let given = min(input.count - consumed, 1 << 24)
            var taken = 0
            var code = Z_OK
            let wanted = if case .head(let count) = extent { count - output.count } else { 1 << 18 }
            let piece = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                input.withUnsafeBufferPointer { source in
                    stream.next_in = source.baseAddress.map { UnsafeMutablePointer(mutating: $0 + consumed) }
                    stream.avail_in = UInt32(given)
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(wanted)
                    code = CZlib.inflate(&stream, Z_NO_FLUSH)
                }
                taken = given - Int(stream.avail_in)
                count = wanted - Int(stream.avail_out)
            }
            consumed += taken
            output += piece
            if output.count > limit {
                return .failure(ExtractionFailure(.tooLarge, "over \(limit) bytes when unpacked"))
            }
            if output.count > ArchiveLimits.ratioFrom, output.count / limits.ratio > consumed {
                return .failure(
                    ExtractionFailure(.tooLarge, "each byte unpacks to more than \(limits.ratio): a decompression bomb")
                )
            }
            if case .head(let count) = extent, output.count >= count { return .success((output, consumed)) }
            switch code {
            case Z_STREAM_END: return .success((output, consumed))
            case Z_OK where taken > 0 || !piece.isEmpty: continue
            case Z_OK, Z_BUF_ERROR: return .failure(ExtractionFailure(.malformed, "the packed data end early"))
            case Z_MEM_ERROR: return .failure(ExtractionFailure(.memoryLimit, "no memory to unpack it"))
            default:
                let message = stream.msg.map { String(cString: $0) } ?? "code \(code)"
                return .failure(ExtractionFailure(.malformed, "the packed data are damaged: \(message)"))
            }
        }
    }

    /// A gzip file: one stream after another, as `cat a.gz b.gz` makes them; what follows them is not looked at.
    static func gunzip(
        _ input: ArraySlice<UInt8>, limits: ArchiveLimits, limit: Int, extent: Extent = .all
    ) -> Result<[UInt8], ExtractionFailure> {
        var output: [UInt8] = []
        var rest = input
        repeat {
            switch inflate(rest, .gzip, limits: limits, limit: limit - output.count, extent: extent) {
            case .failure(let failure): return .failure(failure)
            case .success(let (bytes, consumed)):
                output = output.isEmpty ? bytes : output + bytes
                rest = rest.dropFirst(consumed)
            }
            if case .head = extent { break }
        } while rest.starts(with: [0x1F, 0x8B])
        return .success(output)
    }

    /// CRC-32 as zip files have it.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBufferPointer { buffer in
            var sum = crc32_z(0, nil, 0)
            sum = crc32_z(sum, buffer.baseAddress, buffer.count)
            return UInt32(truncatingIfNeeded: sum)
        }
    }
}

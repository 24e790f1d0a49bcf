// Cuts the byte stream of a worker into frames, whatever the pieces it arrives in.

import Documents

/// Bytes received and not yet taken.
struct WorkerFrames {
    private var bytes: [UInt8] = []
    private var start = 0
    /// Length and fields of the frame that `next` returned last.
    private(set) var lastFrameBytes = 0

    mutating func append(_ more: [UInt8]) {
        if start > 0, start == bytes.count || start > 1 << 16 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// Tag and fields of the next frame, or nil until it is whole. Refuses one that announces more than `limit`
    /// before any of it is awaited.
    mutating func next(limit: Int) throws(WireError) -> ArraySlice<UInt8>? {
        guard bytes.count - start >= 4 else { return nil }
        let length = try Wire.length(bytes[start..<(start + 4)], limit: limit)
        guard bytes.count - start >= 4 + length else { return nil }
        let body = bytes[(start + 4)..<(start + 4 + length)]
        start += 4 + length
        lastFrameBytes = 4 + length
        return body
    }
}

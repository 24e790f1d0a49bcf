// Every byte of a segment file, also those that are never read.

import SystemPackage

extension KVSegmentFile {
    /// Reads a segment whole.
    ///
    /// - Throws: `KVSegmentError` for damage, also between pages; `Errno`.
    @discardableResult
    static func verify(_ path: FilePath) throws -> KVSegment {
        let (segment, pages) = try open(path)
        for run in segment.runs {
            for part in [KVPageSource.Part.keys, .values] {
                let bytes = part == .keys ? run.keys.bytes : run.values.bytes
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
                defer { unsafe memory.deallocate() }
                try unsafe pages.read(part, layer: run.layer, ordinals: run.ordinals, into: memory)
            }
        }
        let used = segment.runs.flatMap { [$0.keys, $0.values] }.map { $0.offset..<$0.offset + $0.bytes }
        try KVSegmentGaps.check(path, used: used)
        return segment
    }
}

/// What lies between pages and behind the last is zero, as it was written.
enum KVSegmentGaps {
    /// - Parameter used: everything behind the header that a checksum covers.
    static func check(_ path: FilePath, used: [Range<Int>]) throws {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        try file.closeAfter {
            let size = Int(try file.seek(offset: 0, from: .end))
            var end: Int?
            for range in used.sorted(by: { $0.lowerBound < $1.lowerBound }) + [size..<size] {
                if let end, end < range.lowerBound { try checkZero(file, end..<range.lowerBound) }
                end = max(end ?? 0, range.upperBound)
            }
        }
    }

    private static func checkZero(_ file: FileDescriptor, _ range: Range<Int>) throws {
        var bytes = [UInt8](repeating: 0, count: min(range.count, 1 << 16))
        var place = range.lowerBound
        while place < range.upperBound {
            let wanted = min(bytes.count, range.upperBound - place)
            let count = try unsafe bytes.withUnsafeMutableBytes {
                try unsafe file.read(
                    fromAbsoluteOffset: Int64(place), into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]))
            }
            guard count > 0 else { throw KVSegmentError.truncated }
            guard bytes[..<count].allSatisfy({ $0 == 0 }) else { throw KVSegmentError.checksum }
            place += count
        }
    }
}

// Segment files: written whole before they get their name, checked page by page when read.

import Kernels
import SystemPackage
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads and writes one file.
enum KVSegmentFile {
    /// The header of a file.
    ///
    /// - Throws: `KVSegmentError` for what is no segment of ours, `Errno`.
    static func read(_ path: FilePath) throws -> KVSegment {
        let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        return try file.closeAfter {
            let size = Int(try file.seek(offset: 0, from: .end))
            let start = try bytes(file, 0, count: KVSegment.alignment)
            let header = try bytes(file, 0, count: try KVSegment.headerBytes(start))
            return try KVSegment(header: header, fileBytes: size)
        }
    }

    /// Fills memory with pages of a file; each is checked.
    static func read(_ path: FilePath, _ pages: [(page: KVSegment.Page, into: UnsafeMutableRawBufferPointer)]) throws {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        try file.closeAfter {
            for index in unsafe pages.indices {
                let (page, memory) = unsafe pages[index]
                guard page.bytes == memory.count else { throw KVSegmentError.field("bytes of a page") }
                try unsafe fill(memory, file, page.offset)
                let checksum = unsafe Checksum.crc32c(UnsafeRawBufferPointer(memory))
                guard checksum == page.checksum else { throw KVSegmentError.checksum }
            }
        }
    }

    /// Writes a segment under a temporary name, syncs it, and only then gives it its name.
    ///
    /// - Parameter pages: the memory of each page of the segment, whose places and checksums are set here.
    static func write(_ segment: KVSegment, _ pages: [UnsafeRawBufferPointer], to path: FilePath) throws(Errno) {
        var segment = segment
        var offset = KVSegment.headerBytes(tokens: segment.tokens.count, pages: segment.pages.count)
        for index in segment.pages.indices {
            let memory = unsafe pages[index]
            segment.pages[index].offset = offset
            segment.pages[index].bytes = memory.count
            segment.pages[index].checksum = unsafe Checksum.crc32c(memory)
            offset += (memory.count + KVSegment.alignment - 1) / KVSegment.alignment * KVSegment.alignment
        }
        let temporary = FilePath(path.string + ".\(getpid()).tmp")
        do {
            let file = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try file.closeAfter {
                // Held as long as somebody writes, so that leftovers can be told from work.
                guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw Errno(rawValue: errno) }
                defer { _ = flock(file.rawValue, LOCK_UN) }
                try file.resize(to: Int64(offset))
                for index in segment.pages.indices {
                    _ = try unsafe file.writeAll(toAbsoluteOffset: Int64(segment.pages[index].offset), pages[index])
                }
                _ = try file.writeAll(toAbsoluteOffset: 0, segment.header(fileBytes: offset))
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard unsafe rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
            syncFolder(path.removingLastComponent())
        } catch {
            _ = unsafe unlink(temporary.string)
            throw (error as? Errno) ?? .ioError
        }
    }

    private static func syncFolder(_ path: FilePath) {
        guard let folder = try? FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec]) else {
            return
        }
        _ = fsync(folder.rawValue)
        try? folder.close()
    }

    private static func bytes(_ file: FileDescriptor, _ offset: Int, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try unsafe bytes.withUnsafeMutableBytes { try unsafe fill($0, file, offset) }
        return bytes
    }

    private static func fill(_ memory: UnsafeMutableRawBufferPointer, _ file: FileDescriptor, _ offset: Int) throws {
        var done = 0
        while done < memory.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[done...])
            let count = try unsafe file.read(fromAbsoluteOffset: Int64(offset + done), into: rest)
            guard count > 0 else { throw KVSegmentError.truncated }
            done += count
        }
    }
}

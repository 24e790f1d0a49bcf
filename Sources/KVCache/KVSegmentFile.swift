// Segment files: written whole before they get their name, checked page by page when read.

import Kernels
import SystemPackage

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
    static func read(_ path: FilePath) throws -> KVSegment { try open(path).segment }

    /// The header of a file, and its pages.
    ///
    /// - Throws: `KVSegmentError` for what is no segment of ours, `Errno`.
    static func open(_ path: FilePath) throws -> (segment: KVSegment, pages: KVPageSource) {
        let file = try KVOpenFile(reading: path)
        let size = Int(try file.descriptor.seek(offset: 0, from: .end))
        let start = try bytes(file, count: KVSegment.alignment)
        let segment = try KVSegment(header: try bytes(file, count: KVSegment.headerBytes(start)), fileBytes: size)
        return (segment, KVPageSource(file: file, runs: segment.runs))
    }

    /// Writes a segment under a temporary name, syncs it, and only then gives it its name.
    ///
    /// - Parameters:
    ///   - segment: the places of its runs are set here.
    ///   - memory: the pages of each run.
    static func write(_ segment: KVSegment, _ memory: [[KVPageMemory]], to path: FilePath) throws(Errno) {
        var segment = segment
        let bytes = segment.place()
        let temporary = FilePath(path.string + ".\(getpid()).tmp")
        do {
            let file = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try file.closeAfter {
                // Held as long as somebody writes, so that leftovers can be told from work.
                guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw Errno(rawValue: errno) }
                defer { _ = flock(file.rawValue, LOCK_UN) }
                try file.resize(to: Int64(bytes))
                for index in unsafe memory.indices { try unsafe memory[index].write(to: file, segment.runs[index]) }
                _ = try file.writeAll(toAbsoluteOffset: 0, segment.header(fileBytes: bytes))
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

    private static func bytes(_ file: KVOpenFile, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read($0, at: 0) }
        return bytes
    }
}

/// The memory of one page.
@unsafe
struct KVPageMemory {
    var keys: UnsafeMutableRawBufferPointer
    var values: UnsafeMutableRawBufferPointer
}

extension [KVPageMemory] {
    /// What a file says of these pages, before they have a place.
    func run(layer: Int, first: Int) -> KVSegment.Run {
        func plane(_ part: (KVPageMemory) -> UnsafeMutableRawBufferPointer) -> KVSegment.Plane {
            KVSegment.Plane(
                offset: 0, pageBytes: unsafe self.first.map { unsafe part($0).count } ?? 0,
                checksums: unsafe map { unsafe Checksum.crc32c(UnsafeRawBufferPointer(part($0))) })
        }
        return unsafe KVSegment.Run(
            layer: layer, first: first, keys: plane { unsafe $0.keys }, values: plane { unsafe $0.values })
    }

    /// Writes them to their places.
    func write(to file: FileDescriptor, _ run: KVSegment.Run) throws {
        for index in unsafe indices {
            for part in [KVPageSource.Part.keys, .values] {
                let plane = part == .keys ? run.keys : run.values
                let bytes = unsafe part == .keys ? self[index].keys : self[index].values
                let place = Int64(plane.offset + index * plane.pageBytes)
                _ = try unsafe file.writeAll(toAbsoluteOffset: place, UnsafeRawBufferPointer(bytes))
            }
        }
    }
}

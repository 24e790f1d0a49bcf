// Where a sequence pages out to what nobody keeps: a file without a name, which is gone with its process, whatever
// happens to it.

package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Pages cannot be brought to disk, so that memory would have to hold more than it may.
package enum KVPagingError: Error, Sendable, Equatable {
    /// The folder cannot be written, or its disk is full.
    case unwritable(Errno, path: String)
    /// So many bytes are needed and would leave the disk less than its reserve.
    case full(bytes: Int, path: String)
}

/// Segments of one sequence, each at a place of its own.
final class KVSpillFile {
    private let folder: FilePath
    private var file: KVOpenFile?

    init(folder: FilePath) { self.folder = folder }

    /// Writes the pages of a segment.
    ///
    /// - Parameters:
    ///   - index: of the segment; one that was written before is replaced.
    ///   - runs: layer, first ordinal and pages; of the same number and size for each segment.
    func write(_ index: Int, _ runs: [(layer: Int, first: Int, pages: [KVPageMemory])]) throws(KVPagingError)
        -> KVPageSource
    {
        var placed = unsafe runs.map { unsafe $0.pages.run(layer: $0.layer, first: $0.first) }
        let bytes = placed.reduce(0) {
            $0 + KVSegment.aligned($1.keys.bytes) + KVSegment.aligned($1.values.bytes)
        }
        var offset = index * bytes
        for run in placed.indices {
            placed[run].keys.offset = offset
            offset = KVSegment.aligned(offset + placed[run].keys.bytes)
            placed[run].values.offset = offset
            offset = KVSegment.aligned(offset + placed[run].values.bytes)
        }
        if let free = KVFolder.freeBytes(folder), free - bytes < KVFolder.reserve {
            throw .full(bytes: bytes, path: folder.string)
        }
        do {
            let file = try file ?? create()
            self.file = file
            for index in placed.indices { try unsafe runs[index].pages.write(to: file.descriptor, placed[index]) }
            return KVPageSource(file: file, runs: placed)
        } catch {
            throw .unwritable((error as? Errno) ?? .ioError, path: folder.string)
        }
    }

    private func create() throws -> KVOpenFile {
        try KVFolder.make(folder)
        let path = folder.appending("paged.\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp")
        let file = KVOpenFile(
            try FileDescriptor.open(
                path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite]))
        // Somebody who clears away leftovers may have been quicker.
        guard unsafe unlink(path.string) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
        return file
    }
}

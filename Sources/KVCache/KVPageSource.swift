// Where pages lie that are on disk: in the file of a stored segment, or in the file that one sequence pages out to.

import Kernels
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

#if canImport(Glibc)
    private let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#else
    private let openFiles = RLIMIT_NOFILE
#endif

/// A file that stays open, and readable where somebody deletes it, as long as there is an owner.
final class KVOpenFile: Sendable {
    let descriptor: FileDescriptor

    /// Locks it as long as it is open: whoever makes room leaves alone what is being read.
    init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
        _ = flock(descriptor.rawValue, LOCK_SH | LOCK_NB)
    }

    /// - Throws: `Errno`.
    convenience init(reading path: FilePath) throws {
        let options: FileDescriptor.OpenOptions = [.closeOnExec, .nonBlocking]
        do {
            self.init(try FileDescriptor.open(path, .readOnly, options: options))
        } catch Errno.tooManyOpenFiles where Self.raiseLimit() {
            self.init(try FileDescriptor.open(path, .readOnly, options: options))
        }
    }

    deinit {
        // A child process that is being started may have the file, too.
        _ = flock(descriptor.rawValue, LOCK_UN)
        try? descriptor.close()
    }

    /// A window of millions of tokens has more segments than the usual limit of open files. False if it was the most
    /// already.
    private static func raiseLimit() -> Bool {
        var limit = rlimit()
        guard unsafe getrlimit(openFiles, &limit) == 0, limit.rlim_cur < limit.rlim_max else {
            return false
        }
        limit.rlim_cur = limit.rlim_max
        return unsafe setrlimit(openFiles, &limit) == 0
    }

    /// Fills memory from a place in the file.
    ///
    /// - Throws: `Errno`, `KVSegmentError.truncated`.
    func read(_ memory: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < memory.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[done...])
            let count = try unsafe descriptor.read(fromAbsoluteOffset: Int64(offset + done), into: rest)
            guard count > 0 else { throw KVSegmentError.truncated }
            done += count
        }
    }
}

/// The pages of one segment on disk.
struct KVPageSource: Sendable {
    enum Part { case keys, values }

    let file: KVOpenFile
    /// By layer.
    let runs: [Int: KVSegment.Run]

    init(file: KVOpenFile, runs: [KVSegment.Run]) {
        self.file = file
        self.runs = Dictionary(runs.map { ($0.layer, $0) }) { first, _ in first }
    }

    func has(layer: Int, ordinals: Range<Int>) -> Bool {
        runs[layer].map {
            $0.ordinals.lowerBound <= ordinals.lowerBound && ordinals.upperBound <= $0.ordinals.upperBound
        }
            ?? false
    }

    /// Reads the keys of consecutive pages, or their values, and checks each page.
    ///
    /// - Parameter memory: as large as these pages.
    /// - Throws: `Errno`; `KVSegmentError` for damage.
    func read(_ part: Part, layer: Int, ordinals: Range<Int>, into memory: UnsafeMutableRawBufferPointer) throws {
        guard let run = runs[layer], has(layer: layer, ordinals: ordinals) else { throw KVSegmentError.field("pages") }
        let plane = part == .keys ? run.keys : run.values
        guard memory.count == plane.pageBytes * ordinals.count else { throw KVSegmentError.field("bytes of a page") }
        let first = ordinals.lowerBound - run.first
        try unsafe file.read(memory, at: plane.offset + first * plane.pageBytes)
        for page in 0..<ordinals.count {
            let start = page * plane.pageBytes
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: memory[start..<start + plane.pageBytes])
            guard unsafe Checksum.crc32c(bytes) == plane.checksums[first + page] else { throw KVSegmentError.checksum }
        }
    }
}

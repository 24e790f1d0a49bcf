// What the disk alone can do with the blocks that attention reads, to say whether reading or computing is the bound.

import Kernels
import Synchronization
import SystemPackage
import Tensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads without anything else to do.
package struct KVDiskProbe: Sendable, Equatable {
    package var bytes: Int
    package var seconds: Double

    package init(bytes: Int, seconds: Double) {
        self.bytes = bytes
        self.seconds = seconds
    }

    package var bytesPerSecond: Double { seconds > 0 ? Double(bytes) / seconds : 0 }
}

extension KVCacheManager {
    /// Bytes that layers which see everything have on disk only.
    package var pagedBytes: Int {
        var onDisk = layout
        onDisk.contextTokens = pagedCount
        onDisk.residentTokens = 0
        return Self.pagedBytes(plan: plan, layout: onDisk, type: type)
    }

    /// Drops from the system's file cache what is on disk of the sequence, so that the next reads are the disk's.
    package func emptyFileCache() { reader?.emptyFileCache() }

    /// Reads what is on disk of the sequence, in the order, the blocks and the number at a time in which attention does,
    /// with nothing in the file cache, and neither checks nor uses it.
    ///
    /// - Parameter bytes: ends when so many were read.
    /// - Returns: nil where nothing is on disk, or a read failed.
    package func probeDisk(atMost bytes: Int) -> KVDiskProbe? { reader?.probeDisk(atMost: bytes) }
}

extension KVPageReader {
    /// One read: the keys of a block, or its values.
    private struct Piece: Sendable {
        var file: KVOpenFile
        var offset: Int
        var bytes: Int
    }

    fileprivate func emptyFileCache() {
        var seen: Set<ObjectIdentifier> = []
        for source in sources where seen.insert(ObjectIdentifier(source.file)).inserted {
            #if !canImport(Darwin)
                // What was not written yet stays.
                _ = fdatasync(source.file.descriptor.rawValue)
                _ = posix_fadvise(source.file.descriptor.rawValue, 0, 0, POSIX_FADV_DONTNEED)
            #endif
        }
    }

    fileprivate func probeDisk(atMost limit: Int) -> KVDiskProbe? {
        let pieces = pieces(atMost: limit)
        guard !pieces.isEmpty else { return nil }
        emptyFileCache()
        let clock = ContinuousClock()
        let start = clock.now
        guard Self.read(pieces) else { return nil }
        let parts = (clock.now - start).components
        return KVDiskProbe(
            bytes: pieces.reduce(0) { $0 + $1.bytes },
            seconds: Double(parts.seconds) + Double(parts.attoseconds) * 1e-18)
    }

    /// Each layer once, where several share its pages.
    private func pieces(atMost limit: Int) -> [Piece] {
        var pieces: [Piece] = []
        var seen: Set<Int> = []
        var bytes = 0
        for layer in order where seen.insert(layer.layer).inserted {
            for first in stride(from: 0, to: end / layout.pageTokens, by: layer.blockPages) {
                let source = sources[first * layout.pageTokens / layout.segmentTokens]
                guard let run = source.runs[layer.layer] else { continue }
                for plane in [run.keys, run.values] where plane.pageBytes > 0 {
                    pieces.append(
                        Piece(
                            file: source.file, offset: plane.offset + (first - run.first) * plane.pageBytes,
                            bytes: layer.blockPages * plane.pageBytes))
                    bytes += layer.blockPages * plane.pageBytes
                }
                if bytes >= limit { return pieces }
            }
        }
        return pieces
    }

    /// With as many threads as attention has reading for it.
    ///
    /// - Returns: whether all could be read.
    private static func read(_ pieces: [Piece]) -> Bool {
        let most = pieces.map(\.bytes).max() ?? 0
        let (next, failed) = (SharedCount(), SharedCount())
        let finished = Semaphore()
        var threads = 0
        for _ in 0..<KVReadQueue.threads {
            let started = WorkerThread.start {
                let memory = Buffer<UInt8>(count: most)
                while case let index = next.add(), index < pieces.count {
                    let piece = pieces[index]
                    do {
                        try unsafe piece.file.read(
                            UnsafeMutableRawBufferPointer(start: memory.pointer, count: piece.bytes), at: piece.offset)
                    } catch {
                        _ = failed.add()
                    }
                }
                finished.post()
            }
            if started { threads += 1 }
        }
        for _ in 0..<threads { finished.wait() }
        return threads > 0 && failed.value == 0
    }
}

/// A number that several threads raise.
private final class SharedCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .acquiring) }

    /// - Returns: the number before.
    func add() -> Int { count.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue }
}

// SHA-256 of large files, computed once. What was computed is remembered in a small file of lines, with what the file
// system said of the file then: size, times, inode. A line that is damaged, or a file that is any different, is a file
// that is not known; nothing is ever wrong but slow.

package import Hashing
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The digests that were computed, in one file.
package struct FileDigests: Sendable {
    /// More than anybody has models; the oldest go first.
    private static let most = 256
    /// A file that changed less than this ago may change again without a sign of it.
    private static let settled = 1_000_000_000
    private static let longestMemory = 1 << 20

    private let memory: FilePath

    /// - Parameter memory: the file, whose folder need not be there yet.
    package init(memory: FilePath) { self.memory = memory }

    /// The digest of a file's content.
    ///
    /// - Parameters:
    ///   - path: absolute, so that it means the same in every process.
    ///   - progress: called with the bytes hashed so far where the digest is not known; may throw to stop.
    /// - Throws: `Errno` when the file can't be read, or what `progress` throws.
    package func digest(of path: String, progress: (Int) throws -> Void = { _ in }) throws -> ContentHash {
        let facts = try facts(path)
        if let known = lines().last(where: { $0.facts == facts }) { return known.digest }
        let digest = try ContentHash.ofFile(FilePath(path), progress: progress)
        if facts.settled, try self.facts(path) == facts { remember(Line(digest: digest, facts: facts)) }
        return digest
    }

    private struct Facts: Equatable {
        /// Everything in one text, the path last.
        var text: String
        var settled: Bool

        static func == (one: Facts, other: Facts) -> Bool { one.text == other.text }
    }

    private struct Line {
        var digest: ContentHash
        var facts: Facts

        /// `CHECK DIGEST FACTS`, the check being the first digits of the hash of the rest.
        var text: String {
            let rest = "\(digest.hex) \(facts.text)"
            return "\(ContentHash(of: rest).hex.prefix(16)) \(rest)"
        }

        init(digest: ContentHash, facts: Facts) {
            self.digest = digest
            self.facts = facts
        }

        init?(_ text: Substring) {
            let parts = text.split(separator: " ", maxSplits: 2)
            guard parts.count == 3, let digest = ContentHash(hex: String(parts[1])) else { return nil }
            self.digest = digest
            facts = Facts(text: String(parts[2]), settled: true)
            guard self.text == text else { return nil }
        }
    }

    private func facts(_ path: String) throws -> Facts {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Errno(rawValue: errno) }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec) }
        let (written, changed) = (nanoseconds(status.st_mtim), nanoseconds(status.st_ctim))
        return Facts(
            text: "\(status.st_size) \(written) \(changed) \(status.st_ino) \(path)",
            settled: nanoseconds(now) - changed > Self.settled)
    }

    private func lines() -> [Line] {
        guard let file = try? FileDescriptor.open(memory, .readOnly, options: .closeOnExec) else { return [] }
        defer { try? file.close() }
        guard let size = try? Int(file.seek(offset: 0, from: .end)), size <= Self.longestMemory else { return [] }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = bytes.withUnsafeMutableBytes { (try? file.read(fromAbsoluteOffset: 0, into: $0)) ?? 0 }
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").compactMap { Line($0) }
    }

    /// Two processes that remember at once may forget one of the two, which costs its hashing again.
    private func remember(_ line: Line) {
        guard !line.facts.text.contains("\n") else { return }
        let lines = lines().filter { $0.facts != line.facts } + [line]
        let text = lines.suffix(Self.most).map(\.text).joined(separator: "\n") + "\n"
        let temporary = "\(memory.string).\(getpid()).tmp"
        do {
            try PrivateDirectory.create(memory.removingLastComponent().string)
            let file = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
            if rename(temporary, memory.string) != 0 { unlink(temporary) }
        } catch {
            unlink(temporary)
        }
    }
}

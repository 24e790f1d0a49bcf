// How often stored prefixes were used, across processes: lines that are only appended, each with its own check. A line
// that is torn or damaged counts for nothing; without the file, all that is known is when a segment was last used.

import Kernels
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct KVUseLog {
    /// Seconds after which a use counts half.
    static let halfLife = 7.0 * 86_400
    /// A longer log is put together to one line for each key.
    private static let longest = 1 << 18

    private let path: FilePath

    init(root: FilePath) { path = root.appending("uses") }

    /// Notes a use of the last segment of a chain; those before it are used with it.
    ///
    /// - Parameter key: as in names of files.
    func append(_ key: String, at seconds: Int = KVSegmentFiles.now() / 1_000_000_000) {
        guard
            let file = try? FileDescriptor.open(
                path, .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerRead, .ownerWrite])
        else { return }
        // A line break before it too: the one before may be torn.
        _ = try? file.closeAfter { try file.writeAll("\n\(Self.line(key, seconds, 1))\n".utf8) }
    }

    /// Uses by key, each counting half after every half-life.
    ///
    /// - Parameter existing: keys that are worth remembering when the log is put together.
    func uses(now: Int = KVSegmentFiles.now() / 1_000_000_000, existing: (Substring) -> Bool) -> [Substring: Double] {
        guard let text = KVSegmentFiles.text(path) else { return [:] }
        var uses: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 4, let seconds = Int(parts[1]), let milli = Int(parts[2]), milli > 0,
                Self.line(String(parts[0]), seconds, Double(milli) / 1000) == line
            else { continue }
            uses[parts[0], default: 0] += Double(milli) / 1000 * Self.decay(now - seconds)
        }
        if text.utf8.count > Self.longest {
            // What another process appends meanwhile is lost, and little with it.
            let lines = uses.filter { existing($0.key) && $0.value >= 0.001 }
                .map { Self.line(String($0.key), now, $0.value) }
            KVSegmentFiles.write(lines.sorted().joined(separator: "\n") + "\n", to: path)
        }
        return uses
    }

    func delete() { _ = unsafe unlink(path.string) }

    static func decay(_ seconds: Int) -> Double { exp2(-Double(max(seconds, 0)) / halfLife) }

    /// `KEY SECONDS THOUSANDTHS CHECK`.
    private static func line(_ key: String, _ seconds: Int, _ weight: Double) -> String {
        let text = "\(key) \(seconds) \(Int((weight * 1000).rounded()))"
        let check = unsafe Array(text.utf8).withUnsafeBytes { unsafe Checksum.crc32c($0) }
        return "\(text) \(String(check, radix: 16))"
    }
}

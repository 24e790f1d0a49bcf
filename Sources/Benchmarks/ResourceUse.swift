import Glibc
import SystemPackage

/// Memory and load as the kernel keeps them.
package enum ResourceUse {
    /// Most resident bytes of this process.
    static func ownPeak() -> Int? {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return nil }
        return Int(usage.ru_maxrss) * 1024
    }

    /// Follows another process to its end and returns the most memory it held.
    ///
    /// Not `getrusage` for children: Linux carries the parent's size over to a child that it starts, so that a small
    /// child seems as large as we are. The mark in `/proc` belongs to the new program alone. It only ever rises, so
    /// looking twenty times a second misses no more than the last twentieth.
    static func watchPeak(ofProcess id: Int) async -> Int? {
        var peak: Int?
        while !Task.isCancelled, let now = highWater(ofProcess: id) {
            peak = max(peak ?? 0, now)
            try? await Task.sleep(for: .milliseconds(50))
        }
        return peak
    }

    /// `VmHWM`; nil once the process has ended.
    private static func highWater(ofProcess id: Int) -> Int? {
        guard let text = text("/proc/\(id)/status") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
            .map { $0 * 1024 }
    }

    /// Processes that wanted to run during the last minute, ours among them; nil where the system does not say.
    package static func load() -> Double? {
        text("/proc/loadavg")?.split(separator: " ").first.flatMap { Double($0) }
    }

    /// Bytes that this process has read from disks so far, what the file cache had not counted; nil where the system does
    /// not say.
    static func deviceReads() -> Int? {
        text("/proc/self/io")?.split(separator: "\n").first { $0.hasPrefix("read_bytes:") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
    }

    private static func text(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 1 << 13)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

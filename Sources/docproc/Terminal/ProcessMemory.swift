import Glibc
import SystemPackage

/// What the kernel says of this process's memory.
enum ProcessMemory {
    /// Resident bytes now, mapped weights included.
    static func resident() -> Int? { statusField("VmRSS:") }

    /// The highest resident size so far.
    static func peak() -> Int? { statusField("VmHWM:") }

    private static func statusField(_ name: String) -> Int? {
        guard let text = SmallFile.read("/proc/self/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
                .map { $0 * 1024 }
        }
        return nil
    }
}

/// Small text files read at once.
enum SmallFile {
    /// The text of a file, nil when it cannot be read.
    static func read(_ path: String) -> String? {
        (try? bytes(FilePath(path))).map { String(decoding: $0, as: UTF8.self) }
    }

    /// All bytes of a file.
    static func bytes(_ path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try file.closeAfter { try bytes(file) }
    }

    /// All bytes up to the end of a descriptor.
    static func bytes(_ file: FileDescriptor) throws -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
            if count == 0 { return all }
            all.append(contentsOf: chunk[..<count])
        }
    }
}

// A file of JSON lines that grows record by record and survives a kill: `results.jsonl`, `events.jsonl`, `-o FILE`.
//
// A line counts once its line break is there. A process that dies in the middle of a write leaves a torn last line;
// readers leave it out, and the next writer cuts it off.

import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An append-only file of lines. Safe to append to from several threads.
package final class RecordLog: Sendable {
    /// The file.
    package let path: String
    private let file: Mutex<FileDescriptor>

    /// Opens a file to append to, or begins one; a torn last line is cut off.
    package init(path: String) throws(FileError) {
        self.path = path
        do {
            let opened = try FileDescriptor.open(
                FilePath(path), .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            do {
                try Self.cutTornLine(opened)
            } catch {
                try? opened.close()
                throw error
            }
            file = Mutex(opened)
        } catch { throw FileError(error, path: path) }
    }

    deinit {
        file.withLock { try? $0.close() }
    }

    /// Adds a line. It is on disk when this returns, unless `synced` is false.
    ///
    /// - Parameter line: text without line breaks; JSON has them escaped.
    package func append(_ line: String, synced: Bool = true) throws(FileError) {
        precondition(!line.utf8.contains(UInt8(ascii: "\n")), "a record is one line")
        do {
            try file.withLock { file in
                let end = try file.seek(offset: 0, from: .end)
                do {
                    try file.writeAll((line + "\n").utf8)
                    if synced, fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
                } catch {
                    // A full disk may have taken half of the line; without this the next one would be glued to it.
                    ftruncate(file.rawValue, off_t(end))
                    throw error
                }
            }
        } catch { throw FileError(error, path: path) }
    }

    /// The complete lines of a file, and whether a torn one follows. A missing file has none.
    package static func read(_ path: String) throws(FileError) -> (lines: [String], torn: Bool) {
        let bytes: [UInt8]
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
            bytes = try file.closeAfter { try readAll(file) }
        } catch Errno.noSuchFileOrDirectory {
            return ([], false)
        } catch { throw FileError(error, path: path) }
        var lines: [String] = []
        var start = 0
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
            lines.append(String(decoding: bytes[start..<index], as: UTF8.self))
            start = index + 1
        }
        return (lines, start < bytes.count)
    }

    private static func readAll(_ file: FileDescriptor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    private static func cutTornLine(_ file: FileDescriptor) throws {
        var end = try file.seek(offset: 0, from: .end)
        let size = end
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        while end > 0 {
            let start = max(0, end - Int64(buffer.count))
            let count = try file.read(
                fromAbsoluteOffset: start,
                into: UnsafeMutableRawBufferPointer(
                    rebasing: buffer[..<Int(end - start)]))
            if let last = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                end = start + Int64(last) + 1
                break
            }
            end = start
        }
        if end != size, ftruncate(file.rawValue, off_t(end)) != 0 { throw Errno(rawValue: errno) }
    }
}

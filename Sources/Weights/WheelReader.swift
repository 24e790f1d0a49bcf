// Reads one member of a zip file (a Python wheel) as a stream; nothing is unpacked besides. Only what wheels use is
// read: stored and deflated members, no zip64, no encryption, no file in several pieces.

import CZlib
package import SystemPackage

/// A file inside a zip file, as the directory at its end describes it.
package struct ZipMember: Sendable, Equatable {
    package let name: String
    package let compressedSize: Int
    package let size: Int
    package let crc32: UInt32
    fileprivate let method: UInt16
    /// Of the local header.
    fileprivate let offset: Int
}

/// What is wrong with a zip file.
package enum ZipError: Error, Sendable, Equatable {
    case io(Errno)
    case notZip
    /// The directory contradicts the file, with a sentence that says how.
    case damaged(String)
    /// zip64, encryption, an unknown compression, several disks.
    case unsupported(String)
    case noSuchMember(String)
    /// What came out is not what the directory promised.
    case checkFailed(member: String)
    case data(member: String, InflateError)
}

/// An open wheel.
package struct WheelReader: Sendable {
    private let file: MappedFile
    /// In the order of the directory.
    package let members: [ZipMember]

    /// Maps the file and reads its directory.
    package init(path: String) throws(ZipError) {
        do {
            file = try MappedFile(path: path)
        } catch {
            throw error == .noData ? .notZip : .io(error)
        }
        members = try Self.directory(of: file)
    }

    /// The end record is the last 22 bytes, but for a comment of up to 65,535; wheels have none, others may.
    private static func directory(of file: MappedFile) throws(ZipError) -> [ZipMember] {
        let earliest = max(0, file.count - 22 - 65_535)
        guard file.count >= 22,
            let end = stride(from: file.count - 22, through: earliest, by: -1).first(where: {
                file.load(UInt32.self, at: $0) == 0x0605_4B50
                    && Int(file.load(UInt16.self, at: $0 + 20)) == file.count - $0 - 22
            })
        else { throw .notZip }
        guard file.load(UInt32.self, at: end + 4) == 0 else { throw .unsupported("several disks") }
        let count = Int(file.load(UInt16.self, at: end + 10))
        let size = file.load(UInt32.self, at: end + 12)
        let start = file.load(UInt32.self, at: end + 16)
        guard count != 0xFFFF, size != .max, start != .max else { throw .unsupported("zip64") }
        guard Int(start) + Int(size) <= end else { throw .damaged("the directory lies outside the file") }

        var members: [ZipMember] = []
        var names: Set<String> = []
        var offset = Int(start)
        let limit = offset + Int(size)
        for _ in 0..<count {
            let member = try entry(of: file, at: &offset, limit: limit)
            guard names.insert(member.name).inserted else { throw .damaged("\(member.name) appears twice") }
            members.append(member)
        }
        return members
    }

    private static func entry(of file: MappedFile, at offset: inout Int, limit: Int) throws(ZipError) -> ZipMember {
        guard limit - offset >= 46, file.load(UInt32.self, at: offset) == 0x0201_4B50 else {
            throw .damaged("the directory breaks off")
        }
        let flags = file.load(UInt16.self, at: offset + 8)
        let nameLength = Int(file.load(UInt16.self, at: offset + 28))
        let rest = Int(file.load(UInt16.self, at: offset + 30)) + Int(file.load(UInt16.self, at: offset + 32))
        guard limit - offset >= 46 + nameLength + rest, nameLength > 0,
            let name = file.validString(at: offset + 46, count: nameLength)
        else { throw .damaged("an impossible name") }
        guard flags & 1 == 0 else { throw .unsupported("encryption") }
        let compressed = file.load(UInt32.self, at: offset + 20)
        let size = file.load(UInt32.self, at: offset + 24)
        let local = file.load(UInt32.self, at: offset + 42)
        guard compressed != .max, size != .max, local != .max else { throw .unsupported("zip64") }
        defer { offset += 46 + nameLength + rest }
        return ZipMember(
            name: name, compressedSize: Int(compressed), size: Int(size),
            crc32: file.load(UInt32.self, at: offset + 16), method: file.load(UInt16.self, at: offset + 10),
            offset: Int(local))
    }

    /// The member of that exact name.
    package func member(_ name: String) throws(ZipError) -> ZipMember {
        guard let member = members.first(where: { $0.name == name }) else { throw .noSuchMember(name) }
        return member
    }

    /// Streams a member in pieces of up to a mebibyte; length and CRC-32 are checked at the end.
    ///
    /// - Throws: `ZipError`, or what the sink throws.
    package func read(_ name: String, into sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        let member = try member(name)
        let data = try unsafe compressedBytes(of: member)
        file.advise(.sequential)
        var crc: UInt = 0
        func pass(_ piece: UnsafeRawBufferPointer) throws {
            // A piece is at most a mebibyte.
            crc = unsafe crc32(crc, piece.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(piece.count))
            try unsafe sink(piece)
        }
        let produced: Int
        switch member.method {
        case 0:
            guard data.count == member.size else { throw ZipError.checkFailed(member: name) }
            for start in stride(from: 0, to: data.count, by: 1 << 20) {
                try unsafe pass(UnsafeRawBufferPointer(rebasing: data[start..<min(start + 1 << 20, data.count)]))
            }
            produced = data.count
        case 8:
            do {
                var inflater = try Inflater(.raw)
                produced = try unsafe inflater.run(data, limit: member.size, into: pass)
            } catch let error as InflateError {
                throw ZipError.data(member: name, error)
            }
        default: throw ZipError.unsupported("compression method \(member.method)")
        }
        guard produced == member.size, crc == member.crc32 else { throw ZipError.checkFailed(member: name) }
    }

    /// Where a member's data lie: after its local header, whose name must agree with the directory's.
    private func compressedBytes(of member: ZipMember) throws(ZipError) -> UnsafeRawBufferPointer {
        guard file.count - member.offset >= 30, file.load(UInt32.self, at: member.offset) == 0x0403_4B50 else {
            throw .damaged("\(member.name) has no local header")
        }
        let nameLength = Int(file.load(UInt16.self, at: member.offset + 26))
        let start = member.offset + 30 + nameLength + Int(file.load(UInt16.self, at: member.offset + 28))
        guard start <= file.count, member.compressedSize <= file.count - start else {
            throw .damaged("\(member.name) ends outside the file")
        }
        guard file.validString(at: member.offset + 30, count: nameLength) == member.name else {
            throw .damaged("\(member.name) has another name in its local header")
        }
        return unsafe UnsafeRawBufferPointer(start: file.base + start, count: member.compressedSize)
    }

    /// A small member at once.
    package func contents(_ name: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let size = try member(name).size
        guard size <= limit else { throw ZipError.data(member: name, .tooLong(limit: limit)) }
        var result: [UInt8] = []
        result.reserveCapacity(size)
        try unsafe read(name) { unsafe result.append(contentsOf: $0) }
        return result
    }
}

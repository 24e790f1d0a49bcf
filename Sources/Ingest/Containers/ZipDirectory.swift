// The table of contents of a zip file, believed only where it agrees with the file.
//
// Owns offsets, sizes and names; unpacking is `ZipFile`'s. Nothing is written to disk, so a name such as `../../etc`
// is only a name.

import Documents

/// What a zip file holds, by the directory at its end.
struct ZipDirectory {
    /// A member.
    struct Entry {
        /// Its path inside; `/` parts folders.
        var name: String
        /// Its packed bytes in the file.
        var data: Range<Int>
        /// Bytes when unpacked.
        var size: Int
        /// Of the unpacked bytes.
        var checksum: UInt32
        /// 0 stored, 8 deflated.
        var method: Int
        var isEncrypted: Bool
        /// A symbolic link: its content is where it points to.
        var isLink: Bool

        /// Folders have entries of their own, without content.
        var isFolder: Bool { name.hasSuffix("/") }
        /// Where its local header begins.
        var header: Int
    }

    /// In the order of the directory.
    let entries: [Entry]

    /// Reads the directory of a file.
    init(_ bytes: ArraySlice<UInt8>, limits: ArchiveLimits) throws(ExtractionFailure) {
        let file = LittleEndian(bytes)
        let end = try EndRecord(file)
        guard end.count <= limits.members else {
            throw ExtractionFailure(.tooLarge, "\(end.count) members; the limit is \(limits.members)")
        }
        // Each entry has 46 bytes at least: a count beyond that is a lie.
        guard end.count <= end.directory.count / 46 else { throw Self.damaged("its directory breaks off") }
        var entries: [Entry] = []
        entries.reserveCapacity(end.count)
        var at = end.directory.lowerBound
        for _ in 0..<end.count {
            entries.append(try Self.entry(file, at: &at, end))
        }
        try Self.refuseOverlaps(entries)
        self.entries = entries
    }

    private static func damaged(_ what: String) -> ExtractionFailure {
        ExtractionFailure(.malformed, "no sound zip file: \(what)")
    }

    /// Reads one entry of the directory and finds its data behind the local header, which must say the same.
    private static func entry(
        _ file: LittleEndian, at: inout Int, _ end: EndRecord
    ) throws(ExtractionFailure) -> Entry {
        guard end.directory.upperBound - at >= 46, file.four(at) == 0x0201_4B50 else {
            throw damaged("its directory breaks off")
        }
        let flags = file.two(at + 8)
        let method = file.two(at + 10)
        let (nameLength, extraLength, commentLength) = (file.two(at + 28), file.two(at + 30), file.two(at + 32))
        let length = 46 + nameLength + extraLength + commentLength
        guard end.directory.upperBound - at >= length else { throw damaged("its directory breaks off") }
        let rawName = file.bytes(at + 46, nameLength)
        let extra = ExtraFields(file, at: at + 46 + nameLength, count: extraLength)
        var (packed, size, header) = (file.four(at + 20), file.four(at + 24), file.four(at + 42))
        // Fields that are too small for their value say so with all bits set; the values follow in this order.
        var wide = extra.zip64
        if size == 0xFFFF_FFFF { size = try wide.next() }
        if packed == 0xFFFF_FFFF { packed = try wide.next() }
        if header == 0xFFFF_FFFF { header = try wide.next() }
        let checksum = UInt32(truncatingIfNeeded: file.four(at + 16))
        let attributes = file.four(at + 38) >> 16
        let isUnix = file.two(at + 4) >> 8 == 3
        at += length

        let name = extra.unicodeName ?? ZipNames.text(rawName, isUTF8: flags & 0x800 != 0)
        let local = header.addingReportingOverflow(end.shift).partialValue
        guard header <= end.directory.lowerBound, local >= 0, end.directory.lowerBound - local >= 30,
            file.four(local) == 0x0403_4B50
        else { throw damaged("\(name) has no header of its own") }
        let start = local + 30 + file.two(local + 26) + file.two(local + 28)
        guard start <= end.directory.lowerBound, packed <= end.directory.lowerBound - start else {
            throw damaged("\(name) reaches beyond the data")
        }
        guard file.bytes(local + 30, file.two(local + 26)).elementsEqual(rawName), file.two(local + 8) == method else {
            throw damaged("\(name) is called something else in its own header")
        }
        return Entry(
            name: name, data: start..<start + packed, size: size, checksum: checksum, method: method,
            // Bit 0: encrypted; bit 13: so is the directory; method 99: encrypted with AES.
            isEncrypted: flags & 0x2001 != 0 || method == 99,
            isLink: isUnix && attributes & 0o170000 == 0o120000, header: local)
    }

    /// Members that share bytes are how a small file becomes thousands of large ones.
    private static func refuseOverlaps(_ entries: [Entry]) throws(ExtractionFailure) {
        let sorted = entries.sorted { $0.header < $1.header }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.data.upperBound > right.header {
            throw damaged("\(left.name) and \(right.name) overlap: a decompression bomb")
        }
    }
}

/// The record at the end of a zip file that says where the directory lies.
private struct EndRecord {
    let count: Int
    /// Where the directory stands in this file.
    let directory: Range<Int>
    /// Bytes before the zip file proper, as in programs that unpack themselves: offsets count from there.
    let shift: Int

    init(_ file: LittleEndian) throws(ExtractionFailure) {
        let earliest = max(0, file.count - 22 - 0xFFFF)
        guard file.count >= 22,
            let at = stride(from: file.count - 22, through: earliest, by: -1).first(where: {
                file.four($0) == 0x0605_4B50 && file.two($0 + 20) <= file.count - $0 - 22
            })
        else { throw ExtractionFailure(.malformed, "no zip file, or one that was cut off: it has no directory") }
        var disks = [file.two(at + 4), file.two(at + 6)]
        var (count, size, offset) = (file.two(at + 10), file.four(at + 12), file.four(at + 16))
        var end = at
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF, at >= 20, file.four(at - 20) == 0x0706_4B50
        {
            let wide = try Self.wide(file, locator: at - 20)
            (end, count, size, offset) = (wide.at, wide.count, wide.size, wide.offset)
            disks = wide.disks
        }
        guard disks.allSatisfy({ $0 == 0 || $0 == 0xFFFF }) else {
            throw ExtractionFailure(.unsupported, "one piece of a zip file in several pieces")
        }
        guard size <= end, offset <= end - size else {
            throw ExtractionFailure(.malformed, "no sound zip file: its directory lies outside of it")
        }
        self.count = count
        directory = end - size..<end
        shift = end - size - offset
    }

    /// The larger record of files that need it.
    private static func wide(
        _ file: LittleEndian, locator: Int
    ) throws(ExtractionFailure) -> (at: Int, disks: [Int], count: Int, size: Int, offset: Int) {
        // Straight before its locator where offsets are shifted, else where the locator says.
        let places = [file.eight(locator + 8), locator - 56].filter { $0 >= 0 && $0 <= locator - 56 }
        guard let at = places.first(where: { file.four($0) == 0x0606_4B50 }) else {
            throw ExtractionFailure(.malformed, "no sound zip file: its zip64 record is missing")
        }
        return (
            at, [file.four(at + 16), file.four(at + 20)], file.eight(at + 32), file.eight(at + 40), file.eight(at + 48)
        )
    }
}

/// The extra fields of an entry, as far as they matter.
private struct ExtraFields {
    var zip64 = Wide(file: LittleEndian([]), at: 0, end: 0)
    private(set) var unicodeName: String?

    /// Eight-byte numbers that stand for those that did not fit.
    struct Wide {
        let file: LittleEndian
        var at: Int
        let end: Int

        mutating func next() throws(ExtractionFailure) -> Int {
            guard end - at >= 8 else {
                throw ExtractionFailure(.malformed, "no sound zip file: a size is missing in its directory")
            }
            defer { at += 8 }
            return file.eight(at)
        }
    }

    init(_ file: LittleEndian, at start: Int, count: Int) {
        var at = start
        while start + count - at >= 4 {
            let (id, length) = (file.two(at), file.two(at + 2))
            at += 4
            guard length <= start + count - at else { return }
            if id == 0x0001 {
                zip64 = Wide(file: file, at: at, end: at + length)
            } else if id == 0x7075, length > 5 {
                unicodeName = String(validating: file.bytes(at + 5, length - 5), as: UTF8.self)
            }
            at += length
        }
    }
}

/// Numbers in a file, least byte first. What lies outside of the file is 0, as callers have checked.
struct LittleEndian {
    private let file: ArraySlice<UInt8>

    init(_ file: ArraySlice<UInt8>) {
        self.file = file
    }

    var count: Int { file.count }

    func two(_ at: Int) -> Int { number(at, 2) }
    func four(_ at: Int) -> Int { number(at, 4) }
    /// Numbers beyond 63 bits become the largest one, which no check lets pass.
    func eight(_ at: Int) -> Int { number(at, 8) }

    func bytes(_ at: Int, _ count: Int) -> ArraySlice<UInt8> {
        guard at >= 0, count >= 0, at <= file.count, count <= file.count - at else { return [] }
        return file[file.startIndex + at..<file.startIndex + at + count]
    }

    private func number(_ at: Int, _ width: Int) -> Int {
        var value: UInt64 = 0
        for byte in bytes(at, width).reversed() { value = value << 8 | UInt64(byte) }
        return Int(clamping: value)
    }
}

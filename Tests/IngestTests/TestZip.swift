// A zip file made in a test: members as they are, without packing.

@testable import Ingest

enum TestZip {
    /// The file's bytes. Members in order, by name.
    static func file(_ members: [(String, String)]) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, text) in members {
            let content = Array(text.utf8)
            let common =
                short(20) + short(0x800) + short(0) + short(0) + short(0) + long(Int(Inflater.checksum(content)))
                + long(content.count) + long(content.count) + short(name.utf8.count) + short(0)
            directory += [0x50, 0x4B, 1, 2] + short(20) + common + short(0) + short(0) + short(0) + long(0)
            directory += long(file.count) + Array(name.utf8)
            file += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + content
        }
        let end =
            [0x50, 0x4B, 5, 6] + short(0) + short(0) + short(members.count) + short(members.count)
            + long(directory.count) + long(file.count) + short(0)
        return file + directory + end
    }

    private static func short(_ value: Int) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }
    private static func long(_ value: Int) -> [UInt8] { short(value & 0xFFFF) + short(value >> 16) }
}

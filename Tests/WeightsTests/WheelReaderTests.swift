// The zip reader against files of Python's zipfile, whole and broken.

import Foundation
import Hashing
import SystemPackage
import Testing
import Weights

@Suite
struct WheelReaderTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func wheel(_ bytes: [UInt8]) throws -> WheelReader {
        try WheelReader(path: try scratch.write("x.whl", bytes))
    }

    @Test
    func readsOneMember() throws {
        let wheel = try wheel(WheelSamples.deflated)
        #expect(wheel.members.map(\.name) == ["pkg/__init__.py", "pkg/data/text.bin", "pkg/data/noise.bin"])
        #expect(try wheel.member("pkg/data/text.bin").size == 2640)
        #expect(ContentHash(of: try wheel.contents("pkg/data/text.bin")).hex == WheelSamples.textHash)
        #expect(ContentHash(of: try wheel.contents("pkg/data/noise.bin")).hex == WheelSamples.noiseHash)
        #expect(try wheel.contents("pkg/__init__.py").isEmpty)
        let stored = try self.wheel(WheelSamples.stored)
        #expect(try stored.contents("pkg/data/stored.bin") == Array("stored bytes".utf8))
    }

    @Test
    func refusesWhatIsNotThere() throws {
        let wheel = try wheel(WheelSamples.deflated)
        #expect(throws: ZipError.noSuchMember("pkg")) { try wheel.contents("pkg") }
        #expect(throws: ZipError.data(member: "pkg/data/text.bin", .tooLong(limit: 100))) {
            try wheel.contents("pkg/data/text.bin", limit: 100)
        }
        #expect(throws: ZipError.notZip) { try self.wheel(Array("no zip".utf8)) }
        #expect(throws: ZipError.notZip) { try self.wheel([]) }
        #expect(throws: ZipError.io(.noSuchFileOrDirectory)) { try WheelReader(path: scratch.path + "/absent") }
    }

    /// Finds the only place of some bytes and changes it.
    private func changing(_ find: [UInt8], at shift: Int, to new: [UInt8]) throws -> WheelReader {
        var bytes = WheelSamples.deflated
        // The last occurrence: the directory's entry, or the end record.
        let place = try #require(
            (0...bytes.count - find.count).last { Array(bytes[$0..<$0 + find.count]) == find })
        bytes.replaceSubrange(place + shift..<place + shift + new.count, with: new)
        return try wheel(bytes)
    }

    @Test
    func refusesHostileDirectories() throws {
        let entry: [UInt8] = [0x50, 0x4B, 1, 2]
        let end: [UInt8] = [0x50, 0x4B, 5, 6]
        #expect(throws: ZipError.unsupported("encryption")) { try changing(entry, at: 8, to: [1, 0]) }
        #expect(throws: ZipError.unsupported("zip64")) {
            try changing(entry, at: 20, to: [0xFF, 0xFF, 0xFF, 0xFF])
        }
        #expect(throws: ZipError.unsupported("zip64")) { try changing(end, at: 10, to: [0xFF, 0xFF]) }
        #expect(throws: ZipError.unsupported("several disks")) { try changing(end, at: 4, to: [1, 0]) }
        #expect(throws: ZipError.self) { try changing(end, at: 16, to: [0xF0, 0xFF, 0xFF, 0x7F]) }
        #expect(throws: ZipError.self) { try changing(end, at: 10, to: [9, 0]) }
        // The directory promises fewer bytes than come out: nothing beyond the promise is produced.
        let bomb = try changing(entry, at: 24, to: [10, 0, 0, 0])
        #expect(throws: ZipError.data(member: "pkg/data/noise.bin", .tooLong(limit: 10))) {
            try bomb.contents("pkg/data/noise.bin")
        }
        let wrongSum = try changing(entry, at: 16, to: [0, 0, 0, 0])
        #expect(throws: ZipError.checkFailed(member: "pkg/data/noise.bin")) {
            try wrongSum.contents("pkg/data/noise.bin")
        }
        let method = try changing(entry, at: 10, to: [93, 0])
        #expect(throws: ZipError.unsupported("compression method 93")) { try method.contents("pkg/data/noise.bin") }
    }

    @Test
    func mutationsNeverCrash() throws {
        var generator = SeededGenerator(seed: 77)
        for _ in 0..<1500 {
            var bytes = WheelSamples.deflated
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            }
            do {
                let wheel = try wheel(bytes)
                for member in wheel.members { _ = try? wheel.contents(member.name) }
            } catch is ZipError {
                continue
            }
        }
    }

    @Test
    func gunzipChecksItsInput() throws {
        // gzip.compress(b"hello", mtime=0) of Python.
        let hello = Data(base64Encoded: "H4sIAAAAAAACA8tIzcnJBwCGphA2BQAAAA==").map { [UInt8]($0) } ?? []
        #expect(try gunzip(hello) == Array("hello".utf8))
        #expect(throws: InflateError.tooLong(limit: 3)) { try gunzip(hello, limit: 3) }
        #expect(throws: InflateError.truncated) { try gunzip(Array(hello.dropLast(4))) }
        #expect(throws: InflateError.self) { try gunzip(hello + [0]) }
        #expect(throws: InflateError.self) { try gunzip(Array("hello".utf8)) }
    }
}

// Digests that are remembered are those of the content, whatever happened to the file or to the memory.

import Foundation
import Hashing
import SystemPackage
import Testing

@testable import Store

struct FileDigestTests {
    private let folder = FilePath(NSTemporaryDirectory()).appending("docproc-digests-\(UUID().uuidString)")

    private func write(_ text: String, _ name: String, settled: Bool = true) throws {
        let path = folder.appending(name).string
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
        // A change of a moment ago is not trusted: wait until it is old enough.
        if settled { Thread.sleep(forTimeInterval: 1.1) }
    }

    /// The digest, and whether the file was read for it.
    private func digest(_ name: String) throws -> (hash: ContentHash, wasRead: Bool) {
        var read = false
        let hash = try FileDigests(memory: folder.appending("memory/digests")).digest(
            of: folder.appending(name).string
        ) { _ in read = true }
        return (hash, read)
    }

    @Test func contentIsReadOnceAndAgainWhenItChanges() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        try write("one", "a")
        #expect(try digest("a") == (ContentHash(of: "one"), true))
        #expect(try digest("a") == (ContentHash(of: "one"), false))
        // Same name, same size, and the old time put back.
        let time = try FileManager.default.attributesOfItem(atPath: folder.appending("a").string)[.modificationDate]
        try write("two", "a", settled: false)
        try FileManager.default.setAttributes(
            [.modificationDate: try #require(time)], ofItemAtPath: folder.appending("a").string)
        #expect(try digest("a") == (ContentHash(of: "two"), true))
        // So fresh a change is not remembered.
        #expect(try digest("a") == (ContentHash(of: "two"), true))
        #expect(throws: Errno.noSuchFileOrDirectory) { try digest("b") }
    }

    @Test func aDamagedMemoryIsNoMemory() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        try write("one", "a")
        let expected = ContentHash(of: "one")
        #expect(try digest("a") == (expected, true))
        let memory = URL(filePath: folder.appending("memory/digests").string)
        let whole = try Data(contentsOf: memory)
        for place in whole.indices.dropLast() {
            var damaged = whole
            damaged[place] ^= 1
            try damaged.write(to: memory)
            #expect(try digest("a") == (expected, true), "byte \(place)")
            try whole.prefix(place).write(to: memory)
            #expect(try digest("a") == (expected, true), "\(place) bytes")
        }
        #expect(try digest("a") == (expected, false))
    }
}

// What stays and what goes: limits, pins, uses, readers; whose text a segment holds.

import Foundation
import Hashing
import Kernels
import SystemPackage
import Testing

@testable import KVCache

#if canImport(Glibc)
    import Glibc
#endif

/// A folder with files that are named as segments are; what is in them is of no interest here.
private final class SegmentFolder {
    let root = FilePath(NSTemporaryDirectory()).appending("docproc-files-\(UUID().uuidString)")
    let namespace = String(ContentHash(of: "n").hex.prefix(24))
    private(set) var parents: [String: String] = [:]
    private var added: Set<String> = []

    deinit { try? FileManager.default.removeItem(atPath: root.string) }

    var files: KVSegmentFiles { KVSegmentFiles(root: root) }

    func key(_ name: String) -> ContentHash { ContentHash(of: name) }

    func digits(_ name: String) -> String { String(key(name).hex.prefix(24)) }

    func path(_ name: String) -> FilePath {
        let parent = parents[name].map { digits($0) } ?? namespace
        return root.appending(namespace).appending("\(parent)-\(digits(name)).kv")
    }

    /// - Parameter age: seconds since its last use.
    func add(_ name: String, after parent: String? = nil, bytes: Int = 1000, age: Int = 0) {
        parents[name] = parent
        added.insert(name)
        let path = path(name).string
        try? FileManager.default.createDirectory(
            atPath: root.appending(namespace).string, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: path, contents: Data(count: bytes))
        var times = [timespec(tv_sec: time(nil) - age, tv_nsec: 0), timespec(tv_sec: time(nil) - age, tv_nsec: 0)]
        utimensat(AT_FDCWD, path, &times, 0)
    }

    /// What is still there.
    var names: Set<String> { added.filter { FileManager.default.fileExists(atPath: path($0).string) } }
}

struct KVSegmentFilesTests {
    private func room(_ folder: SegmentFolder, limit: Int, after parent: Substring? = nil) -> KVRoom {
        folder.files.makeRoom(1000, limit: limit, reserve: 0, after: parent)
    }

    @Test func whatIsLeastWorthGoesFirst() {
        let day = 86_400
        let folder = SegmentFolder()
        folder.add("root", age: 20 * day)
        folder.add("first", after: "root", age: 20 * day)
        folder.add("second", after: "first", age: 20 * day)
        folder.add("often", after: "root", age: 20 * day)
        folder.add("new", after: "root", age: day)
        folder.add("orphan", after: "nothing", age: 0)
        for _ in 0..<5 { KVUseLog(root: folder.root).append(folder.digits("often")) }
        var gone: [String] = []
        var before = folder.names
        while let limit = before.isEmpty ? nil : before.count * 1000 {
            #expect(room(folder, limit: limit) == .enough)
            let now = folder.names
            gone += before.subtracting(now).sorted()
            guard now.count < before.count else { break }
            before = now
        }
        // What lost its beginning, then the rest by age and use; never one that another follows.
        #expect(gone == ["orphan", "second", "first", "new", "often", "root"])
        #expect(room(folder, limit: 999) == .limitTooSmall)
    }

    /// Of two ends of the same age, the one behind more tokens is dearer.
    @Test func laterSegmentsAreDearer() {
        let folder = SegmentFolder()
        for index in 0..<40 { folder.add("long\(index)", after: index > 0 ? "long\(index - 1)" : nil, age: 1000) }
        folder.add("short", age: 1000)
        #expect(room(folder, limit: 41_000) == .enough)
        #expect(!folder.names.contains("short"))
        #expect(folder.names.count == 40)
        // Much older, it goes first all the same.
        folder.add("short", age: 1000)
        folder.add("long39", after: "long38", age: 60 * 86_400)
        #expect(room(folder, limit: 41_000) == .enough)
        #expect(folder.names.contains("short") && !folder.names.contains("long39"))
    }

    @Test func whatIsPinnedOrReadOrFollowedStays() throws {
        let folder = SegmentFolder()
        folder.add("a", age: 300)
        folder.add("b", after: "a", age: 200)
        folder.add("c", age: 100)
        #expect(try folder.files.pin(.init(documents: ["x"])) == 0)
        KVSegmentFiles.note(["x"], path: folder.path("b"))
        #expect(try folder.files.pin(.init(documents: ["x"])) == 1)
        #expect(folder.files.usage() == .init(count: 3, bytes: 3000, pinned: 2))
        #expect(room(folder, limit: 3000, after: folder.digits("c")[...]) == .limitTooSmall)
        #expect(folder.names == ["a", "b", "c"])
        let reader = try FileDescriptor.open(folder.path("c"), .readOnly)
        #expect(flock(reader.rawValue, LOCK_SH) == 0)
        #expect(room(folder, limit: 3000) == .limitTooSmall)
        try reader.close()
        #expect(folder.files.remove(unusedSince: KVSegmentFiles.now() + 1_000_000_000) == 1)
        #expect(folder.names == ["a", "b"])
        #expect(folder.files.unpin(.init()) == 1)
        #expect(room(folder, limit: 2000) == .enough)
        #expect(folder.names == ["a"])
        #expect(folder.files.remove() == 1)
        #expect(!FileManager.default.fileExists(atPath: folder.root.appending(folder.namespace).string))
    }

    @Test func purgingTakesWhatHoldsADocumentAndWhatFollows() {
        let folder = SegmentFolder()
        folder.add("a")
        folder.add("b", after: "a")
        folder.add("c", after: "b")
        folder.add("d", after: "a")
        folder.add("unknown", after: "a")
        folder.add("damaged", after: "a")
        let documents = ["one": 0, "two": 9000]
        KVSegmentFiles.note(documents, path: folder.path("a"), end: 8192)
        KVSegmentFiles.note(documents, path: folder.path("b"), end: 16_384)
        for name in ["c", "d", "damaged"] { KVSegmentFiles.note(["one"], path: folder.path(name)) }
        let note = URL(filePath: KVSegmentFiles.beside(folder.path("damaged"), "docs").string)
        try? Data("one\n0000000000000000\n".utf8).write(to: note)
        #expect(KVSegmentFiles.documents(of: folder.path("a")) == ["one"])
        #expect(KVSegmentFiles.documents(of: folder.path("b")) == ["one", "two"])
        #expect(KVSegmentFiles.documents(of: folder.path("damaged")) == nil)
        #expect(folder.files.remove(documents: ["two"]) == 4)
        #expect(folder.names == ["a", "d"])
        #expect(folder.files.remove(documents: ["three"]) == 0)
        #expect(folder.files.remove(documents: ["one"]) == 2)
    }

    /// Random forests, limits and pins: chains stay whole, limits are kept, pins hold.
    @Test(arguments: 0..<60)
    func limitsAreKept(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = SegmentFolder()
        let count = Int.random(in: 1...40, using: &random)
        for index in 0..<count {
            let follows = index > 0 && Int.random(in: 0..<5, using: &random) > 0
            let parent = follows ? Int.random(in: 0..<index, using: &random) : nil
            folder.add(
                "\(index)", after: parent.map { "\($0)" }, bytes: .random(in: 1...5000, using: &random),
                age: .random(in: 0...5_000_000, using: &random))
            if Int.random(in: 0..<6, using: &random) == 0 {
                KVSegmentFiles.note(["kept"], path: folder.path("\(index)"))
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                KVUseLog(root: folder.root).append(folder.digits("\(index)"))
            }
        }
        let pins = try folder.files.pin(.init(documents: ["kept"]))
        let pinned = folder.files.usage().pinned
        #expect(pinned >= pins)
        let limit = Int.random(in: 1000...100_000, using: &random)
        let answer = room(folder, limit: limit)
        let usage = folder.files.usage()
        #expect((answer == .enough) == (usage.bytes + 1000 <= limit))
        #expect(usage.pinned == pinned)
        if answer != .enough, limit >= 1000 { #expect(usage.count == pinned) }
        let names = folder.names
        for name in names { if let parent = folder.parents[name] { #expect(names.contains(parent)) } }
    }

    @Test func aDamagedLogCountsForLess() throws {
        var random = SeededGenerator(seed: 3)
        let folder = SegmentFolder()
        folder.add("a")
        let log = KVUseLog(root: folder.root)
        let now = KVSegmentFiles.now() / 1_000_000_000
        for week in 0..<3 { log.append("a", at: now - week * 7 * 86_400) }
        for index in 0..<20 { log.append("k\(index)") }
        func uses(_ key: String) -> Double { log.uses(now: now) { _ in true }[Substring(key)] ?? 0 }
        #expect(uses("a") == 1.75)
        let url = URL(filePath: folder.root.appending("uses").string)
        let whole = try Data(contentsOf: url)
        for _ in 0..<500 {
            var bytes = whole
            bytes[.random(in: 0..<bytes.count, using: &random)] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            try bytes.write(to: url)
            let all = log.uses(now: now) { _ in true }
            #expect(all.values.reduce(0, +) < 21.76 && all.count >= 20)
            #expect(all.keys.allSatisfy { $0 == "a" || $0.first == "k" })
        }
        // A torn last line costs itself only.
        try whole.dropLast(5).write(to: url)
        log.append("a", at: now)
        #expect(uses("a") == 2.75)
        // A long one is put together; what is no longer there is forgotten.
        for _ in 0..<20_000 { log.append("a", at: now) }
        #expect(log.uses(now: now) { $0 == "a" }["a"] == 20_002.75)
        #expect(log.uses(now: now) { _ in true } == ["a": 20_002.75])
        #expect(try Data(contentsOf: url).count < 200)
    }

    /// Asked for each segment of ten million tokens.
    @Test func aLongStoreIsCheapToLookThrough() {
        let folder = SegmentFolder()
        for index in 0..<1300 {
            folder.add("\(index)", after: index > 0 ? "\(index - 1)" : nil)
        }
        let clock = ContinuousClock()
        let roomy = clock.measure { for _ in 0..<5 { #expect(room(folder, limit: 1 << 40) == .enough) } } / 5
        let tight = clock.measure { #expect(room(folder, limit: 1_300_000) == .enough) }
        print("1,300 segments: \(roomy) to see that there is room, \(tight) to make some")
    }
}

/// Archives that no writer of ours wrote.
struct KVArchiveTests {
    @Test(arguments: [
        "segment ../../../../../../../etc/pas x.kv 4096 ?",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa ../../etc/passwd 4096 ?",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbb-cccccccccccccccccccccccc.kv -1 ?",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbb-cccccccccccccccccccccccc.kv 99999999999999999999 ?",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbb-cccccccccccccccccccccccc.kv 0 ?",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbb-/ccccccccccccccccccccccc.kv 4096 ?",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbb-cccccccccccccccccccccccc.kv 4096 zz",
        "segment aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbb-cccccccccccccccccccccccc.kv 4096",
        "about aaaaaaaaaaaaaaaaaaaaaaaa \u{1B}[2J", "about AAAAAAAAAAAAAAAAAAAAAAAA x", "nonsense x y", "x",
    ])
    func hostileLinesAreRefused(line: String) {
        #expect(throws: KVArchiveError.line(1)) { try KVArchive.List(line + "\n") }
    }

    @Test func listsComeBack() throws {
        var list = KVArchive.List()
        let digits = String(repeating: "a", count: 24)
        list.abouts[digits] = #"{"model": "m"}"#
        let hash = ContentHash(of: "x").hex
        for documents in [nil, [], [hash], [hash, ContentHash(of: "y").hex]] as [Set<String>?] {
            list.entries.append(
                .init(namespace: digits, name: "\(digits)-\(digits).kv", bytes: 8192, documents: documents))
        }
        let read = try KVArchive.List(list.text)
        #expect(read.abouts == list.abouts && read.entries == list.entries)
    }

    /// A list that is sound but lies about the file.
    @Test func sizesMustFillTheFile() throws {
        let folder = SegmentFolder()
        let digits = String(repeating: "a", count: 24)
        try FileManager.default.createDirectory(atPath: folder.root.string, withIntermediateDirectories: true)
        let path = folder.root.appending("x.kvs")
        let sizes = [(4096, 4096, true), (8192, 4096, false), (4096, 8192, false), (1 << 60, 4096, false)]
        for (stated, there, isFine) in sizes {
            var list = KVArchive.List()
            list.entries = [
                .init(namespace: digits, name: "\(digits)-\(digits).kv", bytes: stated, documents: nil)
            ]
            let text = Array(list.text.utf8)
            let checksum = text.withUnsafeBytes { unsafe Checksum.crc32c($0) }
            var bytes = KVArchive.magic
            for (value, width) in [(1, 4), (Int(checksum), 4), (32 + there, 8), (text.count, 8)] {
                for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
            }
            bytes += [UInt8](repeating: 0, count: there) + text
            try Data(bytes).write(to: URL(filePath: path.string))
            let files = KVSegmentFiles(root: folder.root.appending("kv"))
            if isFine {
                // The segment itself is none.
                #expect(try files.importArchive(path, limit: nil, reserve: 0).refused.count == 1)
                #expect(files.usage().count == 0)
            } else {
                #expect(throws: KVArchiveError.truncated) { try files.importArchive(path, limit: nil, reserve: 0) }
            }
        }
    }
}

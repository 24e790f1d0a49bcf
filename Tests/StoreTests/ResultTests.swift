// Results by key, accounting, removal, several stores on one directory.

import Documents
import Foundation
import Synchronization
import Testing

@testable import Store

@Suite struct ResultTests {
    @Test func resultsAreReplacedAndFound() throws {
        let store = try CorpusStore.inMemory(options: .init(now: { 1000 }))
        #expect(try store.result("k") == nil)
        try store.saveResult(key: "k", kind: "answer", record: #"{"a":1}"#, documents: [hash("a"), hash("a")])
        try store.saveResult(key: "k", kind: "answer", record: #"{"a":2}"#, documents: [hash("b")])
        #expect(
            try store.result("k") == StoredResult(record: #"{"a":2}"#, kind: "answer", created: 1000, lastUsed: 1000))
        // The first record's document no longer leads to it.
        #expect(try store.purge(documents: [hash("a")]).results == 0)
        #expect(try store.purge(documents: [hash("b")]).results == 1)
        #expect(try store.result("k") == nil)
    }

    @Test func pruningKeepsWhatWasUsed() throws {
        let clock = Mutex(0)
        let scratch = try Scratch()
        let store = try CorpusStore(directory: scratch.path, options: .init(now: { clock.withLock { $0 } }))
        let (old, oldSegments) = sample("old", ["old words"])
        let (used, usedSegments) = sample("used", ["used words"])
        for (document, segments) in [(old, oldSegments), (used, usedSegments)] {
            try store.save(document, extractor: "x")
            try store.index(document, segments: segments, variant: "x")
            try store.saveResult(key: document.path, kind: "answer", record: "{}", documents: [document.sha256])
        }
        clock.withLock { $0 = 20 * 86_400 }
        _ = try store.document(sha256: used.sha256, extractor: "x")
        _ = try store.isIndexed(sha256: used.sha256, variant: "x")
        _ = try store.result(used.path)
        clock.withLock { $0 = 31 * 86_400 }
        #expect(try store.prune(unusedForDays: 30) == CacheRemoval(documents: 1, indexed: 1, results: 1))
        #expect(try store.document(sha256: old.sha256, extractor: "x") == nil)
        #expect(try store.document(sha256: used.sha256, extractor: "x") == used)
        let usage = try store.usage()
        #expect((usage.documents, usage.indexedDocuments, usage.segments, usage.results) == (1, 1, 1, 1))
        #expect(usage.fileBytes > 0 && usage.documentBytes > 0 && usage.indexBytes > 0 && usage.resultBytes == 2)
    }

    @Test func purgedTextIsGoneFromTheFile() throws {
        let scratch = try Scratch()
        let store = try CorpusStore(directory: scratch.path)
        let (document, segments) = sample("secret", ["the xylophonist signed in Ouagadougou"])
        try store.save(document, extractor: "x")
        try store.index(document, segments: segments, variant: "x")
        try store.saveResult(
            key: "k", kind: "answer", record: #"{"quote":"the xylophonist signed"}"#, documents: [document.sha256])
        #expect(try store.purge(documents: [document.sha256]) == CacheRemoval(documents: 1, indexed: 1, results: 1))
        #expect(try store.integrityProblems().isEmpty)
        try store.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch.path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.file(name)))
            #expect(bytes.range(of: Data("xylophonist".utf8)) == nil, "\(name)")
        }
    }

    @Test func purgeAllEmpties() throws {
        let store = try CorpusStore.inMemory()
        let (document, segments) = sample("one", ["words here"])
        try store.save(document, extractor: "x")
        try store.index(document, segments: segments, variant: "x")
        try store.saveResult(key: "k", kind: "answer", record: "{}", documents: [document.sha256])
        #expect(try store.purgeAll() == CacheRemoval(documents: 1, indexed: 1, results: 1))
        let usage = try store.usage()
        #expect((usage.documents, usage.segments, usage.results) == (0, 0, 0))
        #expect(try store.search("words", documents: [document.sha256], variant: "x", limit: 1).isEmpty)
    }

    /// Two stores, each from several threads, as two processes would: both begin the file at once, nothing is lost.
    @Test func twoStoresOnOneDirectory() async throws {
        let scratch = try Scratch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    let store = try CorpusStore(directory: scratch.path)
                    for number in 0..<40 {
                        let (document, segments) = sample("w\(writer)n\(number)", ["words of number \(number)"])
                        try store.save(document, extractor: "x")
                        try store.index(document, segments: segments, variant: "x")
                        try store.saveResult(
                            key: "w\(writer)n\(number)", kind: "answer", record: "{}", documents: [document.sha256])
                    }
                }
            }
            try await group.waitForAll()
        }
        let store = try CorpusStore(directory: scratch.path)
        let usage = try store.usage()
        #expect((usage.documents, usage.indexedDocuments, usage.results) == (80, 80, 80))
        #expect(try store.integrityProblems().isEmpty)
    }
}

@Suite struct PlacesTests {
    @Test func xdgDirectories() {
        let home = ["HOME": "/home/u"]
        let plain = Places(environment: home)
        #expect(plain.cache == "/home/u/.cache/docproc")
        #expect(plain.models == "/home/u/.local/share/docproc/models")
        #expect(plain.runs == "/home/u/.local/state/docproc/runs")
        #expect(plain.settings == "/home/u/.config/docproc")
        let moved = Places(
            environment: home.merging(["XDG_CACHE_HOME": "/c", "XDG_DATA_HOME": "relative", "DOCPROC_RUNS_DIR": "/r"]) {
                $1
            })
        #expect(moved.cache == "/c/docproc")
        #expect(moved.models == "/home/u/.local/share/docproc/models")
        #expect(moved.runs == "/r")
        #expect(Places(environment: home, cacheDirectory: "/given").cache == "/given")
    }
}

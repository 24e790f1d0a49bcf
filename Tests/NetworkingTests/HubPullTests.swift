import Diagnostics
import Foundation
import Hashing
import Synchronization
import Testing

@testable import Networking
@testable import Weights

/// The real client, hub and store against a server with the hub's layout that stalls, cuts and lies.
@Suite(.serialized, .enabled(if: Network.isAvailable, "SKIPPED: built without the trait Network"))
struct HubPullTests {
    private static let model = Array("GGUF".utf8) + sampleBytes(300_000)
    private static let name = "tiny-Q4_K_M.gguf"

    /// A hub, the host of its files, and an empty model folder.
    private final class Place {
        let folder: TemporaryFolder
        let site: HubSite
        let blobs: HubServer
        let server: HubServer
        let store: ModelStore
        let pauses = Pauses()
        /// Seconds without a byte that the client bears; far more than a busy machine takes, unless the hub stalls.
        let silence: Double

        init(_ files: [String: [UInt8]] = [HubPullTests.name: HubPullTests.model], silence: Double = 60) throws {
            self.silence = silence
            folder = try TemporaryFolder()
            store = ModelStore(directory: folder.path + "/models")
            let site = HubSite(files)
            self.site = site
            blobs = try HubServer { site.blob($0) }
            let address = blobs.url
            server = try HubServer { site.hub($0, blobs: address) }
        }

        func hub(_ environment: [String: String] = [:]) throws -> Hub {
            let pauses = pauses
            return try Hub(
                environment: ["HF_ENDPOINT": server.url].merging(environment) { $1 },
                fetcher: try Network.fetcher(environment: [:], silence: silence),
                retry: RetryPolicy(attempts: 4, sleep: { seconds in pauses.seconds.withLock { $0.append(seconds) } }))
        }

        func pull(
            _ text: String = "hf:org/tiny", _ environment: [String: String] = [:]
        ) async throws -> ModelStore.Stored {
            let hub = try hub(environment)
            let plan = try await PullPlan(try #require(try ModelReference(text)), hub: hub, into: store)
            return try await PlannedPull(plan, hub: hub, store: store).run()
        }

        func error(_ text: String = "hf:org/tiny", _ environment: [String: String] = [:]) async -> UserError? {
            do {
                _ = try await pull(text, environment)
                return nil
            } catch {
                return error as? UserError
            }
        }
    }

    private final class Pauses: Sendable {
        let seconds = Mutex<[Double]>([])
    }

    private func bytes(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { Array($0) } }

    @Test(
        arguments: [
            [], [.cut], [.cut, .cut, .unavailable], [.stall], [.cut, .ignoresRange], [.cut, .wrongRange],
            [.cut, .refusesRange], [.cut, .otherVersion], [.cut, .otherTotal], [.announcesMore, .cut],
            [.flipped, .cut],
        ] as [[HubSite.Trick]])
    func aModelArrivesWhateverHappens(tricks: [HubSite.Trick]) async throws {
        let place = try Place(silence: tricks.contains(.stall) ? 0.3 : 60)
        place.site.state.withLock { $0.tricks = tricks }
        let announcing = tricks.first == .announcesMore
        let flipped = tricks.first == .flipped
        if announcing || flipped {
            // These two are lies that another try does not heal; the file is fetched by a second pull.
            let error = await place.error()
            #expect(error?.code == .download)
        }
        let stored = try await place.pull()
        #expect(stored.name == "org/tiny:Q4_K_M" && stored.licence == "mit")
        #expect(stored.path == place.store.directory + "/hub/org/tiny/\(HubSite.commit)/\(Self.name)")
        #expect(bytes(stored.path) == Self.model)
        #expect(stored.sha256 == ContentHash(of: Self.model).hex)
        #expect(try place.store.verify("org/tiny").matches == true)
        let left = try FileManager.default.contentsOfDirectory(
            atPath: place.store.directory + "/hub/org/tiny/\(HubSite.commit)")
        #expect(left.sorted() == ["docproc-model.json", Self.name])
        // What has arrived is not fetched again, except where the server spoiled it.
        if tricks == [.cut] {
            let queries = place.site.state.withLock { $0.blobQueries }
            #expect(queries.count == 2 && (1...Self.model.count / 2).contains(queries[1].offset ?? 0))
            #expect(queries.last?.headers["if-range"] == "\"v1\"")
        }
    }

    @Test(
        arguments: [
            (.flipped, "SHA-256"), (.tooLong, "more than the"), (.announcesMore, "announces 300014 bytes"),
            (.announcesLess, "announces 299994 bytes"), (.page, "a web page"), (.packed, "packed as gzip"),
            (.loop, "circle"), (.downgrade, "http://192.0.2.1/x"), (.otherMagic, "no GGUF file"),
        ] as [(HubSite.Trick, String)])
    func aLieIsNamedAndLeavesNothing(trick: HubSite.Trick, words: String) async throws {
        let place = try Place()
        place.site.state.withLock { $0.tricks = [trick, trick, trick] }
        let error = try #require(await place.error())
        #expect(error.code == .download && error.exit == .remote)
        #expect(error.cause.contains(words), "\(error.cause)")
        #expect(!"\(error)".contains("X-Signature"))
        let folder = place.store.directory + "/hub/org/tiny/\(HubSite.commit)"
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        #expect(place.pauses.seconds.withLock { $0.isEmpty })
        #expect(place.store.list().isEmpty)
    }

    @Test func bothHashesOfAWrongFileAreNamed() async throws {
        let place = try Place()
        let stated = String(repeating: "5", count: 64)
        place.site.state.withLock { $0.hashes = [Self.name: stated] }
        let error = try #require(await place.error())
        #expect(error.cause.contains(stated) && error.cause.contains(ContentHash(of: Self.model).hex))
    }

    @Test func aBusyHubIsAskedAgainWhenItWantsTo() async throws {
        let place = try Place()
        place.site.state.withLock {
            $0.failures = [
                HubAnswer(status: 429, headers: ["Retry-After": "5"]), HubAnswer(status: 502),
            ]
            $0.tricks = [.busy]
        }
        _ = try await place.pull()
        #expect(place.pauses.seconds.withLock { $0 } == [5, 2, 3])
        place.site.state.withLock { $0.failures = Array(repeating: HubAnswer(status: 500), count: 9) }
        #expect(await place.error()?.code == .download)
    }

    @Test func theTokenIsShownToTheHubAlone() async throws {
        let place = try Place()
        place.site.state.withLock { $0.token = "hf_abc" }
        let without = try #require(await place.error())
        #expect(without.code == .licenceNotAccepted && without.exit == .model)
        #expect(without.remedies.contains { $0.action.contains("HF_TOKEN") })
        #expect(without.places == [.init("page", "\(place.server.url)/org/tiny")])
        let wrong = try #require(await place.error("hf:org/tiny", ["HF_TOKEN": "hf_wrong"]))
        #expect(wrong.code == .licenceNotAccepted && !"\(wrong)".contains("hf_wrong"))
        // From the hub's own file too.
        try FileManager.default.createDirectory(atPath: place.folder.path + "/hf", withIntermediateDirectories: true)
        try place.folder.write(Array("hf_abc\n".utf8), to: "hf/token")
        _ = try await place.pull("org/tiny", ["HF_HOME": place.folder.path + "/hf"])
        let blobs = place.site.state.withLock { $0.blobQueries }
        #expect(!blobs.isEmpty && blobs.allSatisfy { $0.headers["authorization"] == nil })
        #expect(place.site.state.withLock { $0.hubQueries.last?.headers["authorization"] } == "Bearer hf_abc")
    }

    @Test func aFileThatIsRefusedIsGated() async throws {
        let place = try Place()
        place.site.state.withLock { $0.tricks = [.forbidden] }
        #expect(await place.error()?.code == .licenceNotAccepted)
    }

    @Test func whatIsNotThereIsSaidWithTheNearestNames() async throws {
        let place = try Place()
        place.site.state.withLock {
            $0.repositories = #"[{"id": "org/tiny"}, {"id": "org/../x"}, {"id": "org/other"}]"#
        }
        let repository = try #require(await place.error("hf:org/tinny"))
        #expect(repository.code == .modelMissing && repository.cause.contains("did you mean org/tiny?"))
        #expect(repository.remedies.first?.action == "docproc models pull hf:org/tiny")
        let revision = try #require(await place.error("hf:org/tiny@old"))
        #expect(revision.cause.contains("no branch, tag or commit \"old\""))
        let quantization = try #require(await place.error("hf:org/tiny:q8_0"))
        #expect(quantization.cause.contains("no q8_0; it has Q4_K_M (0 MB)"))
    }

    @Test(arguments: [
        (#"{"sha": "a1a1a1a1", "siblings": [{"rfilename": "../../evil.gguf"}]}"#, "../../evil.gguf"),
        (#"{"sha": "a1a1a1a1", "siblings": [{"rfilename": "/etc/x.gguf"}]}"#, "/etc/x.gguf"),
        (#"{"sha": "a1a1a1a1", "siblings": [{"rfilename": "a\u001b[2Jb.gguf"}]}"#, "a?[2Jb.gguf"),
        (#"{"sha": "a1a1a1a1", "siblings": [{"rfilename": "a//b.gguf"}]}"#, "a//b.gguf"),
        (#"{"sha": "../../..", "siblings": []}"#, "names no commit"), (#"{"siblings": []}"#, "names no commit"),
        ("[]", "no list of files"), (#"{"sha": "a1a1a1a1", "siblings": [{"rfilename": "x", "size": -5}]}"#, "below 0"),
        ("<html></html>", "no list of files"),
    ])
    func aHostileListingIsRefused(listing: String, words: String) async throws {
        let place = try Place()
        place.site.state.withLock { $0.listing = .text(listing) }
        let error = try #require(await place.error())
        #expect(error.code == .download && error.cause.contains(words), "\(error.cause)")
        #expect(!FileManager.default.fileExists(atPath: place.store.directory))
    }

    @Test func anEndlessListingAndAWebPageAreRefused() async throws {
        let place = try Place()
        place.site.state.withLock {
            $0.listing = HubAnswer(body: [UInt8](repeating: 32, count: Hub.longestListing + 1))
        }
        #expect(await place.error()?.cause.contains("longer than") == true)
        place.site.state.withLock { $0.listing = .text("<html>", type: "text/html") }
        #expect(await place.error()?.cause.contains("web page") == true)
    }

    @Test func aCheckpointIsAFolder() async throws {
        let index =
            #"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#
        let files: [String: [UInt8]] = [
            "config.json": Array("{}".utf8), "tokenizer.json": Array("[1]".utf8), "README.md": [1, 2],
            "model.safetensors.index.json": Array(index.utf8), "model-00001-of-00002.safetensors": sampleBytes(5000),
            "model-00002-of-00002.safetensors": sampleBytes(7000), "original/consolidated.safetensors": [1],
            "pytorch_model.bin": [3], "chat_template.jinja": Array("{{ x }}".utf8),
        ]
        let place = try Place(files)
        place.site.state.withLock { $0.tricks = [.cut] }
        let stored = try await place.pull("org/tiny@v/1")
        let folder = place.store.directory + "/hub/org/tiny/\(HubSite.commit)"
        #expect(stored.name == "org/tiny" && stored.path == folder)
        let got = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(
            got.sorted() == [
                "chat_template.jinja", "config.json", "docproc-model.json", "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json",
            ])
        #expect(try place.store.resolve("org/tiny") == folder && place.store.resolve("hf:ORG/tiny@v/1") == folder)
        let manifest = try #require(place.store.manifest(in: folder))
        #expect(manifest.revision == "v/1" && manifest.commit == HubSite.commit)
        #expect(manifest.files.first { $0.name == "config.json" }?.published == false)
        #expect(try place.store.verify("org/tiny").matches == true)
        // A second pull fetches nothing.
        let hub = try place.hub()
        let plan = try await PullPlan(try #require(try ModelReference("org/tiny")), hub: hub, into: place.store)
        #expect(plan.stored(in: place.store)?.path == folder)
        // An index that names what the repository has not is refused.
        place.site.state.withLock {
            $0.files["model.safetensors.index.json"] = Array(#"{"weight_map": {"a": "../../x.safetensors"}}"#.utf8)
        }
        #expect(await place.error()?.cause.contains("../../x.safetensors") == true)
    }

    @Test func partsAndProjectorComeAlong() async throws {
        var files: [String: [UInt8]] = ["mmproj-tiny-F16.gguf": Self.model, "mmproj-tiny-F32.gguf": Self.model]
        for part in 1...3 { files["BF16/tiny-BF16-0000\(part)-of-00003.gguf"] = Self.model + [UInt8(part)] }
        files["tiny-Q8_0.gguf"] = Self.model
        let place = try Place(files)
        let both = try #require(await place.error())
        #expect(both.cause == "org/tiny has no Q4_K_M; it has BF16 (0 MB), Q8_0 (0 MB)")
        let stored = try await place.pull("org/tiny:bf16")
        #expect(stored.path.hasSuffix("/BF16/tiny-BF16-00001-of-00003.gguf"))
        #expect(stored.pulled?.files.count == 4 && stored.byteCount == Self.model.count * 4 + 3)
        _ = try await place.pull("org/tiny:tiny-q8_0.gguf")
        #expect(place.store.list().map(\.name) == ["org/tiny:BF16", "org/tiny:Q8_0"])
        // What two models share stays until the last one goes.
        try place.store.remove("org/tiny:BF16")
        #expect(place.store.list().map(\.name) == ["org/tiny:Q8_0"])
        #expect(try place.store.verify("org/tiny").matches == true)
        try place.store.remove("org/tiny:Q8_0")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.store.directory).isEmpty)
    }

    @Test func anAddressIsFetchedWithAllItsParts() async throws {
        let place = try Place(["a-00001-of-00002.gguf": Self.model, "a-00002-of-00002.gguf": Self.model + [1]])
        place.site.state.withLock { $0.tricks = [.unavailable, .unavailable, .cut] }
        let stored = try await place.pull("\(place.blobs.url)/blob/a-00001-of-00002.gguf")
        #expect(stored.name == "a" && stored.licence == nil && stored.sha256 == nil)
        #expect(stored.path == place.store.directory + "/web/127.0.0.1/a/a-00001-of-00002.gguf")
        #expect(stored.pulled?.files.map(\.published) == [false, false])
        #expect(stored.byteCount == Self.model.count * 2 + 1)
        #expect(try place.store.resolve("a") == stored.path)
        #expect(try place.store.verify("a").matches == true)
    }

    @Test func theHubsOwnAddressIsAFileOfItsRepository() async throws {
        let place = try Place()
        let stored = try await place.pull("\(place.server.url)/org/tiny/resolve/main/\(Self.name)?download=true")
        #expect(stored.name == "org/tiny:Q4_K_M" && stored.licence == "mit" && stored.sha256 != nil)
    }

    @Test(arguments: [
        "http://192.0.2.1/a.gguf", "https://user:hunter2@host/a.gguf", "https://host/a.zip", "https://host/.gguf",
        "https://host/a%2F..%2Fb.gguf", "https://host/a-00001-of-00002.gguf?signature=1", "https://",
    ])
    func badAddressesAreRefusedWithoutAConnection(text: String) async throws {
        let place = try Place()
        let error = try #require(await place.error(text))
        #expect(error.code == .badFlag && error.exit == .usage, "\(error)")
        #expect(!"\(error)".contains("hunter2"))
    }

    @Test(arguments: ["http://192.0.2.1", "ftp://x", "https://u:p@h", "https://h/?x"])
    func anEndpointThatOthersCanHearIsRefused(endpoint: String) throws {
        let place = try Place()
        let error = #expect(throws: UserError.self) { _ = try place.hub(["HF_ENDPOINT": endpoint]) }
        #expect(error?.code == .badSetting)
    }
}

import Foundation
import Synchronization
import Testing

@testable import Networking

/// Where redirections may lead, and who gets to see a secret.
@Suite struct RedirectionTests {
    private func follow(
        _ url: String, _ locations: [String], credential: HTTPCredential? = nil
    ) async throws -> (reply: HTTPReply, fetcher: ScriptedFetcher) {
        let fetcher = ScriptedFetcher(
            locations.map { .status(302, ["location": $0]) } + [.text("here", type: "text/plain")])
        return (try await fetcher.get(url, accept: "*/*", credential: credential), fetcher)
    }

    @Test func relativeAddressesCountFromTheirPage() async throws {
        let (reply, fetcher) = try await follow("https://a/x/y", ["../z", "//b/w"])
        #expect(reply.url == "https://b/w")
        #expect(fetcher.addresses.withLock { $0 } == ["https://a/x/y", "https://a/z", "https://b/w"])
    }

    @Test(arguments: [
        ("https://a/x", ["http://a/x"], "others could read"),
        ("https://a/x", ["http://127.0.0.1/x"], "others could read"),
        ("http://127.0.0.1/x", ["http://a/x"], "others could read"),
        ("https://a/x", ["https://a/y", "https://a/x"], "circle"),
        ("https://a/x", (0..<12).map { "https://a/\($0)" }, "circle"),
        ("https://a/x", ["file:///etc/passwd"], "no address"),
        ("https://a/x", [""], "no address"),
        ("ftp://a/x", [], "no http"),
    ])
    func whatMakesNoSenseIsRefused(url: String, locations: [String], reason: String) async {
        let failure = await #expect(throws: HTTPFailure.self) { _ = try await follow(url, locations) }
        #expect(failure?.isTransient == false && failure?.explanation.contains(reason) == true)
    }

    @Test func aSecretGoesToItsServerAlone() async throws {
        let credential = HTTPCredential(secret: "hf_secret", origin: try #require(WebAddress("https://a/")).origin)
        let (_, fetcher) = try await follow(
            "https://a/x", ["https://a:443/y", "https://cdn.a/x", "https://a:444/x", "https://a/z"],
            credential: credential)
        #expect(fetcher.secrets.withLock { $0 } == ["hf_secret", "hf_secret", nil, nil, "hf_secret"])
        #expect(!"\(credential) \(String(reflecting: credential))".contains("hf_secret"))
        var dumped = ""
        dump(credential, to: &dumped)
        #expect(!dumped.contains("hf_secret"))
    }

    @Test(arguments: [
        ("https://u:p@h:8443/a/b%20c.gguf?sig=1#x", "https://h:8443/a/b%20c.gguf", "b c.gguf", false),
        ("HTTP://LOCALHOST/x", "http://localhost/x", "x", true), ("http://[::1]:9/x", "http://[::1]:9/x", "x", true),
        ("http://127.1.2.3/x", "http://127.1.2.3/x", "x", true),
        ("http://127.evil.example/x", "http://127.evil.example/x", "x", false),
        ("http://127.0.0.1.example/x", "http://127.0.0.1.example/x", "x", false),
    ])
    func addressesAreTakenApart(text: String, display: String, name: String, isLoopback: Bool) throws {
        let address = try #require(WebAddress(text))
        #expect(address.display == display && address.fileName == name && address.isLoopback == isLoopback)
        #expect(address.hasCredentials == text.contains("@"))
    }

    @Test(arguments: ["", "x", "https://", "file:///x", "https:// a/", "https://a/\u{1B}[2J"])
    func otherTextsAreNoAddresses(text: String) { #expect(WebAddress(text) == nil) }
}

import Foundation
import Testing

@testable import Networking

@Suite struct SimpleIndexTests {
    @Test(arguments: [("Foo.Bar__baz", "foo-bar-baz"), ("plain", "plain"), ("A--B", "a-b")])
    func normalizesNames(name: String, expected: String) {
        #expect(SimpleIndex.normalized(name) == expected)
        #expect(SimpleIndex.page(of: name, index: "http://h/simple") == "http://h/simple/\(expected)/")
    }

    @Test func readsJSON() throws {
        let text = """
            {"meta":{"api-version":"1.1"},"name":"a","files":[
             {"filename":"a-1.0-py3-none-any.whl","url":"../../files/a-1.0-py3-none-any.whl","hashes":{"sha256":"AB"},"size":7,"yanked":false},
             {"filename":"a-1.0.tar.gz","url":"https://other/a.tar.gz","hashes":{}}]}
            """
        let files = try #require(
            SimpleIndex.files(text, contentType: "application/vnd.pypi.simple.v1+json", url: "http://h/simple/a/"))
        #expect(
            files == [
                RemoteFile(
                    name: "a-1.0-py3-none-any.whl", url: "http://h/files/a-1.0-py3-none-any.whl", sha256: "ab", size: 7),
                RemoteFile(name: "a-1.0.tar.gz", url: "https://other/a.tar.gz", sha256: nil),
            ])
    }

    @Test func readsHTML() throws {
        let text = """
            <!DOCTYPE html><html><body><h1>Links</h1>
            <a href="/f/a-1.0-py3-none-any.whl#sha256=CD" data-requires-python="&gt;=3.8">a-1.0-py3-none-any.whl</a><br/>
            <a href='a-2.0-py3-none-any.whl'> a-2.0-py3-none-any.whl </a>
            <a href="javascript:alert(1)">no</a></body></html>
            """
        let files = try #require(SimpleIndex.files(text, contentType: "text/html", url: "http://h/simple/a/"))
        #expect(files.map(\.url) == ["http://h/f/a-1.0-py3-none-any.whl", "http://h/simple/a/a-2.0-py3-none-any.whl"])
        #expect(files.map(\.sha256) == ["cd", nil])
        #expect(files.map(\.name) == ["a-1.0-py3-none-any.whl", "a-2.0-py3-none-any.whl"])
    }

    @Test func brokenJSONIsNoIndex() {
        #expect(SimpleIndex.files("{", contentType: "application/json", url: "http://h/") == nil)
    }

    @Test func choosesTheWheelForEveryMachine() {
        let names = [
            "my_pkg-1.0-cp311-cp311-manylinux_x86_64.whl", "my_pkg-1.0-py3-none-any.whl", "my_pkg-1.1-py3-none-any.whl",
            "my_pkg-1.0.tar.gz",
        ]
        let files = names.map { RemoteFile(name: $0, url: "http://h/\($0)", sha256: nil) }
        #expect(SimpleIndex.wheel(of: "my-pkg", version: "1.0", in: files)?.name == "my_pkg-1.0-py3-none-any.whl")
        #expect(SimpleIndex.wheel(of: "my-pkg", version: "3.0", in: files) == nil)
    }
}

@Suite struct IndexLocatorTests {
    @Test func theVariableIsStrongest() async throws {
        let locator = IndexLocator(environment: ["PIP_INDEX_URL": "http://mirror/simple"]) { _ in "http://other/" }
        #expect(try await locator.locate() == "http://mirror/simple")
    }

    @Test func thenPipsConfigurationThenPipItself() async throws {
        let configured = IndexLocator(environment: [:]) { $0.contains("config") ? "http://configured/simple\n" : nil }
        #expect(try await configured.locate() == "http://configured/simple")
        let builtIn = IndexLocator(environment: [:]) { $0.contains("config") ? nil : "http://built-in/simple\n" }
        #expect(try await builtIn.locate() == "http://built-in/simple")
    }

    @Test func withoutPipTheErrorSaysWhatToDo() async {
        let error = await #expect(throws: (any Error).self) {
            try await IndexLocator(environment: [:]) { _ in nil }.locate()
        }
        #expect("\(String(describing: error))".contains("PIP_INDEX_URL"))
    }
}

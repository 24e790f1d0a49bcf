// Finds and reads the reference data: ../shared/fixtures/tokenizers beside a checkout, or the small copy in Fixtures.

import Foundation
import Tokenization
import Weights

extension GGUFFile: TokenizerMetadata {}

enum Fixture {
    /// The repository root; tests may be reached through links.
    static let root: String = {
        let here = URL(filePath: #filePath).resolvingSymlinksInPath()
        return here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    }()

    static func shared(_ name: String) -> URL { URL(filePath: root + "/../shared/fixtures/tokenizers/" + name) }

    static let hasShared: Bool = {
        let found = FileManager.default.fileExists(atPath: shared("texts-a.jsonl").path)
        if !found {
            print(
                "SKIPPED: ../shared/fixtures/tokenizers is missing, so only the small set in Tests/TokenizationTests is checked"
            )
        }
        return found
    }()

    static func bundled(_ name: String) throws -> URL {
        guard let folder = Bundle.module.resourceURL else { throw CocoaError(.fileNoSuchFile) }
        return folder.appending(path: "Fixtures/\(name)")
    }

    /// Tokenizers by the fixtures' names, each built once.
    static func tokenizer(_ name: String) throws -> Tokenizer {
        try cache.tokenizer(name)
    }

    /// A definition and the file that it was read from, by the fixtures' name.
    static func definition(_ name: String) throws -> (definition: TokenizerDefinition, file: GGUFFile) {
        let local = try bundled("\(name).vocab.gguf.gz")
        let exists = FileManager.default.fileExists(atPath: local.path)
        return try definition(gzipped: exists ? local : shared("vocab/\(name).vocab.gguf.gz"))
    }

    private static func definition(gzipped url: URL) throws -> (definition: TokenizerDefinition, file: GGUFFile) {
        let bytes = try gunzip([UInt8](Data(contentsOf: url)))
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString + ".gguf")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(bytes).write(to: path)
        let file = try GGUFFile(path: path.path)
        return (try TokenizerDefinition(metadata: file), file)
    }

    private static let cache = Cache()

    private final class Cache: Sendable {
        private let built = Locked<[String: Tokenizer]>([:])

        func tokenizer(_ name: String) throws -> Tokenizer {
            try built.withLock { built in
                if let known = built[name] { return known }
                let new = try Tokenizer(Fixture.definition(name).definition)
                built[name] = new
                return new
            }
        }
    }

    /// The lines of a JSONL file.
    static func lines<Line: Decodable>(_ url: URL, as type: Line.Type = Line.self) throws -> [Line] {
        let decoder = JSONDecoder()
        return try Data(contentsOf: url).split(separator: 0x0A).map { try decoder.decode(Line.self, from: Data($0)) }
    }
}

/// One input of texts-a.jsonl.
struct TextCase: Decodable {
    var id: String
    var cat: String
    var text: String?
    var b64: String?
    var `repeat`: [Repetition]?

    struct Repetition: Decodable {
        var text: String
        var count: Int

        init(from decoder: any Decoder) throws {
            var pair = try decoder.unkeyedContainer()
            text = try pair.decode(String.self)
            count = try pair.decode(Int.self)
        }
    }

    var bytes: [UInt8] {
        if let b64 { return Data(base64Encoded: b64).map { [UInt8]($0) } ?? [] }
        if let parts = `repeat` {
            return parts.flatMap { Array(repeatElement($0.text.utf8, count: $0.count).joined()) }
        }
        return Array((text ?? "").utf8)
    }
}

/// What one tokenizer makes of it.
struct GoldenCase: Decodable {
    var id: String
    var ids: [Int32]?
    /// In special mode, where that differs.
    var special: [Int32]?
    var n: Int?
    var sha256: String?
    var head: [Int32]?
    var tail: [Int32]?
}

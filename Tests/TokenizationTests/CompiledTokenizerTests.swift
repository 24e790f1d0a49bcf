// Compiled tokenizers in files: the same tokenizer comes back, and no damaged or foreign file is taken for one.

import Foundation
import Testing

@testable import Tokenization

@Suite
struct CompiledTokenizerTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    let text = "Hello <|im_end|> wörld 日本語  1234\n\n\t'tis  👩‍👧"

    private func open(_ definition: TokenizerDefinition?, _ path: String, _ identity: [UInt8]) throws -> Tokenizer {
        try Tokenizer(cache: path, identity: identity) { () throws(TokenizerError) in
            guard let definition else { throw .missing(key: "a definition") }
            return definition
        }
    }

    @Test(arguments: Fixture.hasShared ? GoldenTests.names : ["smollm2"])
    func theSameComesBack(_ name: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "a.tokens").path
        var definition = try Fixture.definition(name).definition
        definition.suppressedTokens = [3, 5]
        definition.trimming = [1: .init(before: true, after: false), 4: .init(before: false, after: true)]
        let built = try open(definition, path, [1])
        // Without a definition: only from the file.
        let mapped = try open(nil, path, [1])
        for mode in [EncodingMode.plain, .special] {
            #expect(mapped.encode(text, mode: mode) == built.encode(text, mode: mode))
            #expect(mapped.encodeWithOffsets(text, mode: mode) == built.encodeWithOffsets(text, mode: mode))
        }
        #expect(mapped.vocabularySize == built.vocabularySize && mapped.bos == built.bos)
        #expect(mapped.stopTokens == built.stopTokens && mapped.suppressedTokens == [3, 5])
        #expect(mapped.addsBOS == built.addsBOS)
        #expect(
            CompiledTokenizer.Settings(numbers: try CompiledTokenizer(definition).settings.numbers)
                == (try CompiledTokenizer(definition).settings))
        for id in stride(from: Int32(0), to: Int32(built.vocabularySize), by: 97) {
            #expect(mapped.bytes(of: id) == built.bytes(of: id) && mapped.isControl(id) == built.isControl(id))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.tokens"])
    }

    @Test
    func whatIsOfNoUseGoes() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let tokenizers = CompiledTokenizers(folder: folder.path)
        let definition = try Fixture.definition("smollm2").definition
        func path(_ name: String) -> String { folder.appending(path: name).path }
        func age(_ name: String, days: Double) throws {
            let date = Date(timeIntervalSinceNow: -days * 86_400)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path(name))
        }
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
        for name in ["new.tokens", "old.tokens", "used.tokens"] { _ = try open(definition, path(name), [1]) }
        let whole = try Data(contentsOf: URL(filePath: path("new.tokens")))
        try (Data("docproc tokens 1".utf8) + whole.dropFirst(16)).write(to: URL(filePath: path("other.tokens")))
        for name in ["a.tokens.7.partial", "b.tokens.8.partial", "notes.txt"] {
            try Data("x".utf8).write(to: URL(filePath: path(name)))
        }
        try age("a.tokens.7.partial", days: 1)
        try age("old.tokens", days: 40)
        try age("used.tokens", days: 40)
        _ = try open(nil, path("used.tokens"), [1])
        #expect(tokenizers.usage() == .init(count: 6, bytes: 4 * whole.count + 2))
        #expect(tokenizers.remove(unusedSince: Int(Date.now.timeIntervalSince1970) - 30 * 86_400) == 3)
        #expect(try names() == ["b.tokens.8.partial", "new.tokens", "notes.txt", "used.tokens"])
        #expect(tokenizers.remove() == 3)
        #expect(try names() == ["notes.txt"])
        #expect(CompiledTokenizers(folder: path("none")).usage() == .init())
    }

    @Test
    func damagedAndForeignFilesAreMadeAnew() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "a.tokens").path
        let definition = try Fixture.definition("smollm2").definition
        let expected = try open(definition, path, [1, 2]).encode(text)
        let good = try Data(contentsOf: URL(filePath: path))
        #expect(throws: TokenizerError.self) { try open(nil, path, [1, 3]) }
        var generator = SeededGenerator(seed: 1)
        var changes = [0, 17, 50, 60, 64, 72, 100, good.count - 1]
        for _ in 0..<40 { changes.append(Int.random(in: 0..<good.count, using: &generator)) }
        for place in changes {
            var bad = good
            bad[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            try bad.write(to: URL(filePath: path))
            #expect(throws: TokenizerError.self, "byte \(place)") { try open(nil, path, [1, 2]) }
        }
        for length in [0, 1, 63, 64, 207, 208, good.count / 2, good.count - 1] {
            try good.prefix(length).write(to: URL(filePath: path))
            #expect(throws: TokenizerError.self, "\(length) bytes") { try open(nil, path, [1, 2]) }
        }
        #expect(try open(definition, path, [1, 2]).encode(text) == expected)
        #expect(try Data(contentsOf: URL(filePath: path)) == good)
    }

    @Test
    func aPlaceThatCannotBeWrittenIsNoError() throws {
        let definition = try Fixture.definition("smollm2").definition
        let tokenizer = try open(definition, "/no such folder/a.tokens", [1])
        #expect(tokenizer.vocabularySize == 49152)
    }
}

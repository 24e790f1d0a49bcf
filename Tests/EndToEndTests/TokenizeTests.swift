// `tokenize` with a tokenizer of its own, and `bench tokenize`, as programs.

import Foundation
import Testing

@Suite
struct TokenizeTests {
    /// Tokens for a, b, c, ab and a marker; other bytes have none.
    private let tokenizer = #"""
        {"added_tokens":[{"id":4,"content":"<s>","special":true}],"normalizer":null,
        "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"post_processor":null,
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"ab":3},"merges":["a b"]}}
        """#

    private func program() throws -> Program {
        let program = try Program()
        try program.write("tokenizer.json", tokenizer)
        return program
    }

    private let lines = """
        {"id": "x", "text": "abc<s>"}

        {"id": 2, "b64": "YWI="}
        {"id": "r", "repeat": [["ab", 2], ["c", 1]]}
        """

    @Test func idsOfLines() throws {
        let program = try program()
        defer { program.remove() }
        for round in 0..<2 {
            let result = try program.run("tokenize", "--tokenizer", "tokenizer.json", "--jsonl", input: lines)
            #expect(result.status == 0, "\(round): \(result.error)")
            #expect(
                result.output == """
                    {"id":"x","ids":[3,2]}
                    {"id":2,"ids":[3]}
                    {"id":"r","ids":[3,3,2]}

                    """)
        }
        let special = try program.run(
            "tokenize", "--tokenizer", "tokenizer.json", "--jsonl", "--special", "--no-store", input: lines)
        #expect(special.output.hasPrefix(#"{"id":"x","ids":[3,2,4]}"#))
    }

    @Test func linesThatAreNoneAreNamed() throws {
        let program = try program()
        defer { program.remove() }
        let result = try program.run(
            "tokenize", "--tokenizer", "tokenizer.json", "--jsonl", input: lines + "\n{\"id\": 3}\n")
        #expect(result.status == 3 && result.error.contains("DP-IN-02") && result.error.contains("line 5"))
        #expect(result.output.hasSuffix("{\"id\":\"r\",\"ids\":[3,3,2]}\n"))
        let missing = try program.run("tokenize", "--tokenizer", "none.json", "--jsonl", input: "")
        #expect(missing.status == 3 && missing.error.contains("DP-IN-01"))
        let both = try program.run("tokenize", "--tokenizer", "tokenizer.json", "--jsonl", "a.txt", input: "")
        #expect(both.status == 2)
    }

    @Test func filesAreCountedWithATokenizerAlone() throws {
        let program = try program()
        defer { program.remove() }
        try program.write("docs/a.txt", "abab")
        let result = try program.run("tokenize", "docs", "--tokenizer", "tokenizer.json", "--json")
        #expect(result.status == 0 && result.json?["tokens"] as? Int == 2, "\(result.error)")
    }

    @Test func textsAreCountedAsTheyStand() throws {
        let program = try program()
        defer { program.remove() }
        try program.write("a.txt", "ab\n\n\n\nabc")
        try program.write("b/long.txt", String(repeating: "ab c", count: 3_000_000))
        let result = try program.run(
            "tokenize", "--raw", "a.txt", "b", "-", "--tokenizer", "tokenizer.json", "--json", input: "abab")
        #expect(result.status == 0, "\(result.error)")
        let documents = try #require(result.json?["documents"] as? [[String: Any]])
        #expect(documents.map { $0["doc"] as? String } == ["a.txt", "b/long.txt", "-"])
        #expect(documents.map { $0["tokens"] as? Int } == [3, 6_000_000, 2])
        let missing = try program.run("tokenize", "--raw", "none.txt", "--tokenizer", "tokenizer.json")
        #expect(missing.status == 3 && missing.error.contains("DP-IN-01"))
        #expect(try program.run("tokenize", "--raw", "--jsonl", "--tokenizer", "tokenizer.json").status == 2)
    }

    @Test func compiledTokenizersAreCountedAndRemoved() throws {
        let program = try program()
        defer { program.remove() }
        _ = try program.run("tokenize", "--tokenizer", "tokenizer.json", "--jsonl", input: lines)
        func kept() throws -> [String: Any] {
            try #require(try program.run("cache", "du", "--json").json?["tokenizers"] as? [String: Any])
        }
        #expect(try kept()["count"] as? Int == 1)
        #expect(try kept()["bytes"] as? Int ?? 0 > 100)
        #expect(try program.run("cache", "prune", "--json").json?["tokenizers"] as? Int == 0)
        #expect(try program.run("cache", "purge", "--all", "--yes", "--json").json?["tokenizers"] as? Int == 1)
        #expect(try kept()["count"] as? Int == 0)
    }

    @Test func speedIsMeasured() throws {
        let program = try program()
        defer { program.remove() }
        try program.write("a.txt", String(repeating: "abc cab ", count: 10_000))
        let result = try program.run(
            "bench", "tokenize", "--tokenizer", "tokenizer.json", "--text", "a.txt", "--threads", "2", "--json")
        #expect(result.status == 0, "\(result.error)")
        let tokenizers = try #require(result.json?["tokenizers"] as? [[String: Any]])
        let texts = try #require(tokenizers.first?["texts"] as? [[String: Any]])
        #expect(texts.map { $0["threads"] as? Int } == [1, 2])
        #expect(texts.allSatisfy { ($0["ours"] as? [String: Any])?["tokens"] as? Int == 40_000 })
        let unknown = try program.run(
            "bench", "tokenize", "--tokenizer", "tokenizer.json", "--text", "a.txt", "--peer", "none")
        #expect(unknown.status == 2 && unknown.error.contains("gigatoken"))
    }
}

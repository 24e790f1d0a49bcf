// The other side of `bench tokenize`: a tokenizer that the user has installed for Python.

import Diagnostics
import FoundationEssentials
import Subprocess
import SystemPackage

/// Runs one of the libraries that are known here in a process of its own.
package struct TokenizePeer: Sendable {
    package enum Library: String, Sendable, CaseIterable { case hf, tiktoken, gigatoken, snaptokens }

    private let library: Library
    private let python: String
    private let tokenizer: String

    /// - Parameters:
    ///   - python: path of an interpreter that has the library.
    ///   - tokenizer: tokenizer.json; for tiktoken the rank file of Llama 3 or Llama 4.
    package init(_ library: Library, python: String, tokenizer: String) {
        self.library = library
        self.python = python
        self.tokenizer = tokenizer
    }

    private struct Result: Decodable {
        var cold: Double
        var warm: Double
        var tokens: Int
        var load: Double
    }

    /// A first pass over a text and the best of three more; slow libraries get the first 4 MB, and one pass more.
    ///
    /// - Throws: `DP-CLI-01` when the library cannot be run or says something else.
    package func measure(text: String, threads: Int) async throws -> (sample: TokenizeSample, load: Double) {
        let finished = try await run(text: text, threads: threads)
        guard finished.succeeded else {
            let said = finished.error.split(separator: "\n").last.map { ": \($0)" } ?? ""
            throw failure("\(library.rawValue) failed\(said)")
        }
        guard let result = try? JSONDecoder().decode(Result.self, from: Data(finished.output.utf8)), result.warm > 0
        else { throw failure("\(library.rawValue) printed no result that is understood") }
        return (TokenizeSample(cold: result.cold, warm: result.warm, tokens: result.tokens), result.load)
    }

    private func run(text: String, threads: Int) async throws -> (succeeded: Bool, output: String, error: String) {
        do {
            let finished = try await Subprocess.run(
                .path(FilePath(python)),
                arguments: ["-c", Self.program, library.rawValue, tokenizer, text, "\(threads)"], input: .none,
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            return (
                finished.terminationStatus.isSuccess, finished.standardOutput, finished.standardError
            )
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            try Task.checkCancellation()
            throw failure("the interpreter cannot be run: \(error)")
        }
    }

    private func failure(_ cause: String) -> UserError {
        UserError(
            .badFlag, cause, places: [.init("program", python)],
            remedies: [.init("--python PATH", "an interpreter that has the library")])
    }

    /// Documents of about a megabyte; each library's own way to take many and to use threads.
    private static let program = #"""
        import base64, json, os, sys, time
        library, path, text, threads = sys.argv[1:]
        os.environ["RAYON_NUM_THREADS"] = threads
        several = threads != "1"
        slow = library in ("hf", "tiktoken")
        data = open(text, "rb").read()
        if slow: data = data[:4_000_000]
        data = data.decode("utf-8", "replace")
        size = len(data.encode())
        parts, start = [], 0
        while start < len(data):
            end = data.find("\n", start + (1 << 20))
            end = len(data) if end < 0 else end
            parts.append(data[start:end])
            start = end
        clock = time.perf_counter
        began = clock()
        if library == "hf":
            from tokenizers import Tokenizer
            t = Tokenizer.from_file(path)
            run = lambda: sum(len(e.ids) for e in t.encode_batch_fast(parts, add_special_tokens=False)) if several \
                else sum(len(t.encode(p, add_special_tokens=False).ids) for p in parts)
        elif library == "gigatoken":
            import gigatoken
            t = gigatoken.Tokenizer(path)
            run = lambda: sum(len(i) for i in t.encode_batch(parts, parallel=several))
        elif library == "snaptokens":
            import snaptokens
            t = snaptokens.Tokenizer.from_file(path)
            run = lambda: len(t.encode_batch_flat(parts)[0])
        else:
            import tiktoken
            lines = (line.split() for line in open(path, "rb") if line.strip())
            ranks = {base64.b64decode(a): int(b) for a, b in lines}
            ends = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
            rest = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
            up, low = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
            first = r"[^\r\n\p{L}\p{N}]?"
            pattern = {
                128000: ends + "|" + first + r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + rest,
                200000: first + up + "*" + low + "+" + ends + "?|" + first + up + "+" + low + "*" + ends
                    + r"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + rest,
            }[len(ranks)]
            t = tiktoken.Encoding("t", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
            run = lambda: sum(len(i) for i in t.encode_ordinary_batch(parts, num_threads=int(threads)))
        load = clock() - began
        speeds = []
        for _ in range(2 if slow else 4):
            began = clock()
            tokens = run()
            speeds.append(size / (clock() - began))
        print(json.dumps({"cold": speeds[0], "warm": max(speeds[1:]), "tokens": tokens, "load": load}))
        """#
}

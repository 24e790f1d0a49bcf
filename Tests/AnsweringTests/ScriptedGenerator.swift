import Answering
import Documents
import Packing
import Synchronization

/// A tokenizer of one token a byte: exact and readable in a failing test.
struct ByteTokenizer: PromptTokenizing {
    var promptStart: [Int32] { [] }
    func plainTokens(_ text: String) -> [Int32] { text.utf8.map { Int32($0) } }
    func controlTokens(_ text: String) -> [Int32] { [1000] + plainTokens(text) }
    func plainTokensWithRanges(_ text: String) -> [(id: Int32, range: Range<Int>)] {
        text.utf8.enumerated().map { (Int32($1), $0..<$0 + 1) }
    }
}

/// A model whose replies come from a closure over the prompt, and which remembers what it was asked.
final class ScriptedGenerator: TextGenerating {
    let contextLength: Int
    let reliableWindow: Int
    let dialect: PromptDialect
    private let reply: @Sendable (String) -> String
    private let denial: @Sendable (String) -> Double
    /// Written before every reply, outside of it.
    let thought: String
    private let seen = Mutex<[TextRequest]>([])

    var model: AnswerModel { AnswerModel(name: "scripted", quant: "none", sha256: "00", license: "none") }
    var tokenizer: any PromptTokenizing { ByteTokenizer() }
    var thoughtTokens: Int { thought.isEmpty ? 0 : thought.utf8.count + 2 }
    /// The requests so far.
    var requests: [TextRequest] { seen.withLock { $0 } }

    /// - Parameters:
    ///   - denial: log-probability of "Not in the documents." over a single passage; -3 over one that answers nothing.
    ///   - reply: what is written for a prompt.
    init(
        context: Int = 20000, reliable: Int? = nil, fewShot: Bool = false, thought: String = "",
        denial: @escaping @Sendable (String) -> Double = { _ in -6 }, reply: @escaping @Sendable (String) -> String
    ) {
        contextLength = context
        self.thought = thought
        reliableWindow = reliable ?? context
        self.reply = reply
        self.denial = denial
        dialect = PromptDialect(isFewShot: fewShot) { turns in
            turns.flatMap { [PromptPiece.control("<\($0.role)>"), .text($0.text)] } + [.control("<assistant>")]
        }
    }

    static func text(_ tokens: [Int32]) -> String {
        String(decoding: tokens.filter { $0 < 256 }.map { UInt8($0) }, as: UTF8.self)
    }

    func generate(
        _ request: TextRequest, progress: @escaping @Sendable (TextProgress) -> Void
    ) async throws -> GeneratedText {
        seen.withLock { $0.append(request) }
        progress(.prefill(done: request.prompt.count, total: request.prompt.count, cached: 0))
        if !thought.isEmpty { progress(.thought(thought)) }
        let text = reply(Self.text(request.prompt))
        progress(.text(text))
        var usage = TokenUsage()
        usage.inputTokens = request.prompt.count
        usage.outputTokens = text.utf8.count
        let complete = text.utf8.count <= request.maxOutputTokens
        return GeneratedText(
            text: complete ? text : String(text.prefix(request.maxOutputTokens)), thought: thought,
            complete: complete,
            meanLogProbability: -0.1, usage: usage)
    }

    func score(prompt: [Int32], continuations: [[Int32]]) async throws -> [Double] {
        let text = Self.text(prompt)
        return [text.contains("The weather was fine") ? -3 : denial(text)]
    }
}

/// Ranks passages by how many words they share with the question.
struct WordSearch: SegmentSearch {
    let corpus: AskCorpus

    func search(_ question: String, documents: [String], limit: Int) async throws -> [SegmentHit] {
        let words = Set(question.lowercased().split { !$0.isLetter }.map(String.init)).filter { $0.count > 3 }
        var hits: [SegmentHit] = []
        for source in corpus.documents {
            for segment in source.segments {
                let text = source.document.text(in: segment.textRange).lowercased()
                let score = words.count { text.contains($0) }
                if score > 0 {
                    hits.append(
                        SegmentHit(sha256: source.document.sha256, segment: segment.index, score: Double(score)))
                }
            }
        }
        return Array(hits.sorted { ($1.score, $0.segment) < ($0.score, $1.segment) }.prefix(limit))
    }
}

/// A document whose pages hold one paragraph each, every one a segment.
func segmented(_ path: String, _ paragraphs: [String]) -> SegmentedDocument {
    var document = textDocument(path, pages: paragraphs)
    let mark = path.utf8.reduce(0) { ($0 * 31 + Int($1)) % 1_000_000_007 }
    let digits = String(mark, radix: 16)
    document.sha256 = digits + String(repeating: "0", count: 64 - digits.count)
    return SegmentedDocument(
        document: document,
        segments: document.elements.enumerated().map {
            Segment(index: $0, textRange: $1.textRange, page: $1.page)
        })
}

/// The number under which a prompt shows the passage that holds some words.
func number(of words: String, in prompt: String) -> Int? {
    for line in prompt.split(separator: "\n") where line.hasPrefix("[") && line.contains(words) {
        return Int(line.dropFirst().prefix { $0.isNumber })
    }
    return nil
}

import Documents
import Packing

/// Counts what was read, so that the sums equal what went in. A value: each question starts from a copy of one that
/// has nothing read yet.
struct CoverageLedger {
    private let corpus: AskCorpus
    /// Tokens of each segment by itself; empty where everything is read anyway.
    private let unread: [[Int]]
    /// Tokens by document, segment and the part of it.
    private var read: [Int: [Int: [Range<Int>: Int]]] = [:]
    /// Two files of one content have one entry each, told apart by path.
    private let positions: [String: Int]

    /// - Parameter everything: whether all passages will be read, so that the others need no counting.
    init(_ corpus: AskCorpus, tokenizer: any PromptTokenizing, everything: Bool) {
        self.corpus = corpus
        positions = Dictionary(
            corpus.documents.enumerated().map { (Self.key($1.document.path, $1.document.sha256), $0) }
        ) { first, _ in first }
        unread =
            everything
            ? []
            : corpus.documents.map { source in
                source.segments.map { tokenizer.plainTokens(source.document.text(in: $0.textRange)).count }
            }
    }

    private static func key(_ path: String, _ sha256: String) -> String { path + "\0" + sha256 }

    /// Notes that a window was put before the model. Reading a passage twice counts once.
    mutating func note(_ window: ContextWindow) {
        for segment in window.segments {
            guard let document = positions[Self.key(segment.span.path, segment.span.sha256)] else { continue }
            read[document, default: [:]][segment.segmentIndex, default: [:]][segment.span.textRange] =
                segment.tokenRange.count
        }
    }

    /// The sums. Files and pages count as read if a passage of them was read.
    func coverage() -> Coverage {
        var coverage = Coverage()
        for (index, source) in corpus.documents.enumerated() {
            let parts = read[index] ?? [:]
            let pagesRead = Set(source.segments.filter { parts[$0.index] != nil }.map(\.page))
            coverage.pages.read += pagesRead.count
            coverage.pages.skipped += max(0, source.document.pages.count - pagesRead.count)
            let blank = source.document.pages.count - Set(source.segments.map(\.page)).count
            if blank > 0 { coverage.reasons["pages without text", default: 0] += blank }
            if parts.isEmpty {
                coverage.files.skipped += 1
                coverage.reasons[source.segments.isEmpty ? "no text" : "not selected", default: 0] += 1
            } else {
                coverage.files.read += 1
            }
            for (position, segment) in source.segments.enumerated() {
                if let part = parts[segment.index] {
                    coverage.tokens.read += part.values.reduce(0, +)
                } else if unread.indices.contains(index) {
                    coverage.tokens.skipped += unread[index][position]
                }
            }
        }
        for file in corpus.skipped {
            coverage.files.skipped += 1
            coverage.pages.skipped += file.pages
            coverage.reasons[file.reason, default: 0] += 1
        }
        for file in corpus.failed {
            coverage.files.failed += 1
            coverage.pages.skipped += file.pages
            coverage.reasons[file.reason, default: 0] += 1
        }
        return coverage
    }
}

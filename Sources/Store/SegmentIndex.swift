// Full-text search over segments: which passages of these documents have most to do with a question.
//
// FTS5 keeps the words (Unicode folding, diacritics removed, English stems) and finds them; the BM25 sums are ours.
// FTS5's own `bm25()` weighs words by how often they occur in everything the cache holds, so the same question over
// the same corpus would be answered from other passages once a second corpus was read. Here the statistics are those
// of the documents asked about, and the ranking depends on them alone.

package import Documents
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A segment that search found.
package struct SegmentHit: Sendable, Equatable {
    /// `Document.sha256`.
    package var sha256: String
    /// `Segment.index`.
    package var segmentIndex: Int
    /// BM25; higher is better, comparable within one search only.
    package var score: Double

    /// Describes a hit.
    package init(sha256: String, segmentIndex: Int, score: Double) {
        self.sha256 = sha256
        self.segmentIndex = segmentIndex
        self.score = score
    }
}

/// Parameters of the ranking.
private enum Ranking {
    /// Saturation of repeated words and the weight of length, as is usual (Robertson and Zaragoza, 2009, 3.5).
    static let k1 = 1.2, b = 0.75
    /// A word in the heading above counts half of one in the text: many segments share a heading.
    static let heading = 0.5
    /// A word that only begins like the one asked for; this finds compounds and endings the stemmer does not know.
    static let prefix = 0.4
    /// Shorter stems begin too many other words.
    static let shortestPrefix = 5
}

extension CorpusStore {
    /// Whether a document's segments are in the index.
    package func isIndexed(sha256: String, variant: String) throws(StoreError) -> Bool {
        let lastUsed = try read { db in
            try Int.fetchOne(
                db, sql: "SELECT last_used FROM indexed WHERE sha256 = ? AND variant = ?", arguments: [sha256, variant])
        }
        guard let lastUsed else { return false }
        if now - lastUsed > Self.touchInterval {
            let now = now
            try write { db in
                try db.execute(
                    sql: "UPDATE indexed SET last_used = ? WHERE sha256 = ? AND variant = ?",
                    arguments: [now, sha256, variant])
            }
        }
        return true
    }

    /// Puts a document's segments into the index, in place of earlier ones of the same variant.
    ///
    /// - Parameters:
    ///   - document: the source of the segments' text.
    ///   - segments: as cut by the segmenter.
    ///   - variant: how the document was extracted and cut; searches name the same one.
    package func index(_ document: Document, segments: [Segment], variant: String) throws(StoreError) {
        let rows = segments.map { segment in
            let text = SearchText.indexed(document.text(in: segment.textRange))
            return (
                segment.index, text, SearchText.indexed(segment.heading ?? ""), max(1, SearchText.words(text).count)
            )
        }
        let now = now
        try write { db in
            if let old = try Int64.fetchOne(
                db, sql: "SELECT id FROM indexed WHERE sha256 = ? AND variant = ?",
                arguments: [document.sha256, variant])
            {
                try Self.unindex(db, id: old)
            }
            try db.execute(
                sql: "INSERT INTO indexed (sha256, variant, created, last_used) VALUES (?, ?, ?, ?)",
                arguments: [document.sha256, variant, now, now])
            let id = db.lastInsertedRowID
            let segment = try db.makeStatement(
                sql: "INSERT INTO segments (indexed, position, words) VALUES (?, ?, ?)")
            let words = try db.makeStatement(
                sql: "INSERT INTO segment_text (rowid, text, heading) VALUES (?, ?, ?)")
            for (position, text, heading, count) in rows {
                try segment.execute(arguments: [id, position, count])
                try words.execute(arguments: [db.lastInsertedRowID, text, heading])
            }
        }
    }

    static func unindex(_ db: Database, id: Int64) throws {
        try db.execute(
            sql: "DELETE FROM segment_text WHERE rowid IN (SELECT id FROM segments WHERE indexed = ?)", arguments: [id])
        try db.execute(sql: "DELETE FROM segments WHERE indexed = ?", arguments: [id])
        try db.execute(sql: "DELETE FROM indexed WHERE id = ?", arguments: [id])
    }

    /// The segments that have most to do with a question.
    ///
    /// - Parameters:
    ///   - question: free text; any characters. A word ending in `*` also finds what begins with it.
    ///   - documents: hashes of the documents to search; others are not looked at. Order decides ties.
    ///   - variant: the one given to `index`.
    ///   - limit: most hits.
    /// - Returns: best first; empty if no word of the question occurs.
    package func search(
        _ question: String, documents: [String], variant: String, limit: Int
    ) throws(StoreError) -> [SegmentHit] {
        let words = SearchText.query(question)
        guard !words.isEmpty, !documents.isEmpty, limit > 0 else { return [] }
        return try read { db in
            try SegmentSearch(db, documents: documents, variant: variant)?.run(words, limit: limit) ?? []
        }
    }
}

/// One search, inside one read transaction.
private struct SegmentSearch {
    let db: Database
    /// Rows of `indexed`, as a JSON array for `json_each`.
    let scope: String
    let hashes: [Int64: (sha256: String, rank: Int)]
    let segmentCount: Int
    let averageWords: Double

    init?(_ db: Database, documents: [String], variant: String) throws {
        var rank: [String: Int] = [:]
        for (index, sha256) in documents.enumerated() where rank[sha256] == nil { rank[sha256] = index }
        // Hashes are hexadecimal digits; anything else can't be in the index and would only break the list.
        let names = rank.keys.filter { $0.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) } }
        let list = "[" + names.sorted().map { "\"\($0)\"" }.joined(separator: ",") + "]"
        var hashes: [Int64: (String, Int)] = [:]
        for row in try Row.fetchAll(
            db, sql: "SELECT id, sha256 FROM indexed WHERE variant = ? AND sha256 IN (SELECT value FROM json_each(?))",
            arguments: [variant, list])
        {
            let sha256: String = row["sha256"]
            hashes[row["id"]] = (sha256, rank[sha256] ?? 0)
        }
        let scope = "[" + hashes.keys.sorted().map(String.init).joined(separator: ",") + "]"
        let totals = try Row.fetchOne(
            db,
            sql: """
                SELECT count(*) AS n, total(words) AS words FROM segments
                WHERE indexed IN (SELECT value FROM json_each(?))
                """, arguments: [scope])
        guard let totals, let count: Int = totals["n"], count > 0, let words: Double = totals["words"] else {
            return nil
        }
        self.db = db
        self.scope = scope
        self.hashes = hashes
        segmentCount = count
        averageWords = words / Double(count)
    }

    /// A segment that holds at least one word.
    private struct Candidate {
        var document: Int64, position: Int, words: Int, score: Double
    }

    func run(_ words: [SearchText.Word], limit: Int) throws -> [SegmentHit] {
        let tokenizer = try db.makeTokenizer(.porter(wrapping: .unicode61(diacritics: .remove)))
        var seen: Set<String> = []
        var candidates: [Int64: Candidate] = [:]
        for word in words {
            for token in try tokenizer.tokenize(query: word.text).map(\.token) where seen.insert(token).inserted {
                try add(stem: token, asPrefix: word.isPrefix, to: &candidates)
            }
        }
        let ranked = candidates.values.sorted { one, other in
            if one.score != other.score { return one.score > other.score }
            let ranks = (hashes[one.document]?.rank ?? 0, hashes[other.document]?.rank ?? 0)
            return ranks.0 != ranks.1 ? ranks.0 < ranks.1 : one.position < other.position
        }
        return ranked.prefix(limit).compactMap { candidate in
            hashes[candidate.document].map {
                SegmentHit(sha256: $0.sha256, segmentIndex: candidate.position, score: candidate.score)
            }
        }
    }

    /// Adds one word's share to the score of every segment that holds it.
    private func add(stem: String, asPrefix: Bool, to candidates: inout [Int64: Candidate]) throws {
        let widens = asPrefix || stem.count >= Ranking.shortestPrefix
        let condition = widens ? "t.term >= ?2 AND t.term < ?2 || char(1114111)" : "t.term = ?2"
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT t.doc AS id, t.col = 'heading' AS heading, t.term = ?2 AS exact, count(*) AS n,
                    s.indexed AS document, s.position AS position, s.words AS words
                FROM segment_terms t JOIN segments s ON s.id = t.doc
                WHERE \(condition) AND s.indexed IN (SELECT value FROM json_each(?1))
                GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
                """, arguments: [scope, stem])
        var frequencies: [Int64: (tf: Double, candidate: Candidate)] = [:]
        while let row = try rows.next() {
            let count: Int = row["n"]
            let inHeading: Bool = row["heading"]
            let exact: Bool = row["exact"]
            let weight = (inHeading ? Ranking.heading : 1) * (exact || asPrefix ? 1 : Ranking.prefix)
            let candidate = Candidate(
                document: row["document"], position: row["position"], words: row["words"], score: 0)
            frequencies[row["id"], default: (0, candidate)].tf += weight * Double(count)
        }
        let found = Double(frequencies.count)
        let rarity = log(1 + (Double(segmentCount) - found + 0.5) / (found + 0.5))
        for (id, entry) in frequencies {
            let length = 1 - Ranking.b + Ranking.b * Double(entry.candidate.words) / averageWords
            let gain = rarity * entry.tf * (Ranking.k1 + 1) / (entry.tf + Ranking.k1 * length)
            candidates[id, default: entry.candidate].score += gain
        }
    }
}

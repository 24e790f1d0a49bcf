// What the store holds and how to be rid of it: `cache du`, `cache prune`, `cache purge`, `cache verify`.

import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the store holds.
package struct CacheUsage: Sendable, Equatable {
    /// Cached extractions and the bytes of their bodies.
    package var documents = 0, documentBytes = 0
    /// Documents and segments in the index and the bytes of its tables.
    package var indexedDocuments = 0, segments = 0, indexBytes = 0
    /// Results and the bytes of their records.
    package var results = 0, resultBytes = 0
    /// Bytes on disk: the file with its log. 0 for a store in memory.
    package var fileBytes = 0
}

/// What a removal took away.
package struct CacheRemoval: Sendable, Equatable {
    /// Rows removed by kind.
    package var documents = 0, indexed = 0, results = 0
}

extension CorpusStore {
    /// Counts and sizes.
    package func usage() throws(StoreError) -> CacheUsage {
        var usage = try read { db in
            func pair(_ sql: String) throws -> (Int, Int) {
                guard let row = try Row.fetchOne(db, sql: sql) else { return (0, 0) }
                return (row[0], row[1])
            }
            var usage = CacheUsage()
            (usage.documents, usage.documentBytes) = try pair(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM documents")
            (usage.indexedDocuments, usage.segments) = try pair(
                "SELECT (SELECT count(*) FROM indexed), (SELECT count(*) FROM segments)")
            // FTS5 keeps texts in `_content` and postings in `_data`, of which the block sizes are what takes room.
            (usage.indexBytes, _) = try pair(
                """
                SELECT (SELECT coalesce(sum(length(c0) + length(c1)), 0) FROM segment_text_content)
                    + (SELECT coalesce(sum(length(block)), 0) FROM segment_text_data), 0
                """)
            (usage.results, usage.resultBytes) = try pair(
                "SELECT count(*), coalesce(sum(length(CAST(record AS BLOB))), 0) FROM results")
            return usage
        }
        if let path {
            for suffix in ["", "-wal"] {
                var information = stat()
                if stat(path + suffix, &information) == 0 { usage.fileBytes += Int(information.st_size) }
            }
        }
        return usage
    }

    /// Removes what nobody has used for some days.
    package func prune(unusedForDays days: Int) throws(StoreError) -> CacheRemoval {
        let limit = now - days * 86_400
        let removal = try write { db in
            var removal = CacheRemoval()
            for id in try Int64.fetchAll(db, sql: "SELECT id FROM indexed WHERE last_used < ?", arguments: [limit]) {
                try Self.unindex(db, id: id)
                removal.indexed += 1
            }
            try db.execute(sql: "DELETE FROM documents WHERE last_used < ?", arguments: [limit])
            removal.documents = db.changesCount
            try db.execute(
                sql: """
                    DELETE FROM result_documents
                    WHERE key IN (SELECT key FROM results WHERE last_used < ?)
                    """, arguments: [limit])
            try db.execute(sql: "DELETE FROM results WHERE last_used < ?", arguments: [limit])
            removal.results = db.changesCount
            return removal
        }
        try giveBackSpace()
        return removal
    }

    /// Removes everything derived from some documents: extractions, index, results they had part in.
    package func purge(documents: [String]) throws(StoreError) -> CacheRemoval {
        let removal = try write { db in
            var removal = CacheRemoval()
            for sha256 in Set(documents).sorted() {
                for id in try Int64.fetchAll(db, sql: "SELECT id FROM indexed WHERE sha256 = ?", arguments: [sha256]) {
                    try Self.unindex(db, id: id)
                    removal.indexed += 1
                }
                try db.execute(sql: "DELETE FROM documents WHERE sha256 = ?", arguments: [sha256])
                removal.documents += db.changesCount
                for key in try String.fetchAll(
                    db, sql: "SELECT key FROM result_documents WHERE sha256 = ?", arguments: [sha256])
                {
                    try db.execute(sql: "DELETE FROM result_documents WHERE key = ?", arguments: [key])
                    try db.execute(sql: "DELETE FROM results WHERE key = ?", arguments: [key])
                    removal.results += db.changesCount
                }
            }
            return removal
        }
        try giveBackSpace()
        return removal
    }

    /// Removes everything, damaged databases that were put aside with it.
    package func purgeAll() throws(StoreError) -> CacheRemoval {
        let removal = try write { db in
            var removal = CacheRemoval()
            try db.execute(sql: "DELETE FROM documents")
            removal.documents = db.changesCount
            try db.execute(sql: "DELETE FROM segment_text; DELETE FROM segments")
            try db.execute(sql: "DELETE FROM indexed")
            removal.indexed = db.changesCount
            try db.execute(sql: "DELETE FROM result_documents")
            try db.execute(sql: "DELETE FROM results")
            removal.results = db.changesCount
            return removal
        }
        try giveBackSpace()
        do { if let path { try StoreDamage.removeAside(path) } } catch { throw StoreError(error, path: path ?? "") }
        return removal
    }

    /// Complaints of SQLite's own check, read from the whole file; empty if it is sound.
    package func integrityProblems() throws(StoreError) -> [String] {
        try read { db in
            try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        }
    }

    /// Removed text must not stay behind in free pages or in the log.
    private func giveBackSpace() throws(StoreError) {
        try run("INSERT INTO segment_text (segment_text) VALUES ('optimize')")
        try run("VACUUM")
        if path != nil { try run("PRAGMA wal_checkpoint(TRUNCATE)") }
    }
}

// The cache of a user: extracted documents, the full-text index over their segments, results by key.
//
// One SQLite file in a directory of mode 0700, opened by any number of processes at once (write-ahead log, busy
// timeout). Everything in it can be computed again, so a damaged file is put aside and begun anew. Finding files and
// extracting them is Ingest's affair; what a result's key is made of is Answering's.

package import Documents
import GRDB
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Cached documents, their index and results. Safe to use from several threads and processes.
package final class CorpusStore: Sendable {
    /// Choices that tests and `cache` commands make.
    package struct Options: Sendable {
        /// How long to wait for other processes' writes, in seconds.
        package var busyTimeout: Double
        /// Most bytes that the file may have; `StoreError.full` beyond. nil for no limit.
        package var maximumBytes: Int?
        /// Seconds since 1970; only kept for pruning, never part of a result.
        package var now: @Sendable () -> Int

        /// Chooses.
        package init(
            busyTimeout: Double = 30, maximumBytes: Int? = nil,
            now: @escaping @Sendable () -> Int = { Int(Date().timeIntervalSince1970) }
        ) {
            self.busyTimeout = busyTimeout
            self.maximumBytes = maximumBytes
            self.now = now
        }
    }

    /// The file's name in its directory.
    package static let fileName = "corpus.sqlite"

    /// The database file; nil for a store in memory.
    package let path: String?
    /// Where a damaged file was put aside when this store was opened.
    package let setAside: String?
    private let database: any DatabaseWriter
    private let options: Options

    private init(database: any DatabaseWriter, path: String?, setAside: String?, options: Options) {
        self.database = database
        self.path = path
        self.setAside = setAside
        self.options = options
    }

    /// Opens the store of a directory, or begins one.
    ///
    /// - Parameter directory: made with mode 0700 where missing; usually `Places.cache`.
    /// - Throws: `StoreError`; never `.damaged`, as such a file is put aside (see `setAside`).
    package convenience init(directory: String, options: Options = Options()) throws(StoreError) {
        try PrivateDirectory.create(directory)
        let folder = FilePath(directory)
        let path = folder.appending(Self.fileName).string
        do {
            // One process at a time opens and migrates: GRDB's migrator does not expect company.
            let opened = try StoreLock.hold(folder.appending("corpus.lock")) {
                var aside = try StoreDamage.isMarked(path) ? StoreDamage.putAside(path) : nil
                do {
                    return (try Self.open(path, options), aside)
                } catch {
                    guard case .damaged = StoreError(error, path: path) else { throw error }
                    aside = try StoreDamage.putAside(path)
                    return (try Self.open(path, options), aside)
                }
            }
            self.init(database: opened.0, path: path, setAside: opened.1, options: options)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// A store that leaves nothing behind, for `--no-store`.
    package static func inMemory(options: Options = Options()) throws(StoreError) -> CorpusStore {
        do {
            let queue = try DatabaseQueue(configuration: configuration(options))
            try Schema.migrator.migrate(queue)
            return CorpusStore(database: queue, path: nil, setAside: nil, options: options)
        } catch {
            throw StoreError(error, path: ":memory:")
        }
    }

    private static func configuration(_ options: Options) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(options.busyTimeout)
        configuration.foreignKeysEnabled = true
        if let limit = options.maximumBytes {
            configuration.prepareDatabase { db in
                let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(max(1, limit / pageSize))")
            }
        }
        return configuration
    }

    private static func open(_ path: String, _ options: Options) throws -> DatabasePool {
        let pool = try DatabasePool(path: path, configuration: configuration(options))
        if try pool.read(Schema.migrator.hasBeenSuperseded) { throw StoreError.newer(path: path) }
        try Schema.migrator.migrate(pool)
        // Touches every table's root page, so that gross damage shows now and not in the middle of a run.
        try pool.read { db in
            for table in ["documents", "indexed", "segments", "segment_text", "results", "result_documents"] {
                _ = try Row.fetchOne(db, sql: "SELECT 1 FROM \(table) LIMIT 1")
            }
        }
        return pool
    }

    // MARK: - Access

    /// Reads. A file found damaged is marked and put aside by the next process that opens it.
    func read<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
        do { return try database.read(body) } catch { throw noted(error) }
    }

    /// Writes in one transaction.
    func write<T>(_ body: (Database) throws -> T) throws(StoreError) -> T {
        do { return try database.write(body) } catch { throw noted(error) }
    }

    /// Runs statements outside a transaction, such as VACUUM.
    func run(_ sql: String) throws(StoreError) {
        do { try database.writeWithoutTransaction { try $0.execute(sql: sql) } } catch { throw noted(error) }
    }

    private func noted(_ error: any Error) -> StoreError {
        let error = StoreError(error, path: path ?? ":memory:")
        if case .damaged = error, let path { StoreDamage.mark(path) }
        return error
    }

    var now: Int { options.now() }

    /// Rows used within the last day are not touched again: a run that only reads should not write.
    static let touchInterval = 86_400

    /// Waits for nobody and closes the file; the store can't be used afterwards.
    package func close() throws(StoreError) {
        do { try database.close() } catch { throw noted(error) }
    }
}

// MARK: - Documents

extension CorpusStore {
    /// The cached extraction of a file.
    ///
    /// - Parameters:
    ///   - sha256: hash of the file.
    ///   - extractor: everything else that the extraction depends on: versions and options.
    /// - Returns: nil if there is none, or one in an outdated layout.
    package func document(sha256: String, extractor: String) throws(StoreError) -> Document? {
        // The row goes before the document is made of it: long ones take a hundred megabytes each time.
        let found = try read { db -> (id: Int64, body: [UInt8], lastUsed: Int)? in
            try Row.fetchOne(
                db, sql: "SELECT id, body, last_used FROM documents WHERE sha256 = ? AND extractor = ?",
                arguments: [sha256, extractor]
            ).map { ($0["id"], [UInt8]($0["body"] as Data), $0["last_used"]) }
        }
        guard let (id, body, lastUsed) = found else { return nil }
        if now - lastUsed > Self.touchInterval {
            let now = now
            try write { db in
                try db.execute(sql: "UPDATE documents SET last_used = ? WHERE id = ?", arguments: [now, id])
            }
        }
        return DocumentCodec.decode(body)
    }

    /// Keeps the extraction of a file, in place of an earlier one.
    package func save(_ document: Document, extractor: String) throws(StoreError) {
        let body = Data(DocumentCodec.encode(document))
        let now = now
        try write { db in
            // A statement that gets its arguments as it is executed makes no copy of them.
            try db.makeStatement(
                sql: """
                    INSERT INTO documents (sha256, extractor, body, created, last_used) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (sha256, extractor) DO UPDATE SET body = excluded.body, last_used = excluded.last_used
                    """
            ).execute(arguments: [document.sha256, extractor, body, now, now])
        }
    }
}

// MARK: - Results

/// A stored result.
package struct StoredResult: Sendable, Equatable {
    /// The record as it was saved: one line of JSON.
    package var record: String
    /// What kind of record, such as `answer` or `summary`.
    package var kind: String
    /// Seconds since 1970.
    package var created: Int, lastUsed: Int
}

extension CorpusStore {
    /// The result of a key: equal inputs, equal settings, equal key.
    package func result(_ key: String) throws(StoreError) -> StoredResult? {
        let row = try read { db in
            try Row.fetchOne(
                db, sql: "SELECT kind, record, created, last_used FROM results WHERE key = ?", arguments: [key])
        }
        guard let row else { return nil }
        let result = StoredResult(
            record: row["record"], kind: row["kind"], created: row["created"], lastUsed: row["last_used"])
        if now - result.lastUsed > Self.touchInterval {
            let now = now
            try write { db in
                try db.execute(sql: "UPDATE results SET last_used = ? WHERE key = ?", arguments: [now, key])
            }
        }
        return result
    }

    /// Keeps a result, in place of an earlier one.
    ///
    /// - Parameter documents: hashes of the documents it was made from, so that `purge` finds it.
    package func saveResult(
        key: String, kind: String, record: String, documents: [String]
    ) throws(StoreError) {
        let now = now
        try write { db in
            try db.execute(
                sql: """
                    INSERT INTO results (key, kind, record, created, last_used) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (key) DO UPDATE SET
                        kind = excluded.kind, record = excluded.record, created = excluded.created,
                        last_used = excluded.last_used
                    """, arguments: [key, kind, record, now, now])
            try db.execute(sql: "DELETE FROM result_documents WHERE key = ?", arguments: [key])
            for sha256 in Set(documents).sorted() {
                try db.execute(
                    sql: "INSERT INTO result_documents (sha256, key) VALUES (?, ?)", arguments: [sha256, key])
            }
        }
    }
}

// The tables of the store, as migrations. A migration that was released is never edited: a new one is added.

import GRDB

enum Schema {
    /// All migrations in order.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 documents, segments, results") { db in
            try db.execute(
                sql: """
                    CREATE TABLE documents (
                        id INTEGER PRIMARY KEY,
                        sha256 TEXT NOT NULL, extractor TEXT NOT NULL,
                        body BLOB NOT NULL, created INTEGER NOT NULL, last_used INTEGER NOT NULL,
                        UNIQUE (sha256, extractor));

                    -- One row for each document that is in the full-text index. A variant is a way of extracting and
                    -- cutting it: other segments, so other rows.
                    CREATE TABLE indexed (
                        id INTEGER PRIMARY KEY,
                        sha256 TEXT NOT NULL, variant TEXT NOT NULL,
                        created INTEGER NOT NULL, last_used INTEGER NOT NULL,
                        UNIQUE (sha256, variant));
                    -- `id` is also the row of `segment_text`; `words` its length for ranking.
                    CREATE TABLE segments (
                        id INTEGER PRIMARY KEY,
                        indexed INTEGER NOT NULL REFERENCES indexed (id),
                        position INTEGER NOT NULL, words INTEGER NOT NULL);
                    CREATE UNIQUE INDEX segments_of_document ON segments (indexed, position);
                    CREATE VIRTUAL TABLE segment_text USING fts5(
                        text, heading, tokenize = 'porter unicode61 remove_diacritics 2');
                    CREATE VIRTUAL TABLE segment_terms USING fts5vocab(segment_text, instance);

                    CREATE TABLE results (
                        key TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL,
                        created INTEGER NOT NULL, last_used INTEGER NOT NULL) WITHOUT ROWID;
                    CREATE TABLE result_documents (
                        sha256 TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (sha256, key)) WITHOUT ROWID;
                    CREATE INDEX documents_of_result ON result_documents (key);
                    """)
        }
        return migrator
    }
}

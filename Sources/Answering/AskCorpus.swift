import Documents
package import Packing

/// The documents of a question, with those that gave no text: every input file is in here exactly once.
package struct AskCorpus: Sendable, Equatable {
    /// A file that is not read.
    package struct LeftOut: Sendable, Equatable, Codable {
        /// Its path.
        package var path: String
        /// A word or short phrase such as `scan`, `encrypted`.
        package var reason: String
        /// Its pages, where known.
        package var pages: Int

        package init(path: String, reason: String, pages: Int = 0) {
            self.path = path
            self.reason = reason
            self.pages = pages
        }
    }

    /// Readable documents with their segments, sorted by path.
    package var documents: [SegmentedDocument]
    /// Skipped files.
    package var skipped: [LeftOut]
    /// Failed files.
    package var failed: [LeftOut]

    /// Sorts the documents by path, bytewise.
    package init(documents: [SegmentedDocument], skipped: [LeftOut] = [], failed: [LeftOut] = []) {
        self.documents = documents.sorted {
            Array($0.document.path.utf8).lexicographicallyPrecedes($1.document.path.utf8)
        }
        self.skipped = skipped
        self.failed = failed
    }
}

/// A question, with the identifier that a question file gave it.
package struct Question: Sendable, Hashable, Codable {
    /// From the file, or nil.
    package var id: String?
    /// The words.
    package var text: String

    package init(id: String? = nil, text: String) {
        self.id = id
        self.text = text
    }
}

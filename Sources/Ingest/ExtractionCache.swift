// The door to stored extractions. The store implements it; ingestion works without.

package import Diagnostics
package import Documents

/// Documents extracted before, by the content of their file and the extractor that read them.
///
/// An implementation ignores `Document.path`: the ingestor sets it, since one content may stand under many names. A
/// throwing cache costs a warning, never a document.
package protocol ExtractionCache: Sendable {
    /// A stored document, or nil.
    ///
    /// - Parameters:
    ///   - sha256: hash of the file's bytes, hexadecimal.
    ///   - extractor: name and version of the extractor with the settings that change its text, such as
    ///     `html/1 mode=main hidden=flag`.
    func document(sha256: String, extractor: String) async throws(UserError) -> Document?

    /// Stores a document under its `sha256`.
    func store(_ document: Document, extractor: String) async throws(UserError)
}

import Answering
import Diagnostics
import Documents
import Ingest
import Packing
import Store

/// The store that settings ask for.
enum StoreAccess {
    /// Opens the cache, or a store in memory under `--no-store`.
    ///
    /// A cache that cannot be used costs a warning: the work is done without it. A full disk is told, as the result
    /// of the work could not be kept either.
    static func open(_ context: CommandContext) throws(UserError) -> CorpusStore {
        do {
            guard context.settings.isOn(SettingKey.store) else { return try CorpusStore.inMemory() }
            let store = try CorpusStore(directory: context.places.cache)
            if let aside = store.setAside {
                context.narrator.warn("the cache was damaged and is built anew; the old file is \(aside)")
            }
            return store
        } catch {
            throw error.userError
        }
    }
}

/// Extractions in the store.
struct StoredExtractions: ExtractionCache {
    let store: CorpusStore

    func document(sha256: String, extractor: String) async throws(UserError) -> Document? {
        do { return try store.document(sha256: sha256, extractor: extractor) } catch { throw error.userError }
    }

    func store(_ document: Document, extractor: String) async throws(UserError) {
        do { try store.save(document, extractor: extractor) } catch { throw error.userError }
    }
}

/// Keyword search in the store, over the documents of one corpus.
struct StoredSearch: SegmentSearch {
    let store: CorpusStore
    /// How the documents were read and cut; part of the index's key.
    let variant: String
    let corpus: AskCorpus

    func search(_ question: String, documents: [String], limit: Int) async throws -> [Answering.SegmentHit] {
        let wanted = Set(documents)
        do {
            for entry in corpus.documents where wanted.contains(entry.document.sha256) {
                try Task.checkCancellation()
                guard try !store.isIndexed(sha256: entry.document.sha256, variant: variant) else { continue }
                try store.index(entry.document, segments: entry.segments, variant: variant)
            }
            return try store.search(question, documents: documents, variant: variant, limit: limit).map {
                Answering.SegmentHit(sha256: $0.sha256, segment: $0.segmentIndex, score: $0.score)
            }
        } catch let error as StoreError {
            throw error.userError
        }
    }
}

// One file from its path to its outcome: read, recognize, look up, extract, normalize, store.

import Diagnostics
import Documents
import Hashing

/// Reads single files. A value that all tasks of an ingestion share.
struct FileIngestion: Sendable {
    let options: IngestOptions
    let cache: (any ExtractionCache)?
    let pool: WorkerPool

    /// An outcome, and the fault of the installation that caused it, if any.
    struct Result: Sendable {
        var outcome: IngestOutcome
        var fault: UserError?
    }

    /// Reads a file. `name`: the path's bytes ending in 0; `-` is standard input.
    func read(path: String, name: [CChar]) async -> Result {
        let limit = options.limits.fileBytes
        let bytes: [UInt8]
        switch path == "-" ? FileReader.readStandardInput(limit: limit) : FileReader.read(name, limit: limit) {
        case .success(let content): bytes = content
        case .failure(let failure):
            if Task.isCancelled { return Result(outcome: IngestOutcome(path: path, status: .skipped(.notReached))) }
            return Result(outcome: IngestOutcome(path: path, status: .failed(failure)))
        }
        var outcome = IngestOutcome(path: path, size: bytes.count, status: .skipped(.empty))
        guard !bytes.isEmpty else { return Result(outcome: outcome) }
        let kind = FileKind.recognize(head: bytes.prefix(FileKind.headBytes), name: path)
        let hash = bytes.withUnsafeBytes { buffer in
            var hasher = ContentHasher()
            hasher.update(buffer)
            return hasher.finalize()
        }
        outcome.sha256 = hash.hex
        let format: DocumentFormat
        switch kind {
        case .other(let reason):
            outcome.status = .skipped(reason)
            return Result(outcome: outcome)
        case .pdf: format = .pdf
        case .html: format = .html
        case .markdown: format = .markdown
        case .text: format = .text
        }
        if format != .pdf, let pages = options.pages, !pages.contains(where: { $0.contains(1) }) {
            outcome.status = .skipped(.pagesOutside)
            outcome.pages = PageCounts(skipped: 1)
            return Result(outcome: outcome)
        }
        let key = extractorKey(kind)
        if let cache {
            do {
                if var document = try await cache.document(sha256: hash.hex, extractor: key) {
                    document.path = path
                    outcome.pages = PageCounts(of: document)
                    outcome.status = .read(document)
                    outcome.cached = true
                    return Result(outcome: outcome)
                }
            } catch {
                outcome.warnings.append("the cache could not be read: \(error)")
            }
        }
        return await extract(bytes, kind, format, hash.hex, key, outcome)
    }

    // MARK: Extraction

    private func extract(
        _ bytes: [UInt8], _ kind: FileKind, _ format: DocumentFormat, _ sha256: String, _ key: String,
        _ begun: IngestOutcome
    ) async -> Result {
        var outcome = begun
        let extracted: ExtractedDocument
        var decodedOffsets: OffsetMap?
        switch kind {
        case .pdf, .html:
            do throws(WorkerError) {
                switch try await pool.extract(bytes, request(format)) {
                case .success(let document): extracted = document
                case .failure(let failure):
                    outcome.status = Task.isCancelled ? .skipped(.notReached) : .failed(failure)
                    return Result(outcome: outcome)
                }
            } catch {
                outcome.status = .failed(ExtractionFailure(.unsupported, error.userError.cause))
                return Result(outcome: outcome, fault: error.userError)
            }
        case .markdown, .text:
            guard bytes.count <= options.limits.textBytes else {
                outcome.status = .failed(
                    ExtractionFailure(.tooLarge, "\(bytes.count) bytes; the limit is \(options.limits.textBytes)"))
                return Result(outcome: outcome)
            }
            let (document, offsets) = TextIngestion.extract(bytes, kind)
            extracted = document
            decodedOffsets = offsets
        case .other(let reason):
            outcome.status = .skipped(reason)
            return Result(outcome: outcome)
        }
        if format == .pdf, extracted.pages.isEmpty, options.pages != nil {
            outcome.pages = PageCounts(skipped: extracted.pageCount)
            outcome.status = .skipped(.pagesOutside)
            return Result(outcome: outcome)
        }
        var normalized = Normalizer.document(
            extracted, sha256: sha256, path: outcome.path, format: format, keepsHidden: options.hiddenText == .keep,
            notesHidden: options.hiddenText != .drop)
        if let decodedOffsets { normalized.document.offsets = normalized.document.offsets.followed(by: decodedOffsets) }
        outcome.pages = normalized.pages
        guard !normalized.document.elements.isEmpty else {
            let failure = extracted.pages.lazy.compactMap(\.failure).first
            outcome.status = failure.map { .failed($0) } ?? .skipped(.noText)
            // No page of it was read; blank ones belong to the same silence.
            outcome.pages = PageCounts(
                skipped: normalized.pages.read + normalized.pages.skipped, failed: normalized.pages.failed)
            return Result(outcome: outcome)
        }
        outcome.status = .read(normalized.document)
        // A page that failed may succeed another time: such documents are not kept.
        if let cache, normalized.pages.failed == 0 {
            do {
                try await cache.store(normalized.document, extractor: key)
            } catch {
                outcome.warnings.append("the cache could not be written: \(error)")
            }
        }
        return Result(outcome: outcome)
    }

    private func request(_ format: DocumentFormat) -> ExtractionRequest {
        guard format == .html else { return ExtractionRequest(format: format, pages: options.pages) }
        return ExtractionRequest(
            format: .html,
            options: [
                "html": options.html.rawValue, "hidden": options.hiddenText.rawValue,
                "milliseconds": String(options.limits.seconds * 1000),
            ])
    }

    /// The extractor with every setting that changes its text. The program that reads HTML is also the one that reads
    /// text and Markdown and that normalizes all of them.
    private func extractorKey(_ kind: FileKind) -> String {
        let hidden = "hidden=\(options.hiddenText.rawValue)"
        switch kind {
        case .pdf:
            let pages = options.pages.map { $0.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",") }
            return "pdf \(build(.pdf)) \(build(.html)) \(hidden) pages=\(pages ?? "all")"
        case .html:
            return "\(HTMLExtractor.name) \(build(.html)) mode=\(options.html.rawValue) \(hidden)"
        case .markdown: return "\(MarkdownExtractor.name) \(build(.html))"
        case .text(let layout): return "\(TextExtractor.name) \(build(.html)) layout=\(layout)"
        case .other: return ""
        }
    }

    private func build(_ format: DocumentFormat) -> String { pool.programs.build(for: format) }
}

/// Text and Markdown, which are read in this process: their readers are a bounded pass over the bytes.
enum TextIngestion {
    /// The extraction, with ranges in decoded text, and the way from there to the file's bytes.
    static func extract(_ bytes: [UInt8], _ kind: FileKind) -> (ExtractedDocument, OffsetMap) {
        let decoded = Decoders().decode(bytes, declared: nil)
        var document: ExtractedDocument
        if case .text(let layout) = kind {
            document = TextExtractor.extract(decoded.utf8, layout: layout)
        } else {
            document = MarkdownExtractor.extract(decoded.utf8)
        }
        document.metadata["charset"] = decoded.charset.rawValue
        if decoded.isGuessed { document.notes.append(.encodingGuessed) }
        if decoded.errors * 50 > decoded.utf8.count { document.notes.append(.garbled) }
        return (document, decoded.fileOffsets(bytes))
    }
}

extension PageCounts {
    /// The counts of a document from a cache, where no page had failed.
    init(of document: Document) {
        let scans = document.pages.count { $0.notes.contains(.scan) && $0.notes.contains(.empty) }
        let total = document.metadata["pageCount"].flatMap { Int($0) } ?? document.pages.count
        self.init(read: document.pages.count - scans, skipped: max(total - document.pages.count, 0) + scans)
    }
}

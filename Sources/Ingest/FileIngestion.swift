// One file from its path to its outcome: read, recognize, look up, extract, normalize, store.

import Diagnostics
import Documents
import Hashing

/// Reads single files. A value that all tasks of an ingestion share.
struct FileIngestion: Sendable {
    let options: IngestOptions
    let selection: FileSelection
    let cache: (any ExtractionCache)?
    let pool: WorkerPool

    /// What became of one path: one outcome, or for an archive one for each member.
    struct Result: Sendable {
        var outcomes: [IngestOutcome]
        /// Files that there are to account for.
        var found = 1
        /// The fault of the installation that caused a failure, if any.
        var fault: UserError?

        init(outcomes: [IngestOutcome], found: Int) {
            self.outcomes = outcomes
            self.found = found
        }

        init(_ outcome: IngestOutcome, _ status: IngestOutcome.Status? = nil, fault: UserError? = nil) {
            outcomes = [outcome]
            if let status { outcomes[0].status = status }
            self.fault = fault
        }

        /// Adds what became of a member.
        mutating func add(_ member: Result) {
            outcomes += member.outcomes
            found += member.found - 1
            fault = fault ?? member.fault
        }

        /// Whether one of the outcomes ends the ingestion.
        func stops(_ options: IngestOptions) -> Bool {
            guard options.onUnreadable == .fail else { return false }
            return outcomes.contains { if case .failed = $0.status { true } else { false } }
        }
    }

    /// Reads a file. `name`: the path's bytes ending in 0; `-` is standard input. `place`: as patterns see it.
    func read(path: String, name: [CChar], place: FileSelection.Place) async -> Result {
        let limit = options.limits.fileBytes
        switch path == "-" ? FileReader.readStandardInput(limit: limit) : FileReader.read(name, limit: limit) {
        case .success(let bytes):
            var budget = Budget(options.limits.archives)
            return await read(bytes, path: path, name: path, place, &budget)
        case .failure(let failure):
            return Result(
                IngestOutcome(path: path, status: Task.isCancelled ? .skipped(.notReached) : .failed(failure)))
        }
    }

    /// Reads the content of a file or of an archive's member. `name`: what says its kind.
    func read(
        _ bytes: [UInt8], path: String, name: String, _ place: FileSelection.Place, _ budget: inout Budget
    ) async -> Result {
        var outcome = IngestOutcome(path: path, size: bytes.count, status: .skipped(.empty))
        let kind = FileKind.recognize(bytes, name: name)
        guard place.isChosen || kind == .zip || kind == .gzip else { return Result(outcome, .skipped(.excluded)) }
        guard !bytes.isEmpty else { return Result(outcome) }
        let hash = bytes.withUnsafeBytes { buffer in
            var hasher = ContentHasher()
            hasher.update(buffer)
            return hasher.finalize()
        }
        outcome.sha256 = hash.hex
        let format: DocumentFormat
        switch kind {
        case .other(let reason): return Result(outcome, .skipped(reason))
        case .zip: return await members(of: bytes, outcome, place, &budget)
        case .gzip: return await content(ofGzip: bytes, outcome, name: name, place, &budget)
        case .pdf: format = .pdf
        case .html: format = .html
        case .docx: format = .docx
        case .epub: format = .epub
        case .docling: format = .docling
        case .markdown: format = .markdown
        case .text: format = .text
        }
        if !format.isPaged, let pages = options.pages, !pages.contains(where: { $0.contains(1) }) {
            outcome.pages = PageCounts(skipped: 1)
            return Result(outcome, .skipped(.pagesOutside))
        }
        let key = extractorKey(kind)
        if let cache {
            do {
                if var document = try await cache.document(sha256: hash.hex, extractor: key) {
                    document.path = path
                    outcome.pages = PageCounts(of: document)
                    outcome.cached = true
                    return Result(outcome, .read(document))
                }
            } catch {
                outcome.warnings.append("not looked up in the cache: \(Self.words(error))")
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
        let building = DocumentBuilding(
            DocumentBuilder(
                format: format, keepsHidden: options.hiddenText == .keep, notesHidden: options.hiddenText != .drop))
        var decodedOffsets: OffsetMap?
        switch kind {
        case .pdf, .html, .docx, .epub, .docling:
            do throws(WorkerError) {
                switch try await pool.extract(bytes, request(format), pages: building) {
                case .success(let document): extracted = document
                case .failure(let failure):
                    return Result(outcome, Task.isCancelled ? .skipped(.notReached) : .failed(failure))
                }
            } catch {
                let failure = ExtractionFailure(.unsupported, error.userError.cause)
                return Result(outcome, .failed(failure), fault: error.userError)
            }
        case .markdown, .text:
            guard bytes.count <= options.limits.textBytes else {
                let detail = "\(bytes.count) bytes; the limit is \(options.limits.textBytes)"
                return Result(outcome, .failed(ExtractionFailure(.tooLarge, detail)))
            }
            let (document, offsets) = TextIngestion.extract(bytes, kind)
            extracted = document
            for page in document.pages { building.receive(page) }
            decodedOffsets = offsets
        case .other, .zip, .gzip:
            preconditionFailure("archives and what is not read end before")
        }
        if format.isPaged, building.isEmpty, options.pages != nil {
            outcome.pages = PageCounts(skipped: extracted.pageCount)
            return Result(outcome, .skipped(.pagesOutside))
        }
        var normalized = building.finish(extracted, sha256: sha256, path: outcome.path)
        if let decodedOffsets { normalized.document.offsets = normalized.document.offsets.followed(by: decodedOffsets) }
        outcome.pages = normalized.pages
        guard !normalized.document.elements.isEmpty else {
            outcome.status = normalized.failure.map { .failed($0) } ?? .skipped(.noText)
            // No page of it was read; blank ones belong to the same silence.
            outcome.pages = PageCounts(
                skipped: normalized.pages.read + normalized.pages.skipped, failed: normalized.pages.failed)
            return Result(outcome)
        }
        outcome.status = .read(normalized.document)
        // A page that failed may succeed another time: such documents are not kept.
        if let cache, normalized.pages.failed == 0 {
            do {
                try await cache.store(normalized.document, extractor: key)
            } catch {
                outcome.warnings.append("not kept in the cache: \(Self.words(error))")
            }
        }
        return Result(outcome)
    }

    /// A failure of the cache in a few words: the document was read all the same.
    private static func words(_ error: UserError) -> String {
        error.remedies.first.map { "\(error.cause) (\($0.action) helps)" } ?? error.cause
    }

    private func request(_ format: DocumentFormat) -> ExtractionRequest {
        if format == .pdf { return ExtractionRequest(format: format, pages: options.pages) }
        var values = [
            "html": options.html.rawValue, "hidden": options.hiddenText.rawValue,
            "milliseconds": String(options.limits.seconds * 1000),
        ]
        // A book's chapters have no navigation around them.
        if format == .epub { values["html"] = IngestOptions.HTMLMode.full.rawValue }
        return ExtractionRequest(format: format, pages: format.isPaged ? options.pages : nil, options: values)
    }

    /// The extractor with every setting that changes its text. The program that reads HTML is also the one that reads
    /// text, Markdown and office documents and that normalizes all of them.
    private func extractorKey(_ kind: FileKind) -> String {
        let hidden = "hidden=\(options.hiddenText.rawValue)"
        let pages = options.pages.map { $0.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",") }
        switch kind {
        case .pdf: return "pdf \(build(.pdf)) \(build(.html)) \(hidden) pages=\(pages ?? "all")"
        case .html: return "\(HTMLExtractor.name) \(build(.html)) mode=\(options.html.rawValue) \(hidden)"
        case .docx: return "\(DOCXExtractor.name) \(build(.docx)) \(hidden)"
        case .epub: return "\(EPUBExtractor.name) \(build(.epub)) \(hidden)"
        case .docling: return "\(DoclingExtractor.name) \(build(.docling)) \(hidden) pages=\(pages ?? "all")"
        case .markdown: return "\(MarkdownExtractor.name) \(build(.html))"
        case .text(let layout): return "\(TextExtractor.name) \(build(.html)) layout=\(layout)"
        case .zip, .gzip, .other: return ""
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

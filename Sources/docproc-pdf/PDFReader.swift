// One PDF file from bytes to `ExtractedDocument`: opens it, walks its pages, and lets the layout stages work.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import Documents

enum PDFReader {
    /// Reads the pages asked for and sends them. A page that cannot be had is a page with a failure; the rest go on.
    ///
    /// `renewBudget` is called where `WorkerLimits.renews(after:)` says so.
    static func read(
        _ bytes: ArraySlice<UInt8>, _ request: ExtractionRequest, extractor: String, output: WorkerOutput,
        renewBudget: () -> Void
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        guard request.format == .pdf else {
            return .failure(ExtractionFailure(.unsupported, "docproc-pdf reads PDF files only"))
        }
        guard !bytes.isEmpty else { return .failure(ExtractionFailure(.empty, "the file is empty")) }
        return bytes.withUnsafeBufferPointer { buffer in
            var status = CPDF_OK
            var opened = open(buffer, password: nil, &status)
            let isEncrypted = status == CPDF_ENCRYPTED
            if isEncrypted, let password = request.password {
                opened = open(buffer, password: password, &status)
            }
            switch opened {
            case .failure(let failure): return .failure(failure)
            case .success(let document):
                defer { cpdf_close(document) }
                var result = read(
                    document, request, extractor: extractor, output: output, renewBudget: renewBudget)
                if case .success(var read) = result {
                    if isEncrypted { read.notes.append(.encrypted) }
                    if !endsProperly(buffer) { read.notes.append(.truncatedFile) }
                    result = .success(read)
                }
                return result
            }
        }
    }

    private static func open(
        _ buffer: UnsafeBufferPointer<UInt8>, password: String?, _ status: inout cpdf_status
    ) -> Result<OpaquePointer, ExtractionFailure> {
        var message = [CChar](repeating: 0, count: 256)
        let document = message.withUnsafeMutableBufferPointer {
            cpdf_open(buffer.baseAddress, buffer.count, password, &status, $0.baseAddress, $0.count)
        }
        if let document { return .success(document) }
        let said = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        switch status {
        case CPDF_ENCRYPTED:
            let hint = password == nil ? "it needs a password" : "the password does not open it"
            return .failure(ExtractionFailure(.encrypted, "the file is encrypted; \(hint)"))
        case CPDF_NO_MEMORY: return .failure(ExtractionFailure(.memoryLimit, said))
        default: return .failure(ExtractionFailure(.malformed, said))
        }
    }

    private static func read(
        _ document: OpaquePointer, _ request: ExtractionRequest, extractor: String, output: WorkerOutput,
        renewBudget: () -> Void
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        let pageCount = Int(cpdf_page_count(document))
        guard pageCount > 0 else { return .failure(ExtractionFailure(.malformed, "the file has no pages")) }
        let wanted = numbers(request.pages, of: pageCount)
        output.progress(done: 0, total: wanted.count)
        // First: links on the pages mostly lead where the outline does, whose destinations lie together in the file.
        let outline = outline(of: document)
        var stream = PageStream(count: wanted.count)
        var quality = Quality()
        var readable = 0
        var firstFailure: ExtractionFailure?
        func send(_ page: ExtractedPage) {
            quality.add(page)
            if page.failure == nil { readable += 1 } else { firstFailure = firstFailure ?? page.failure }
            output.page(page)
        }
        var drawings = mostDrawings
        var ligatures = LostLigatures()
        for (index, number) in wanted.enumerated() {
            stream.add(page(number, of: document, drawings: &drawings, ligatures: &ligatures), send)
            output.progress(done: index + 1, total: wanted.count)
            if WorkerLimits.renews(after: index + 1) { renewBudget() }
        }
        stream.finish(send)
        if readable == 0, let firstFailure { return .failure(firstFailure) }
        return .success(
            ExtractedDocument(
                extractor: extractor, title: metadata(CPDF_TITLE, of: document), metadata: allMetadata(of: document),
                pageCount: pageCount, outline: outline, notes: quality.notes))
    }

    /// The pages wanted, sorted, each once, none past the end.
    private static func numbers(_ ranges: [ClosedRange<Int>]?, of pageCount: Int) -> [Int] {
        guard let ranges else { return Array(1...pageCount) }
        var wanted: Set<Int> = []
        for range in ranges where range.lowerBound <= pageCount && range.upperBound >= 1 {
            wanted.formUnion(max(range.lowerBound, 1)...min(range.upperBound, pageCount))
        }
        return wanted.sorted()
    }

    /// Pages of a file that are drawn to see whether white letters stand on white; drawing may take long.
    private static let mostDrawings = 40

    private static func page(
        _ number: Int, of document: OpaquePointer, drawings: inout Int, ligatures: inout LostLigatures
    ) -> LaidOutPage {
        var raw = cpdf_page()
        guard cpdf_read_page(document, Int32(number - 1), &raw) else {
            let failure = ExtractionFailure(.malformed, "page \(number) cannot be read")
            return LaidOutPage(page: ExtractedPage(number: number, failure: failure), blocks: [])
        }
        defer { cpdf_free_page(&raw) }
        var glyphs = Glyphs(raw)
        ligatures.restore(&glyphs, raw.text, of: document, page: number)
        let hidden = glyphs.takeHidden { places in
            var blank = [Bool](repeating: false, count: places.count)
            guard drawings > 0 else { return blank }
            drawings -= 1
            let rectangles = places.map { cpdf_rectangle(x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) }
            cpdf_find_blank(document, Int32(number - 1), rectangles, rectangles.count, &blank)
            return blank
        }
        var page = ExtractedPage(number: number, label: string(raw.label), width: raw.width, height: raw.height)
        let laidOut = PageLayout.blocks(of: glyphs, notes: Notes.of(raw))
        if laidOut.hasColumns { page.notes.append(.twoColumn) }
        if Quality.isGarbled(glyphs) { page.notes.append(.garbled) }
        if glyphs.ink == 0, laidOut.blocks.isEmpty {
            page.notes.append(cpdf_page_has_images(document, Int32(number - 1)) ? .scan : .empty)
        }
        if !hidden.isEmpty { page.notes.append(.hiddenText) }
        var blocks = laidOut.blocks
        Links.place(raw, on: &blocks)
        return LaidOutPage(page: page, blocks: blocks + PageLayout.hidden(hidden))
    }

    private static func string(_ pointer: UnsafePointer<CChar>?) -> String? {
        guard let pointer else { return nil }
        let text = String(cString: pointer)
        return text.isEmpty ? nil : text
    }

    private static func metadata(_ field: cpdf_field, of document: OpaquePointer) -> String? {
        guard let pointer = cpdf_metadata(document, field) else { return nil }
        defer { cpdf_free(pointer) }
        return string(pointer)
    }

    private static func allMetadata(of document: OpaquePointer) -> [String: String] {
        var all: [String: String] = [:]
        all["author"] = metadata(CPDF_AUTHOR, of: document)
        all["subject"] = metadata(CPDF_SUBJECT, of: document)
        all["keywords"] = metadata(CPDF_KEYWORDS, of: document)
        all["creator"] = metadata(CPDF_CREATOR, of: document)
        all["producer"] = metadata(CPDF_PRODUCER, of: document)
        let made = cpdf_creation_time(document)
        if made >= 0 { all["date"] = CalendarDate(secondsSince1970: Int(made)).description }
        return all
    }

    private static func outline(of document: OpaquePointer) -> [OutlineEntry] {
        var entries: [OutlineEntry] = []
        withUnsafeMutablePointer(to: &entries) { pointer in
            cpdf_outline(document, 10_000, 32, pointer) { context, level, title, page in
                guard let context, let title else { return }
                context.assumingMemoryBound(to: [OutlineEntry].self).pointee.append(
                    OutlineEntry(
                        level: Int(level), title: String(cString: title), page: page > 0 ? Int(page) : nil))
            }
        }
        return entries
    }

    /// Whether the end-of-file mark stands in the last kilobytes, where every complete file has it.
    private static func endsProperly(_ buffer: UnsafeBufferPointer<UInt8>) -> Bool {
        let mark = Array("%%EOF".utf8)
        let tail = Array(buffer.suffix(2048))
        guard tail.count >= mark.count else { return false }
        return (0...(tail.count - mark.count)).contains { tail[$0..<($0 + mark.count)].elementsEqual(mark) }
    }
}

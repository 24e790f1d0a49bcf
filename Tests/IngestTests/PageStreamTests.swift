// Pages that come while the rest of their file is read: in order, each once, and judged by what stands around them.

import Diagnostics
import Documents
import Foundation
import Synchronization
import Testing

@testable import Ingest

@Suite(.enabled(if: WorkerTest.hasWorker)) struct PageStreamTests {
    /// What came of one document, in order.
    private final class Received: PageReceiver {
        struct State {
            var pages: [ExtractedPage] = []
            var restarts = 0
            var read = 0
            /// Pages read when the first page came.
            var readAtFirst: Int?
        }
        let state = Mutex(State())

        func restart() {
            state.withLock {
                $0.restarts += 1
                $0.pages = []
            }
        }

        func receive(_ page: ExtractedPage) {
            state.withLock {
                $0.readAtFirst = $0.readAtFirst ?? $0.read
                $0.pages.append(page)
            }
        }

        var pages: [ExtractedPage] { state.withLock { $0.pages } }
    }

    private static func book(_ count: Int) -> [UInt8] {
        MadePDF.pages(
            (1...count).map { number in
                [
                    .init(text: "Manual of Things", x: 72, y: 760, size: 9),
                    .init(text: "\(number)", x: 300, y: 30, size: 9),
                    .init(text: "Part \(number)", x: 72, y: 650, size: number % 50 == 1 ? 24 : 16),
                    .init(text: "Body of page \(number) which has its own words", x: 72, y: 500),
                    .init(text: "\(number % 9 + 1) A note at the foot", x: 72, y: 100, size: 7),
                ]
            })
    }

    @Test func pagesOfALongFileComeWhileItIsRead() async throws {
        let received = Received()
        let document = try await WorkerPool(workers: 1).extract(
            Self.book(700), ExtractionRequest(format: .pdf), pages: received,
            progress: { done, _ in received.state.withLock { $0.read = done } }
        ).get()
        let pages = received.pages
        #expect(document.pages.isEmpty && document.pageCount == 700)
        #expect(pages.map(\.number) == Array(1...700))
        let before = try #require(received.state.withLock { $0.readAtFirst })
        #expect(before > 128 && before < 300, "the first page came after \(before) of 700")
        for page in pages {
            let level = page.number % 50 == 1 ? 1 : 2
            #expect(
                page.blocks.map(\.kind) == [.pageHeader, .heading(level: level), .paragraph, .footnote, .pageFooter],
                "page \(page.number)")
        }
    }

    /// The last pages of a file stand in nobody else's way: those of a short file come as those of a long one begin.
    @Test func shortAndLongFilesAgree() async throws {
        let pool = WorkerPool(workers: 1)
        let short = try await pool.extract(Self.book(200), ExtractionRequest(format: .pdf)).get()
        let long = try await pool.extract(Self.book(400), ExtractionRequest(format: .pdf)).get()
        #expect(short.pages.dropLast() == long.pages.prefix(199))
    }

    private func programs(_ folder: WorkerTest.Folder, _ runs: [[WireReply]]) throws -> WorkerPrograms {
        let path = folder.url.path
        for (index, replies) in runs.enumerated() {
            try Data(replies.flatMap(\.frame)).write(to: folder.url.appending(path: "run\(index)"))
        }
        let script = try folder.script(
            "fake",
            "#!/bin/sh\nn=$(cat '\(path)/count' 2>/dev/null || echo 0)\necho $((n + 1)) > '\(path)/count'\n"
                + "exec cat '\(path)/run'$n\n")
        return WorkerPrograms(pdf: WorkerProgram(path: script), html: WorkerTest.programs.html)
    }

    private func page(_ number: Int) -> ExtractedPage {
        ExtractedPage(
            number: number,
            blocks: [ExtractedBlock(kind: .paragraph, lines: [ExtractedLine(text: "words of page \(number)")])])
    }

    private let ready = WireReply.ready(version: Wire.version, extractor: "fake")
    private let end = WireReply.end(ExtractedDocument(extractor: "fake", pageCount: 2))

    /// A worker that dies in its second document is replaced, and that document begins anew.
    @Test func pagesBeforeARestartAreForgotten() async throws {
        let folder = try WorkerTest.Folder()
        let programs = try programs(
            folder,
            [
                [ready, .page(page(1)), .page(page(2)), end, .page(page(1))],
                [ready, .page(page(1)), .page(page(2)), end],
            ])
        let pool = WorkerPool(workers: 1, programs: programs)
        for restarts in 1...2 {
            let received = Received()
            _ = try await pool.extract([1], ExtractionRequest(format: .pdf), pages: received).get()
            #expect(received.pages.map(\.number) == [1, 2])
            #expect(received.state.withLock { $0.restarts } == restarts)
        }
    }

    /// Nothing of a file is kept whose worker died, whatever pages came before.
    @Test(arguments: [true, false]) func pagesBeforeAFailureAreForgotten(_ dies: Bool) async throws {
        let last: [WireReply] = dies ? [] : [.failure(ExtractionFailure(.malformed, "broken"))]
        let folder = try WorkerTest.Folder()
        let programs = try programs(folder, [[ready, .page(page(1)), .page(page(2))] + last])
        let file = folder.url.appending(path: "a.pdf")
        try Data(MadePDF.pages([[.init(text: "Hello", x: 72, y: 700)]])).write(to: file)
        let cache = Recorder()
        let report = await Ingestor(cache: cache, pool: WorkerPool(workers: 1, programs: programs)).report([file.path])
        #expect(report.failed == 1 && report.read == 0 && report.documents.isEmpty)
        guard case .failed(let failure) = report.outcomes[0].status else { return }
        #expect(failure.reason == (dies ? .crashed : .malformed))
        #expect(cache.stored.withLock { $0 } == 0)
    }

    private final class Recorder: ExtractionCache {
        let stored = Mutex(0)

        func document(sha256: String, extractor: String) async throws(UserError) -> Document? { nil }

        func store(_ document: Document, extractor: String) async throws(UserError) {
            stored.withLock { $0 += 1 }
        }
    }
}

@Suite struct DocumentBuilderTests {
    private func pages(_ count: Int, knownOn: Int) -> [ExtractedPage] {
        (1...count).map { number in
            let lines = ["this is a well-", "known thing"] + (number == knownOn ? ["it is well-known here"] : [])
            return ExtractedPage(
                number: number,
                blocks: [ExtractedBlock(kind: .paragraph, lines: lines.map { ExtractedLine(text: $0) })])
        }
    }

    private func build(_ pages: [ExtractedPage]) -> Document {
        let extracted = ExtractedDocument(extractor: "x", pageCount: pages.count, pages: pages)
        return Normalizer.document(extracted, sha256: "", path: "a.pdf", format: .pdf).document
    }

    /// Of up to 256 pages the last says how the first is read; of more, what came before and 128 pages behind do.
    @Test(arguments: [(256, 256, 1), (600, 257, 129), (600, 600, 385)])
    func hyphensAreJudgedByThePagesAround(count: Int, knownOn: Int, from: Int) throws {
        let document = build(pages(count, knownOn: knownOn))
        #expect(document.pages.map(\.number) == Array(1...count))
        for (index, element) in document.elements.enumerated() {
            let keeps = document.text(in: element.textRange).hasPrefix("this is a well-known thing")
            #expect(keeps == (index + 1 >= from), "page \(index + 1)")
        }
    }

    /// Pages tile the text, and each place of it leads back to the page's raw text.
    @Test func longDocumentsHoldTogether() throws {
        let all = pages(600, knownOn: 3)
        let document = build(all)
        #expect(document.pages.first?.textRange.lowerBound == 0)
        #expect(document.pages.last?.textRange.upperBound == document.text.utf8.count)
        for (page, next) in zip(document.pages, document.pages.dropFirst()) {
            #expect(page.textRange.upperBound == next.textRange.lowerBound)
        }
        let raw = Array(all.map(\.rawText).joined(separator: "\u{C}").utf8)
        for element in document.elements {
            let thing = element.textRange.upperBound - 5..<element.textRange.upperBound
            let place = document.offsets.raw(thing)
            #expect(String(decoding: raw[place], as: UTF8.self) == document.text(in: thing))
        }
    }
}

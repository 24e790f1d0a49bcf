// Worker processes: a document that kills one costs itself alone, and every way to end has its reason.

import Diagnostics
import Documents
import Foundation
import Testing

@testable import Ingest

@Suite(.enabled(if: WorkerTest.hasWorker)) struct WorkerPoolTests {
    private let hello = MadePDF.pages([[.init(text: "Hello there", x: 72, y: 700)]])
    private let pdf = ExtractionRequest(format: .pdf)

    private func reason(_ result: Result<ExtractedDocument, ExtractionFailure>) -> ExtractionFailure.Reason? {
        guard case .failure(let failure) = result else { return nil }
        return failure.reason
    }

    private func text(_ result: Result<ExtractedDocument, ExtractionFailure>) throws -> String {
        try result.get().pages.map(\.rawText).joined(separator: "\u{c}")
    }

    @Test func aDocumentIsRead() async throws {
        let document = try await WorkerPool(workers: 1).extract(hello, pdf).get()
        #expect(document.pages.map(\.rawText) == ["Hello there"])
        #expect(document.pageCount == 1)
        #expect(document.extractor.hasPrefix("docproc-pdf"))
        #expect(document.pages[0].width == 612 && document.pages[0].height == 792)
        let box = try #require(document.pages[0].blocks.first?.lines.first?.box)
        #expect(abs(box.x0 - 72) < 1 && abs(box.y1 - 92) < 4, "origin at the top left: \(box)")
    }

    @Test func onlyPagesAskedForAreRead() async throws {
        let bytes = MadePDF.pages((1...9).map { [.init(text: "Page \($0)", x: 72, y: 400)] })
        let pool = WorkerPool(workers: 1)
        let some = ExtractionRequest(format: .pdf, pages: [7...20, 2...3, 3...3])
        let document = try await pool.extract(bytes, some).get()
        #expect(document.pages.map(\.number) == [2, 3, 7, 8, 9])
        #expect(document.pageCount == 9)
        let none = try await pool.extract(bytes, ExtractionRequest(format: .pdf, pages: [20...30])).get()
        #expect(none.pages.isEmpty)
    }

    @Test func progressIsReported() async throws {
        let bytes = MadePDF.pages((1...5).map { [.init(text: "Page \($0)", x: 72, y: 400)] })
        let seen = Mutexed<[Int]>([])
        _ = try await WorkerPool(workers: 1).extract(bytes, pdf) { done, total in
            seen.change { $0.append(done * 100 + total) }
        }
        #expect(seen.value == [5, 105, 205, 305, 405, 505])
    }

    @Test func aMissingProgramIsAnErrorThatSaysWhere() async {
        let programs = WorkerPrograms(
            pdf: WorkerProgram(path: "/nonexistent/docproc-pdf"), html: WorkerProgram(path: "/nonexistent/docproc"))
        let pool = WorkerPool(workers: 1, programs: programs)
        await #expect(throws: WorkerError.programMissing(path: "/nonexistent/docproc-pdf")) {
            _ = try await pool.extract(hello, pdf)
        }
        let error = WorkerError.programMissing(path: "/nonexistent/docproc-pdf").userError
        #expect(error.places.map(\.value) == ["/nonexistent/docproc-pdf"])
        #expect(!error.remedies.isEmpty)
    }

    @Test(arguments: ["echo nonsense", "exit 3", "printf '\\004\\0\\0\\0\\001\\143\\001a'"])
    func aProgramThatIsNoWorkerIsTold(_ body: String) async throws {
        let folder = try WorkerTest.Folder()
        let path = try folder.script("fake", "#!/bin/sh\n\(body)\n")
        let pool = WorkerPool(
            workers: 1, programs: WorkerPrograms(pdf: WorkerProgram(path: path), html: WorkerProgram(path: path)))
        await #expect {
            _ = try await pool.extract(hello, pdf)
        } throws: { error in
            if case .notAWorker(path, _)? = error as? WorkerError { true } else { false }
        }
    }

    @Test func aWorkerKilledFromOutsideCostsItsDocumentAlone() async throws {
        let folder = try WorkerTest.Folder()
        let victim = folder.url.appending(path: "victim-pdf").path
        try FileManager.default.createSymbolicLink(atPath: victim, withDestinationPath: WorkerTest.programs.pdf.path)
        let pool = WorkerPool(
            workers: 1,
            programs: WorkerPrograms(pdf: WorkerProgram(path: victim), html: WorkerTest.programs.html))
        #expect(try text(await pool.extract(hello, pdf)) == "Hello there")
        async let slow = pool.extract(MadePDF.fanout(), pdf)
        let killed = try await Self.kill("victim-pdf")
        #expect(killed)
        let failure = try await slow
        #expect(reason(failure) == .crashed)
        #expect(try text(await pool.extract(hello, pdf)) == "Hello there")
    }

    /// Kills the process of this name once it has used some processor time, so that it is in the middle of its work.
    private static func kill(_ name: String) async throws -> Bool {
        for _ in 0..<200 {
            for id in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(pid_t.init) {
                guard let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
                    stat.contains("(\(name))")
                else { continue }
                let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
                if fields.count > 12, let ticks = Int(fields[11]), ticks > 20 {
                    return Foundation.kill(id, SIGKILL) == 0
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    @Test func processorTimeIsLimited() async throws {
        let pool = WorkerPool(limits: WorkerLimits(cpuSeconds: 1), workers: 1)
        let failure = try await pool.extract(MadePDF.fanout(), pdf)
        #expect(reason(failure) == .timeout)
        #expect(try text(await pool.extract(hello, pdf)) == "Hello there")
    }

    @Test func timeIsLimited() async throws {
        for limits in [WorkerLimits(documentSeconds: 0.7), WorkerLimits(pageSeconds: 0.7)] {
            let pool = WorkerPool(limits: limits, workers: 1)
            let failure = try await pool.extract(MadePDF.fanout(), pdf)
            #expect(reason(failure) == .timeout)
            #expect(try text(await pool.extract(hello, pdf)) == "Hello there")
        }
    }

    @Test func memoryIsLimited() async throws {
        // The document alone takes more than the limit leaves, which the worker learns when it makes room for it.
        let pool = WorkerPool(limits: WorkerLimits(memoryBytes: 96 << 20), workers: 1)
        let head = Array("%PDF-1.7\n1 0 obj<</Length 80000000>>stream\n".utf8)
        let big = head + [UInt8](repeating: 0x20, count: 80_000_000) + Array(hello.dropFirst(9))
        let failure = try await pool.extract(big, pdf)
        #expect(reason(failure) == .memoryLimit)
        #expect(try text(await pool.extract(hello, pdf)) == "Hello there")
    }

    @Test func sizesAreLimited() async throws {
        let small = WorkerPool(limits: WorkerLimits(inputBytes: 100), workers: 1)
        #expect(reason(try await small.extract(hello, pdf)) == .tooLarge)
        let terse = WorkerPool(limits: WorkerLimits(replyBytes: 2000), workers: 1)
        let long = MadePDF.pages([(0..<60).map { .init(text: "Line \($0) of many lines", x: 72, y: 720 - 11 * $0) }])
        #expect(reason(try await terse.extract(long, pdf)) == .tooLarge)
        #expect(try text(await terse.extract(hello, pdf)) == "Hello there")
    }

    @Test func cancellingEndsTheWork() async throws {
        let pool = WorkerPool(workers: 1)
        let bytes = MadePDF.fanout()
        let task = Task { try await pool.extract(bytes, pdf) }
        try await Task.sleep(for: .milliseconds(300))
        let clock = ContinuousClock.now
        task.cancel()
        #expect(reason(try await task.value) == .timeout)
        #expect(ContinuousClock.now - clock < .seconds(30))
        #expect(try text(await pool.extract(hello, pdf)) == "Hello there")
    }

    /// More documents than workers, good and bad in turn: each gets its own answer, and the same one every time.
    @Test func manyDocumentsShareFewWorkers() async throws {
        let pool = WorkerPool(workers: 2)
        let pdf = pdf
        let results = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for index in 0..<120 {
                let bytes =
                    index % 10 == 3
                    ? Array("not a PDF".utf8) : MadePDF.pages([[.init(text: "Number \(index)", x: 72, y: 500)]])
                group.addTask {
                    switch try await pool.extract(bytes, pdf) {
                    case .success(let document): (index, document.pages.map(\.rawText).joined())
                    case .failure(let failure): (index, failure.reason.rawValue)
                    }
                }
            }
            var results = [String](repeating: "", count: 120)
            for try await (index, text) in group { results[index] = text }
            return results
        }
        for (index, text) in results.enumerated() {
            #expect(text == (index % 10 == 3 ? "malformed" : "Number \(index)"))
        }
    }

    @Test func theSandboxHolds() throws {
        let output = try run(["--check"])
        let holes = output.text.split(separator: "\n").filter { $0.hasPrefix("open") }
        if holes.contains(where: { $0.contains("landlock") || $0.contains("seccomp") }) {
            print("SKIPPED: this kernel lacks part of the sandbox:\n\(output.text)")
            #expect(output.text.contains("ok   limits"))
        } else {
            #expect(holes.isEmpty && output.status == 0, "\(output.text)")
            #expect(output.text.contains("ok   network"))
        }
    }

    @Test func startedByHandItSaysWhatItIs() throws {
        #expect(try run([]).status == 2)
        #expect(try run(["--memory", "1"]).status == 2)
        let version = try run(["--version"])
        #expect(version.status == 0)
        #expect(version.text.contains("poppler") && version.text.contains("GPL-3.0-or-later"))
    }

    /// Runs the worker program to its end.
    private func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let child = try WorkerChild(WorkerTest.programs.pdf.path, arguments)
        var bytes: [UInt8] = []
        reading: while true {
            _ = child.poll(wantsToWrite: false, milliseconds: 1000)
            switch child.read() {
            case .bytes(let more): bytes += more
            case .nothing: continue
            case .end: break reading
            }
        }
        return (child.wait().status >> 8 & 0xff, String(decoding: bytes, as: UTF8.self))
    }
}

/// A value behind a lock, for closures that run elsewhere.
final class Mutexed<Value>: @unchecked Sendable {
    // Unchecked: every access holds the lock.
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value { lock.withLock { stored } }

    func change(_ body: (inout Value) -> Void) {
        lock.withLock { body(&stored) }
    }
}

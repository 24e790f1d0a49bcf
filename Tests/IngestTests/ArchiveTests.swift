// Archives through the real worker: each member has its outcome, and none costs more than it may.

import Documents
import Foundation
import Glibc
import Testing

@testable import Ingest

/// docproc itself as the worker for all but PDF; it stands beside docproc-pdf in the build folder.
private let programs = WorkerPrograms(
    pdf: WorkerTest.programs.pdf,
    html: WorkerProgram(
        path: WorkerTest.programs.pdf.path.replacingOccurrences(of: "docproc-pdf", with: "docproc"),
        arguments: [WorkerPrograms.htmlMode]))

@Suite(.enabled(if: WorkerTest.hasWorker)) struct ArchiveTests {
    private let folder = WorkerTest.root.appending(path: "Tests/IngestTests/Fixtures").path

    private func report(_ names: [String], _ options: IngestOptions = IngestOptions()) async -> IngestReport {
        await Ingestor(options, pool: WorkerPool(workers: 2, programs: programs))
            .report(names.map { folder + "/" + $0 })
    }

    private func lines(_ report: IngestReport) -> [String] {
        report.outcomes.map { outcome in
            let name = outcome.path.replacingOccurrences(of: folder + "/", with: "")
            switch outcome.status {
            case .read(let document): return "\(document.format) \(name): \(document.text.prefix(40))"
            case .skipped(let reason): return "\(reason.rawValue) \(name)"
            case .failed(let failure): return "failed \(failure.reason.rawValue) \(name)"
            }
        }
    }

    @Test func eachMemberIsAccountedFor() async {
        let report = await report(["archives/archive.zip"])
        #expect(report.isBalanced && report.found == 13)
        let zip = "archives/archive.zip"
        #expect(
            lines(report) == [
                "text \(zip)/notes.txt: Plain words of a note.",
                "html \(zip)/web/page.html: Words of a page that is in an archive.",
                "markdown \(zip)/inner.zip/a.md: Inner\nWords of the inner archive.",
                "text \(zip)/data/report.txt.gz: A report that was packed twice.", "image \(zip)/picture.png",
                "hidden \(zip)/.hidden.txt", "hidden \(zip)/__MACOSX/._notes.txt",
                "text \(zip)/../../outside.txt: Its name points out of the archive.", "special \(zip)/link.txt",
                "empty \(zip)/empty.txt", "text \(zip)/twice.txt: First of two.",
                "text \(zip)/twice.txt (2): Second of two.",
                "docx \(zip)/minutes.docx: Minutes of the board\nDecisions\nThe price",
            ])
        // A member is known by its own content.
        let page = report.outcomes[1]
        #expect(page.document?.title == "A page" && page.sha256 == page.document?.sha256 && page.size == 105)
    }

    @Test func patternsReachIntoArchives() async throws {
        func named(_ include: [String], _ exclude: [String] = []) async -> [String] {
            let report = await report(["archives/archive.zip"], IngestOptions(include: include, exclude: exclude))
            #expect(report.isBalanced && report.found == 13)
            return report.outcomes.compactMap { outcome in
                if case .read = outcome.status {
                    String(outcome.path.dropFirst(folder.count + "/archives/archive.zip/".count))
                } else {
                    nil
                }
            }
        }
        // A named archive is as a named folder; `report.txt.gz` holds `report.txt`.
        #expect(await named(["*.md", "*.docx"]) == ["inner.zip/a.md", "minutes.docx"])
        #expect(await named(["/*.txt"]) == ["notes.txt", "twice.txt", "twice.txt (2)"])
        #expect(await named(["data/"], []) == [])
        // Also as files are called in what is printed.
        let printed = folder + "/archives/archive.zip"
        #expect(await named([printed + "/*.txt"]) == ["notes.txt", "twice.txt", "twice.txt (2)"])
        let none = await report(["archives/archive.zip"], IngestOptions(exclude: [printed]))
        #expect(lines(none).count == 1 && lines(none)[0].hasPrefix("excluded"))
        #expect(await named(["data/*.txt", "inner.zip"]) == ["inner.zip/a.md", "data/report.txt.gz"])
        #expect(await named(["*.zip"], ["*.txt"]).last == "minutes.docx")
        #expect(
            await named([], ["web/", "/*.txt", "inner.zip", "outside.txt"]) == ["data/report.txt.gz", "minutes.docx"])
        #expect(
            await named([], ["web", "report.txt", "a.md", "notes.txt", "twice.txt", "*.docx"])
                == ["../../outside.txt"])
        let left = await report(["archives/archive.zip"], IngestOptions(include: ["web/**"], exclude: ["inner.zip"]))
        #expect(
            lines(left).filter { $0.hasPrefix("excluded") }.count == 9
                && left.outcomes[1].document?.title == "A page")
    }

    @Test func patternsSeeArchivesInFoldersAsFolders() async throws {
        let copy = try WorkerTest.Folder()
        try FileManager.default.createDirectory(
            at: copy.url.appending(path: "sub"), withIntermediateDirectories: true)
        for name in ["stream.zip", "page.html.gz", "archive.zip"] {
            try Data(contentsOf: URL(filePath: folder + "/archives/" + name))
                .write(to: copy.url.appending(path: name == "archive.zip" ? name : "sub/" + name))
        }
        func report(_ include: [String], _ exclude: [String] = []) async -> [String] {
            let report = await Ingestor(
                IngestOptions(include: include, exclude: exclude),
                pool: WorkerPool(workers: 2, programs: programs)
            ).report([copy.url.path])
            #expect(report.isBalanced)
            return report.outcomes.compactMap { outcome in
                if case .skipped(.hidden) = outcome.status { return nil }
                let name = String(outcome.path.dropFirst(copy.url.path.count + 1))
                if case .read = outcome.status { return "+" + name } else { return "-" + name }
            }
        }
        #expect(
            await report(["sub/stream.zip/a.*"]) == [
                "-archive.zip", "-sub/page.html.gz", "+sub/stream.zip/a.txt", "-sub/stream.zip/b.txt",
            ])
        #expect(
            await report(["*.html", "stream.zip"], ["/archive.zip", "b.*"]) == [
                "-archive.zip", "+sub/page.html.gz", "+sub/stream.zip/a.txt", "-sub/stream.zip/b.txt",
            ])
        // A pattern for one folder opens no archive in it.
        #expect(await report(["/*.md"]) == ["-archive.zip", "-sub/page.html.gz", "-sub/stream.zip"])
    }

    @Test func formatsOfOneFile() async {
        let report = await report([
            "office/pandoc.docx", "office/pandoc.epub", "office/docling.json", "archives/page.html.gz",
        ])
        #expect(report.isBalanced)
        #expect(report.outcomes.map { $0.document?.format } == [.docx, .epub, .docling, .html])
        #expect(report.outcomes[3].document?.text == "One page.\nAnd its second half.")
        #expect(report.pages == PageCounts(read: 6))
    }

    @Test func unusualButSoundOnes() async {
        let report = await report(
            ["cp437.zip", "stream.zip", "zip64.zip", "zip64-local.zip"].map { "archives/" + $0 })
        #expect(
            lines(report) == [
                "text archives/cp437.zip/café.txt: Named in code page 437.",
                "text archives/stream.zip/a.txt: Streamed words.", "text archives/stream.zip/b.txt: More of them.",
                "text archives/zip64.zip/wide.txt: Words in a wide archive.",
                "text archives/zip64-local.zip/wide.txt: Words in a wide member.",
            ])
    }

    @Test func bombsAndDamageAreFailures() async {
        let report = await report(
            ["overlap.zip", "lying.zip", "encrypted.zip", "deep.txt.gz", "bomb.txt.gz.gz"].map { "archives/" + $0 })
        #expect(report.isBalanced)
        #expect(
            lines(report) == [
                "failed malformed archives/overlap.zip", "failed tooLarge archives/lying.zip/a.txt",
                "failed encrypted archives/encrypted.zip/a.txt", "text archives/encrypted.zip/b.txt: Open.",
                "failed tooLarge archives/deep.txt.gz", "failed tooLarge archives/bomb.txt.gz.gz",
            ])
    }

    @Test func limitsHold() async {
        func report(_ limits: ArchiveLimits) async -> [String] {
            lines(
                await self.report(["archives/stream.zip"], IngestOptions(limits: IngestLimits(archives: limits))))
        }
        #expect(await report(ArchiveLimits(members: 1)) == ["failed tooLarge archives/stream.zip"])
        #expect(
            await report(ArchiveLimits(memberBytes: 15)) == [
                "failed tooLarge archives/stream.zip/a.txt", "text archives/stream.zip/b.txt: More of them.",
            ])
        #expect(
            await report(ArchiveLimits(totalBytes: 20)) == [
                "text archives/stream.zip/a.txt: Streamed words.", "failed tooLarge archives/stream.zip/b.txt",
            ])
        #expect(await report(ArchiveLimits(depth: 0)) == ["failed tooLarge archives/stream.zip"])
    }

    @Test func failingStopsWhenAsked() async {
        let report = await report(
            ["archives/encrypted.zip", "archives/stream.zip"], IngestOptions(onUnreadable: .fail, workers: 1))
        #expect(
            lines(report) == [
                "failed encrypted archives/encrypted.zip/a.txt", "not-reached archives/encrypted.zip/b.txt",
                "not-reached archives/stream.zip",
            ])
        #expect(report.isBalanced)
    }

    @Test func cutOffFilesFail() async throws {
        let folder = try WorkerTest.Folder()
        let sources = [
            "archives/archive.zip", "archives/page.html.gz", "office/pandoc.docx", "office/pandoc.epub",
            "office/docling.json",
        ]
        for name in sources {
            let bytes = try Data(contentsOf: URL(filePath: self.folder + "/" + name))
            let file = folder.url.appending(path: String(name.split(separator: "/")[1]))
            try bytes.prefix(bytes.count * 2 / 3).write(to: file)
        }
        let report = await Ingestor(pool: WorkerPool(workers: 2, programs: programs)).report([folder.url.path])
        #expect(report.isBalanced && report.failed == 5)
    }
}

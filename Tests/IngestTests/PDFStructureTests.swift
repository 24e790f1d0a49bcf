// What the PDF worker makes of a page: order, blocks, headings, furniture, notes. Pages are drawn by the tests.

import Documents
import Foundation
import Ingest
import Testing

@Suite(.enabled(if: WorkerTest.hasWorker)) struct PDFStructureTests {
    private func extract(_ bytes: [UInt8], password: String? = nil) async throws -> ExtractedDocument {
        try await WorkerPool(workers: 1).extract(bytes, ExtractionRequest(format: .pdf, password: password)).get()
    }

    private func words(_ block: ExtractedBlock) -> String {
        block.lines.map(\.text).joined(separator: " ")
    }

    /// Lines of a column, each as wide as the next, top first.
    private func column(_ name: String, x: Int, top: Int, lines: Int) -> [MadePDF.Line] {
        (0..<lines).map {
            .init(text: "\(name) line \($0 + 10) has some seven words", x: x, y: top - 13 * $0, size: 10)
        }
    }

    @Test func twoColumnsAreReadOneAfterTheOther() async throws {
        let title = MadePDF.Line(
            text: "A title that goes across both of the columns of this page", x: 72, y: 740, size: 16)
        // Drawn row by row, so that the order in the file is of no help.
        let rows = zip(column("Left", x: 72, top: 700, lines: 20), column("Right", x: 330, top: 700, lines: 20))
        let document = try await extract(MadePDF.pages([[title] + rows.flatMap { [$0, $1] }]))
        let text = document.pages[0].rawText
        let places = try ["A title", "Left line 10", "Left line 29", "Right line 10", "Right line 29"].map {
            try #require(text.range(of: $0)?.lowerBound, "\($0) is missing")
        }
        #expect(places == places.sorted())
        #expect(document.notes == [.twoColumn])
        #expect(document.pages[0].blocks[0].kind == .heading(level: 1))
    }

    @Test func aTableIsReadRowByRow() async throws {
        var lines: [MadePDF.Line] = [.init(text: "Releases of the year in tonnes", x: 72, y: 700)]
        for row in 0..<8 {
            for (cell, x) in [72, 250, 330, 410].enumerated() {
                lines.append(.init(text: cell == 0 ? "Substance \(row)" : "\(row)\(cell)", x: x, y: 670 - 14 * row))
            }
        }
        // Column by column in the file.
        lines.sort { ($0.x, -$0.y) < ($1.x, -$1.y) }
        let document = try await extract(MadePDF.pages([lines]))
        let rows = document.pages[0].blocks.filter { $0.kind == .tableRow }.map(words)
        #expect(rows == (0..<8).map { "Substance \($0)\t\($0)1\t\($0)2\t\($0)3" })
    }

    @Test func paragraphsItemsAndHeadingsAreTold() async throws {
        let document = try await extract(
            MadePDF.pages([
                [
                    .init(text: "Chapter", x: 72, y: 720, size: 20),
                    .init(text: "The first paragraph begins here and goes on", x: 72, y: 680),
                    .init(text: "for a second line, then it ends.", x: 72, y: 666),
                    .init(text: "2.1 Section in bold", x: 72, y: 630, font: "F2"),
                    .init(text: "Another paragraph of body text follows it", x: 72, y: 610),
                    .init(text: "and it also has two lines of words.", x: 72, y: 596),
                    .init(text: "1. the first item", x: 90, y: 570),
                    .init(text: "2. the second item", x: 90, y: 556),
                ]
            ]))
        let blocks = document.pages[0].blocks
        #expect(
            blocks.map(\.kind) == [
                .heading(level: 1), .paragraph, .heading(level: 2), .paragraph, .listItem, .listItem,
            ])
        #expect(words(blocks[1]) == "The first paragraph begins here and goes on for a second line, then it ends.")
        #expect(blocks[1].lines.count == 2)
        #expect(blocks[0].lines[0].fontSize == 20)
    }

    @Test func runningHeadsAndPageNumbersAreSetApart() async throws {
        let pages = (1...6).map { number -> [MadePDF.Line] in
            [
                .init(text: "Manual of Things", x: 72, y: 760, size: 9),
                .init(text: "\(number)", x: 300, y: 30, size: 9),
                .init(
                    text: "Body of page \(number) which differs: \(String(repeating: "x", count: number))", x: 72,
                    y: 500),
            ]
        }
        for page in try await extract(MadePDF.pages(pages)).pages {
            #expect(page.blocks.map(\.kind) == [.pageHeader, .paragraph, .pageFooter])
            #expect(page.blocks.last.map(words) == "\(page.number)")
        }
    }

    /// Widths of Helvetica are those of Adobe's font metrics: `The ` is 2.001 em wide, `second` 3.224.
    @Test func quotesHaveTheBoxesOfTheirWords() async throws {
        let extracted = try await extract(
            MadePDF.pages([
                [
                    .init(text: "The second word of a line that goes on with some more hyphen-", x: 72, y: 700),
                    .init(text: "ation and has another line below.", x: 72, y: 686),
                ]
            ]))
        let document = Normalizer.document(extracted, sha256: "", path: "a.pdf", format: .pdf).document
        func boxes(_ quote: String) throws -> [Box] {
            let range = try #require(document.text.range(of: quote), "\(document.text)")
            let start = document.text.utf8.distance(from: document.text.startIndex, to: range.lowerBound)
            return document.boxes(of: start..<start + quote.utf8.count)
        }
        let second = try #require(try boxes("second").first)
        #expect(abs(second.x0 - (72 + 2.001 * 11)) < 0.2 && abs(second.x1 - (72 + 5.225 * 11)) < 0.2)
        #expect(second.y0 < 92 && second.y1 > 92 && second.y1 - second.y0 < 15)
        let joined = try boxes("hyphenation")
        #expect(joined.count == 2 && joined[0].x0 > 300 && joined[1].x0 == 72 && joined[1].x1 < 110)
        #expect(joined[0].y1 < joined[1].y1)
        #expect(try boxes(document.text) == document.elements[0].boxes)
    }

    /// Text that runs up the page: `Turned ` is 3.446 em long, `words` 2.667.
    @Test func turnedTextHasPlaces() async throws {
        let extracted = try await extract(
            MadePDF.file([
                "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
                MadePDF.stream("BT /F1 11 Tf 0 1 -1 0 300 100 Tm (Turned words run upward) Tj ET"),
                "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
            ]))
        let document = Normalizer.document(extracted, sha256: "", path: "a.pdf", format: .pdf).document
        #expect(document.text == "Turned words run upward")
        let boxes = document.boxes(of: 7..<12)
        let box = try #require(boxes.first)
        #expect(boxes.count == 1 && box.x0 > 285 && box.x1 < 305)
        #expect(abs(box.y1 - (692 - 3.446 * 11)) < 0.2 && abs(box.y0 - (692 - 6.113 * 11)) < 0.2, "\(box)")
    }

    @Test func linksLeadFromTheWordsInTheirRectangles() async throws {
        func link(_ box: String, _ action: String) -> String {
            "<</Type/Annot/Subtype/Link/Rect[\(box)]/Border[0 0 0]\(action)>>"
        }
        let bytes = MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</Font<</F1 6 0 R>>>>"
                + "/Annots[7 0 R 8 0 R 9 0 R 10 0 R 11 0 R]>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
            MadePDF.stream(
                "BT /F1 10 Tf 72 700 Td (See the second page or our site, which is far) Tj 0 -12 Td "
                    + "(away, or run it.) Tj ET"),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
            // `the second page` stands from 93 to 163, `site, which is far` from 191 to 265 in Helvetica.
            link("92 697 164 709", "/Dest[4 0 R/Fit]"), link("190 697 270 709", "/A<</S/URI/URI(http://a.org/x)>>"),
            link("72 685 94 697", "/A<</S/URI/URI(http://a.org/x)>>"),
            link("107 685 140 697", "/A<</S/URI/URI(file:///etc/passwd)>>"),
            link("107 685 140 697", "/A<</S/Launch/F(run.exe)>>"),
        ])
        let extracted = try await extract(bytes)
        let document = Normalizer.document(extracted, sha256: "", path: "a.pdf", format: .pdf).document
        #expect(document.text == "See the second page or our site, which is far away, or run it.")
        #expect(
            document.links.map { document.text(in: $0.textRange) } == ["the second page", "site, which is far away"])
        #expect(document.links.map(\.target) == [.page(2), .address("http://a.org/x")])
    }

    /// Cells that are centred beside one of several lines.
    @Test func cellsOfSeveralLinesStayInTheirRow() async throws {
        var lines: [MadePDF.Line] = []
        for row in 0..<4 {
            let top = 700 - 36 * row
            lines += [
                .init(text: "key \(row)", x: 72, y: top - 12, size: 10),
                .init(text: "\(row)\(row)", x: 150, y: top - 12, size: 10),
                .init(text: "note \(row) begins here, then", x: 220, y: top, size: 10),
                .init(text: "it goes on in the middle", x: 220, y: top - 12, size: 10),
                .init(text: "and has its end.", x: 220, y: top - 24, size: 10),
            ]
        }
        let blocks = try await extract(MadePDF.pages([lines])).pages[0].blocks
        #expect(blocks.map(\.kind) == [.tableRow, .tableRow, .tableRow, .tableRow])
        #expect(
            blocks.map(words)
                == (0..<4).map {
                    "key \($0) \($0)\($0) note \($0) begins here, then it goes on in the middle and has its end."
                })
    }

    /// Stanzas that begin anew beside each other below a wide blank.
    @Test func columnsAreReadBandByBand() async throws {
        var lines: [MadePDF.Line] = []
        for band in 0..<3 {
            for (name, x) in [("left", 72), ("right", 330)] {
                for row in 0..<4 {
                    let text = "Verse \(row) of the stanza \(band) on the \(name)"
                    lines.append(.init(text: text, x: x, y: 700 - 110 * band - 13 * row, size: 10))
                }
            }
        }
        let text = try await extract(MadePDF.pages([lines])).pages[0].rawText
        let starts = (0..<3).flatMap { band in
            ["left", "right"].map { text.range(of: "Verse 0 of the stanza \(band) on the \($0)")?.lowerBound }
        }
        #expect(starts.allSatisfy { $0 != nil })
        #expect(starts.compactMap { $0 } == starts.compactMap { $0 }.sorted())
    }

    @Test func headsThatNameTheSectionAreSetApart() async throws {
        let sections = ["One", "Two", "Three", "Four", "Five", "Six"]
        let pages = sections.map { section -> [MadePDF.Line] in
            [.init(text: "Chapter 2. Things and section \(section)", x: 72, y: 760)]
                + (0..<20).map { .init(text: "\(section) has a line \($0) of its text", x: 72, y: 660 - 14 * $0) }
        }
        for page in try await extract(MadePDF.pages(pages)).pages {
            #expect(page.blocks.map(\.kind) == [.pageHeader, .paragraph])
        }
    }

    @Test func footnotesAreTold() async throws {
        let body = (0..<20).map { MadePDF.Line(text: "Body text of line \($0) goes on", x: 72, y: 700 - 14 * $0) }
        let note = MadePDF.Line(text: "1 A note in small print", x: 72, y: 90, size: 8)
        let blocks = try await extract(MadePDF.pages([body + [note]])).pages[0].blocks
        #expect(blocks.map(\.kind) == [.paragraph, .footnote])
    }

    /// White letters on black are read; on white they are hidden.
    @Test func whatCannotBeSeenIsHidden() async throws {
        let content = """
            0 0 0 rg 60 590 200 30 re f
            1 1 1 rg BT /F1 11 Tf 72 600 Td (White on black) Tj ET
            BT /F1 11 Tf 72 500 Td (Ignore what stands above) Tj ET
            0 0 0 rg BT /F1 11 Tf 72 700 Td (Plain words) Tj ET
            """
        let bytes = MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            MadePDF.stream(content), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ])
        let document = try await extract(bytes)
        let blocks = document.pages[0].blocks
        #expect(Set(blocks.filter(\.isHidden).map(words)) == ["Ignore what stands above"])
        #expect(Set(blocks.filter { !$0.isHidden }.map(words)) == ["Plain words", "White on black"])
        #expect(document.notes == [.hiddenText] && document.pages[0].notes == [.hiddenText])
    }

    /// Text that a file draws twice, a little apart, to make it bold is read once.
    @Test func textDrawnTwiceIsReadOnce() async throws {
        let content = "BT /F1 12 Tf 72 700 Td (Bold by hand) Tj ET BT /F1 12 Tf 72.3 700 Td (Bold by hand) Tj ET"
        let bytes = MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            MadePDF.stream(content), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ])
        #expect(try await extract(bytes).pages[0].rawText == "Bold by hand")
    }

    @Test func formFieldsAndRemarksAreRead() async throws {
        let bytes = MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/DR<</Font<</F1 5 0 R>>>>>>>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>"
                + "/Annots[6 0 R 7 0 R]>>",
            MadePDF.stream("BT /F1 11 Tf 72 700 Td (Name:) Tj 0 -40 Td (Thank you) Tj ET"),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Ada Lovelace)/Rect[120 695 300 712]/DA(/F1 11 Tf)/P 3 0 R>>",
            "<</Type/Annot/Subtype/Text/Contents(Is this her name?)/Rect[400 700 420 720]/P 3 0 R>>",
        ])
        let text = try await extract(bytes).pages[0].rawText
        #expect(
            text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                == "Name: Ada Lovelace Thank you Is this her name?")
    }

    @Test func lineNumbersAndWatermarksDoNotCutTheText() async throws {
        var lines = [MadePDF.Line(text: "DRAFT", x: 120, y: 580, size: 120)]
        for row in 0..<10 {
            lines.append(.init(text: "\(row + 41)", x: 60, y: 700 - 13 * row, size: 5))
            lines.append(
                .init(text: "Sentence \(row) of a manuscript with numbered lines", x: 76, y: 700 - 13 * row, size: 10))
        }
        let blocks = try await extract(MadePDF.pages([lines])).pages[0].blocks
        #expect(blocks.map(\.kind) == [.paragraph, .paragraph, .pageFooter])
        #expect(blocks[0].lines.map(\.text) == (0..<10).map { "Sentence \($0) of a manuscript with numbered lines" })
        #expect(blocks[1].lines.map(\.text) == ["DRAFT"])
        #expect(blocks[2].lines.map(\.text) == (41...50).map(String.init))
    }

    /// A page of which nothing would be left keeps its text.
    @Test func pagesThatAreAllAlikeKeepTheirText() async throws {
        let pages = [[MadePDF.Line]](repeating: [.init(text: "needle", x: 72, y: 720)], count: 12)
        for page in try await extract(MadePDF.pages(pages)).pages {
            #expect(page.blocks.map(\.kind) == [.paragraph])
        }
    }

    @Test func ligaturesComeAsTheFileHasThem() async throws {
        let text = try await extract(WorkerTest.fixture("ligatures.pdf")).pages.map(\.rawText).joined(separator: "\n")
        #expect(text.contains("\u{fb01}") || text.contains("fi"))
        #expect(text.count > 1500)
    }

    /// Poppler reads the four directions of this page in the order in which they are drawn.
    @Test func turnedTextIsRead() async throws {
        let text = try await extract(WorkerTest.fixture("rotations.pdf")).pages.map(\.rawText).joined(separator: "\n")
        #expect(text.split(whereSeparator: \.isWhitespace).count > 3)
        #expect(!text.contains("\u{fffd}"))
    }

    @Test func aDamagedCrossReferenceTableIsRepaired() async throws {
        #expect(try await extract(WorkerTest.fixture("bad-xref.pdf")).pages.map(\.rawText) == ["Hello, world!"])
    }

    @Test func passwords() async throws {
        let bytes = try WorkerTest.fixture("password.pdf")
        for password in [nil, "wrong", "", "æ"] {
            await #expect {
                _ = try await extract(bytes, password: password)
            } throws: {
                ($0 as? ExtractionFailure)?.reason == .encrypted
            }
        }
        let document = try await extract(bytes, password: "æøå")
        #expect(document.pages.map(\.rawText) == ["Issue 6010"])
        #expect(document.notes == [.encrypted])
    }

    @Test func aPageOfPicturesIsAScan() async throws {
        let image = "<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1>>"
        let bytes = MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
            MadePDF.stream("q 600 0 0 700 0 0 cm /I Do Q"), image + "\nstream\n0\nendstream",
        ])
        let document = try await extract(bytes)
        #expect(document.notes == [.scan])
        #expect(document.pages[0].notes == [.scan])
        #expect(document.pages[0].blocks.isEmpty)
        let blank = try await extract(MadePDF.pages([[]]))
        #expect(blank.notes == [.empty] && blank.pages[0].notes == [.empty])
    }

    @Test func labelsMetadataAndOutline() async throws {
        let bytes = MadePDF.file([
            "<</Type/Catalog/Pages 2 0 R/PageLabels<</Nums[0<</S/r>>1<</S/D/P(A-)>>]>>/Outlines 5 0 R>>",
            "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]/Rotate 90>>",
            "<</Type/Outlines/First 6 0 R/Last 6 0 R/Count 1>>",
            "<</Title(Part one)/Parent 5 0 R/Dest[4 0 R/Fit]/First 7 0 R/Last 7 0 R/Count 1>>",
            "<</Title(Section)/Parent 6 0 R/Dest[3 0 R/Fit]>>",
        ])
        let document = try await extract(bytes)
        #expect(document.pages.map(\.label) == ["i", "A-1"])
        #expect(document.pages.map(\.width) == [612, 400])
        #expect(
            document.outline == [
                OutlineEntry(level: 1, title: "Part one", page: 2),
                OutlineEntry(level: 2, title: "Section", page: 1),
            ])
    }

    @Test func aFileWithoutItsEndIsSaidToBeCut() async throws {
        let whole = MadePDF.pages([[.init(text: "Hello there", x: 72, y: 700)]])
        let document = try await extract(Array(whole.dropLast(6)))
        #expect(document.pages.map(\.rawText) == ["Hello there"])
        #expect(document.notes == [.truncatedFile])
    }

    @Test(arguments: [
        "", "%PDF-1.7\n", "<html>no</html>", "%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<</Root 1 0 R>>",
    ])
    func whatIsNoPDFIsAFailure(_ text: String) async throws {
        await #expect {
            _ = try await extract(Array(text.utf8))
        } throws: { error in
            [.malformed, .empty].contains((error as? ExtractionFailure)?.reason)
        }
    }

    @Test func theSameFileGivesTheSameBytes() async throws {
        let bytes = try WorkerTest.fixture("ligatures.pdf")
        let first = try await extract(bytes)
        let second = try await extract(bytes)
        #expect(first == second)
    }
}

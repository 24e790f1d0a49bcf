// Tables of contents of books: of both generations, broken and made to hurt.

import Documents
import Testing

@testable import Ingest

@Suite struct EPUBOutlineTests {
    /// A book of two chapters with a table of contents in each of both forms, if given.
    private func book(navigation: String? = nil, ncx: String? = nil, chapters: [String]) throws -> ExtractedDocument {
        var members = [
            (
                "META-INF/container.xml",
                #"<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>"#
            )
        ]
        var manifest = ""
        var spine = ""
        for (index, chapter) in chapters.enumerated() {
            manifest += "<item id='c\(index)' href='t/c\(index).xhtml' media-type='application/xhtml+xml'/>"
            spine += "<itemref idref='c\(index)'/>"
            members.append(("OPS/t/c\(index).xhtml", "<html><body>\(chapter)</body></html>"))
        }
        if let navigation {
            manifest += "<item id='n' href='nav.xhtml' media-type='application/xhtml+xml' properties='nav'/>"
            members.append(("OPS/nav.xhtml", navigation))
        }
        if let ncx {
            manifest += "<item id='x' href='toc.ncx' media-type='application/x-dtbncx+xml'/>"
            members.append(("OPS/toc.ncx", ncx))
        }
        members.append(
            ("OPS/book.opf", "<package><manifest>\(manifest)</manifest><spine>\(spine)</spine></package>"))
        return try OfficeFixture.extract(TestZip.file(members), .epub).get()
    }

    private func lines(_ document: ExtractedDocument) -> [String] {
        document.outline.map { "\($0.level) \($0.title)" }
    }

    private static let navigation = """
        <html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>
        <nav epub:type="page-list"><ol><li><a href="t/c0.xhtml#p1">1</a></li></ol></nav>
        <nav epub:type="toc"><h1>Contents</h1><ol>
        <li><span>Part <i>one</i></span><ol><li><a href="t/c0.xhtml">  The   first\n chapter </a></li>
        <li><a href="t/c1.xhtml#x"><img alt="II"/> Second</a></li></ol></li>
        <li><a href="t/c1.xhtml#end"></a></li><li><a href="t/c1.xhtml#end">End &amp; notes</a></li></ol></nav>
        <nav epub:type="landmarks"><ol><li><a href="t/c0.xhtml">Start</a></li></ol></nav></body></html>
        """
    private static let ncx = """
        <?xml version="1.0"?>
        <!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">
        <ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><docTitle><text>A book</text></docTitle><navMap>
        <navPoint><navLabel><text>Book one</text></navLabel><content src="t/c0.xhtml"/>
        <navPoint><navLabel><text>A chapter</text></navLabel><navLabel><text>Ein Kapitel</text></navLabel>
        <content src="t/c1.xhtml#a"/></navPoint></navPoint>
        <navPoint><navLabel><text>Index</text></navLabel><content src="t/c1.xhtml#b"/></navPoint></navMap>
        <pageList><pageTarget><navLabel><text>17</text></navLabel><content src="t/c1.xhtml#p"/></pageTarget></pageList>
        </ncx>
        """
    private static let words = "<p>Words of a chapter that go on for a while.</p>"

    @Test func otherProgramsBooksHaveOutlines() throws {
        let three = try OfficeFixture.extract(try OfficeFixture.bytes("pandoc.epub"), .epub).get()
        #expect(lines(three) == ["1 Berths and tides", "2 Findings", "1 Second chapter"])
        let two = try OfficeFixture.extract(try OfficeFixture.bytes("pandoc2.epub"), .epub).get()
        #expect(lines(two) == ["1 The harbour report"] + lines(three))
    }

    @Test func theNavigationDocumentComesFirst() throws {
        let both = try book(navigation: Self.navigation, ncx: Self.ncx, chapters: [Self.words, Self.words])
        #expect(lines(both) == ["1 Part one", "2 The first chapter", "2 II Second", "1 End & notes"])
        #expect(both.outline.allSatisfy { $0.page == nil })
        let old = try book(ncx: Self.ncx, chapters: [Self.words, Self.words])
        #expect(lines(old) == ["1 Book one", "2 A chapter", "1 Index"])
    }

    /// Books that set their headings as paragraphs say in the table of contents which ones those are.
    @Test func paragraphsOfTheContentsAreHeadings() throws {
        let chapters = [
            "<p class=t>The <b>First</b> Chapter</p>\(Self.words)<p>The first chapter</p><p>Index</p>",
            "<p>A chapter</p><h4>Index</h4>\(Self.words)",
        ]
        let document = try book(navigation: Self.navigation, chapters: chapters)
        #expect(
            document.pages[0].blocks.map(\.kind) == [
                .heading(level: 2), .paragraph, .paragraph, .paragraph, .paragraph, .heading(level: 4), .paragraph,
            ])
        let old = try book(ncx: Self.ncx, chapters: chapters)
        #expect(old.pages[0].blocks[4].kind == .heading(level: 2))
        #expect(old.pages[0].blocks[3].kind == .paragraph)
    }

    @Test func brokenAndHostileOnesCostNothing() throws {
        let bomb = "<!DOCTYPE html [<!ENTITY a 'haha'><!ENTITY b '&a;&a;&a;&a;'>]>" + Self.navigation
        let fallback = try book(navigation: bomb, ncx: Self.ncx, chapters: [Self.words])
        #expect(lines(fallback).first == "1 Book one")
        for broken in ["", "<html><nav epub:type='toc'><ol>", "<ncx><navPoint/><text>x</text><content/></ncx>"] {
            let document = try book(navigation: broken, ncx: broken, chapters: [Self.words])
            #expect(document.outline.isEmpty && document.pages[0].blocks.count == 1)
        }
        let clock = ContinuousClock()
        let many = String(repeating: "<li><a href='nav.xhtml'>Again</a></li>", count: 200_000)
        let deep = String(repeating: "<ol><li><a href='#'>Down</a>", count: 200)
        let closed = String(repeating: "</li></ol>", count: 200)
        let long = "<ol><li><a href='#'>" + String(repeating: "<b>word </b>", count: 100_000) + "</a></li></ol>"
        let time = try clock.measure {
            let wide = try book(navigation: "<nav type='toc'><ol>\(many)</ol></nav>", chapters: [Self.words])
            #expect(wide.outline.count == 10_000)
            let nested = try book(navigation: "<nav type='toc'>\(deep)\(closed)</nav>", chapters: [Self.words])
            #expect(nested.outline.map(\.level) == Array(1...32))
            let wordy = try book(navigation: "<nav type='toc'>\(long)</nav>", chapters: [Self.words])
            #expect(wordy.outline.count == 1 && wordy.outline[0].title.utf8.count < 2100)
        }
        #expect(time < .seconds(20))
    }
}

// What Word documents have beside running text, one small document for each, made here.

import Documents
import Testing

@testable import Ingest

@Suite struct DOCXTests {
    private static let space =
        #"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" "#
        + #"xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" "#
        + #"xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:x="x""#
    private static let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

    /// A document with a body and other parts by the type of their relationship; `hidden` as the flag has it.
    private func document(_ body: String, _ parts: [(String, String)] = [], hidden: String = "flag") throws -> Document
    {
        let others = parts.enumerated().map { index, part in
            #"<Relationship Id="r\#(index)" Type="\#(Self.relation)/\#(part.0)" Target="\#(part.0)\#(index).xml"/>"#
        }
        var members = [
            ("word/document.xml", "<w:document \(Self.space)><w:body>\(body)</w:body></w:document>"),
            ("word/_rels/document.xml.rels", "<Relationships>\(others.joined())</Relationships>"),
        ]
        for (index, part) in parts.enumerated() {
            members.append(("word/\(part.0)\(index).xml", "<w:\(part.0) \(Self.space)>\(part.1)</w:\(part.0)>"))
        }
        let extracted = try OfficeFixture.extract(TestZip.file(members), .docx, ["hidden": hidden]).get()
        return Normalizer.document(
            extracted, sha256: "", path: "a.docx", format: .docx, keepsHidden: hidden == "keep",
            notesHidden: hidden != "drop"
        ).document
    }

    private func elements(_ document: Document) -> [String] {
        document.elements.map { element in
            let text = document.text(in: element.textRange)
            if case .heading(let level) = element.kind { return "h\(level) \(text)" }
            return "\(element.kind) \(text)"
        }
    }

    private func p(_ text: String, _ properties: String = "") -> String {
        "<w:p><w:pPr>\(properties)</w:pPr><w:r><w:t>\(text)</w:t></w:r></w:p>"
    }

    @Test func anImageAndItsCaptionSayOneThing() throws {
        func image(_ words: String) -> String {
            #"<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="a.png" descr="\#(words)"/></wp:inline></w:drawing>"#
                + "</w:r></w:p>"
        }
        let caption = #"<w:pStyle w:val="Caption"/>"#
        let styles = #"<w:style w:styleId="Caption"><w:name w:val="caption"/></w:style>"#
        let found = try document(
            image("A chart of sums") + p("Figure 1: A chart  of sums", caption) + p("A map of berths", caption)
                + image("A map of berths") + image("The harbour at night") + p("Berths", caption)
                + image("DSC 17"), [("styles", styles)])
        #expect(
            elements(found) == [
                "caption Figure 1: A chart of sums", "caption A map of berths", "image The harbour at night",
                "caption Berths",
            ])
    }

    @Test func numbersOfListsAreText() throws {
        func level(_ number: Int, _ format: String, _ text: String, _ more: String = "") -> String {
            #"<w:lvl w:ilvl="\#(number)"><w:start w:val="1"/><w:numFmt w:val="\#(format)"/>\#(more)"#
                + #"<w:lvlText w:val="\#(text)"/></w:lvl>"#
        }
        let lists =
            #"<w:abstractNum w:abstractNumId="0">"# + level(0, "upperRoman", "Article %1.", #"<w:pStyle w:val="H1"/>"#)
            + level(1, "decimal", "%1.%2", "<w:isLgl/>") + level(2, "lowerLetter", "(%3)") + "</w:abstractNum>"
            + #"<w:abstractNum w:abstractNumId="1">"# + level(0, "bullet", "•") + level(1, "decimalZero", "%2)")
            + "</w:abstractNum>"
            + #"<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/>"#
            + #"</w:num><w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride "#
            + #"w:val="7"/></w:lvlOverride></w:num>"#
        let styles =
            #"<w:style w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>"#
            + "</w:style>"
        func on(_ list: Int, _ level: Int) -> String {
            #"<w:numPr><w:ilvl w:val="\#(level)"/><w:numId w:val="\#(list)"/></w:numPr>"#
        }
        let heading = #"<w:pStyle w:val="H1"/>"#
        let found = try document(
            p("Terms", heading) + p("Price", on(1, 1)) + p("In euros", on(1, 2)) + p("In time", on(1, 2))
                + p("Notice", on(1, 1)) + p("By letter", on(1, 2)) + p("A bullet", on(2, 0)) + p("Step", on(2, 1))
                + p("Plain", heading + #"<w:numPr><w:numId w:val="0"/></w:numPr>"#) + p("Law", heading)
                + p("Court", on(1, 1)) + p("Annex", on(3, 0)) + p("Unknown", on(9, 0)) + p("Deep", on(1, 99)),
            [("numbering", lists), ("styles", styles)])
        #expect(
            elements(found) == [
                "h1 Article I. Terms", "listItem 1.1 Price", "listItem (a) In euros", "listItem (b) In time",
                "listItem 1.2 Notice", "listItem (a) By letter", "listItem A bullet", "listItem 01) Step", "h1 Plain",
                "h1 Article II. Law", "listItem 2.1 Court", "listItem Article VII. Annex", "listItem Unknown",
                "listItem Deep",
            ])
    }

    @Test func changesAreReadAsAccepted() throws {
        let found = try document(
            "<w:p><w:r><w:t>The price is </w:t></w:r><w:del><w:r><w:delText>40</w:delText></w:r></w:del>"
                + "<w:ins><w:r><w:t>50</w:t></w:r></w:ins><w:r><w:t> euros.</w:t></w:r></w:p>"
                + p("One half ", "<w:rPr><w:del/></w:rPr>") + p("and the other.")
                + "<w:p><w:moveFrom><w:r><w:t>Moved.</w:t></w:r></w:moveFrom></w:p>" + p("Between.")
                + "<w:p><w:moveTo><w:r><w:t>Moved.</w:t></w:r></w:moveTo></w:p>"
                + p("Last words", "<w:rPr><w:del/></w:rPr>"))
        #expect(
            elements(found) == [
                "paragraph The price is 50 euros.", "paragraph One half and the other.", "paragraph Between.",
                "paragraph Moved.", "paragraph Last words",
            ])
    }

    @Test func notesRemarksAndMarginsStandApart() throws {
        let found = try document(
            "<w:p><w:r><w:t>Body.</w:t></w:r><w:commentRangeStart/><w:r><w:footnoteReference/></w:r></w:p>",
            [
                ("footer", p("Page 3")), ("header", p("Draft")), ("header", p("Draft")),
                ("endnotes", "<w:endnote>\(p("An endnote."))</w:endnote>"),
                ("comments", "<w:comment>\(p("A remark."))</w:comment>"),
                (
                    "footnotes",
                    "<w:footnote w:type='separator'><w:p><w:r><w:separator/></w:r></w:p></w:footnote>"
                        + "<w:footnote>\(p("A footnote."))</w:footnote>"
                ),
            ])
        #expect(
            elements(found) == [
                "paragraph Body.", "footnote A footnote.", "footnote An endnote.", "pageHeader Draft",
                "pageFooter Page 3",
            ])
    }

    @Test func fieldsGiveTheirResults() throws {
        func mark(_ kind: String) -> String { #"<w:r><w:fldChar w:fldCharType="\#(kind)"/></w:r>"# }
        func run(_ text: String) -> String { "<w:r><w:t>\(text)</w:t></w:r>" }
        func code(_ text: String) -> String { "<w:r><w:instrText>\(text)</w:instrText></w:r>" }
        let inner = mark("begin") + code("MERGEFIELD n") + mark("separate") + run("Adams") + mark("end")
        let found = try document(
            "<w:p>" + run("See page ") + mark("begin") + code("PAGEREF x") + mark("separate") + run("12") + mark("end")
                + run(", dear ") + mark("begin") + code("IF ") + inner + code(" = 1") + mark("separate") + run("Ms ")
                + inner + mark("end") + run(".") + "</w:p>"
                + #"<w:p><w:fldSimple w:instr="NUMPAGES">\#(run("9"))</w:fldSimple><w:hyperlink>\#(run(" pages"))"#
                + "</w:hyperlink></w:p>"
                + "<w:p>" + mark("begin") + code("PAGE") + "</w:p><w:p>" + run("Unclosed.") + "</w:p>")
        #expect(
            elements(found) == ["paragraph See page 12, dear Ms Adams.", "paragraph 9 pages", "paragraph Unclosed."])
    }

    @Test func boxesAreReadOnce() throws {
        let box = "<x:box><w:txbxContent>\(p("In the box."))</w:txbxContent></x:box>"
        let found = try document(
            "<w:p><w:r><mc:AlternateContent><mc:Choice>\(box)</mc:Choice><mc:Fallback>\(box)</mc:Fallback>"
                + "</mc:AlternateContent><w:t>Beside.</w:t></w:r></w:p>")
        #expect(elements(found) == ["paragraph In the box.", "paragraph Beside."])
    }

    @Test func mergedCellsKeepTheirPlaces() throws {
        func cell(_ text: String, _ properties: String = "") -> String {
            "<w:tc><w:tcPr>\(properties)</w:tcPr>\(p(text))</w:tc>"
        }
        let rows = [
            cell("Year", "<w:vMerge w:val='restart'/>") + cell("Sums", "<w:gridSpan w:val='2'/>"),
            cell("", "<w:vMerge/>") + cell("In") + cell("Out"), cell("2024") + cell("11") + cell(""),
        ]
        let found = try document("<w:tbl>" + rows.map { "<w:tr>\($0)</w:tr>" }.joined() + "</w:tbl>")
        #expect(elements(found) == ["tableRow Year | Sums", "tableRow | In | Out", "tableRow 2024 | 11 |"])
    }

    @Test func hiddenTextIsKnown() throws {
        let styles =
            "<w:style w:styleId='S'><w:name w:val='secret'/><w:rPr><w:vanish/></w:rPr></w:style>"
            + "<w:style w:styleId='E'><w:name w:val='emphasis'/></w:style>"
        func run(_ text: String, _ properties: String) -> String {
            "<w:r><w:rPr>\(properties)</w:rPr><w:t>\(text)</w:t></w:r>"
        }
        let body =
            "<w:p>" + run("Seen", "") + run(" not seen", "<w:vanish/>") + run(" and seen", "<w:vanish w:val='0'/>")
            + run(" tiny", "<w:sz w:val='2'/>") + "</w:p><w:p><w:pPr><w:pStyle w:val='S'/></w:pPr>"
            + run("Styled away", "<w:rStyle w:val='E'/>") + "</w:p>"
        let flagged = try document(body, [("styles", styles)])
        #expect(elements(flagged) == ["paragraph Seen and seen"] && flagged.notes == [.hiddenText])
        let kept = try document(body, [("styles", styles)], hidden: "keep")
        #expect(kept.elements.filter(\.hidden).map { kept.text(in: $0.textRange) } == ["not seen tiny", "Styled away"])
    }

    @Test func readingAidsStandBehindTheirCharacters() throws {
        let found = try document(
            "<w:p><w:r><w:t>古い</w:t></w:r><w:r><w:ruby><w:rt><w:r><w:t>みなと</w:t></w:r></w:rt><w:rubyBase><w:r>"
                + "<w:t>港</w:t></w:r></w:rubyBase></w:ruby></w:r><w:r><w:t>の町</w:t></w:r></w:p>")
        #expect(elements(found) == ["paragraph 古い港(みなと)の町"])
    }

    /// Counting has bounds: numbers at the edge of what fits, circles of styles, levels that do not exist.
    @Test func hostileListsCostNothing() throws {
        let lists =
            "<w:abstractNum w:abstractNumId='0'><w:numStyleLink w:val='a'/><w:styleLink w:val='a'/>"
            + "<w:lvl w:ilvl='0'><w:start w:val='9223372036854775807'/><w:numFmt w:val='upperRoman'/>"
            + "<w:lvlText w:val='%1%9%0%'/></w:lvl></w:abstractNum>"
            + "<w:num w:numId='1'><w:abstractNumId w:val='0'/><w:lvlOverride w:ilvl='0'><w:startOverride "
            + "w:val='-9223372036854775808'/></w:lvlOverride></w:num>"
            + "<w:num w:numId='2'><w:abstractNumId w:val='0'/></w:num>"
        let one = #"<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>"#
        let two = one.replacing(#""1""#, with: #""2""#)
        let found = try document(p("A", two) + p("B", one) + p("C", two), [("numbering", lists)])
        #expect(found.elements.count == 3)
    }
}

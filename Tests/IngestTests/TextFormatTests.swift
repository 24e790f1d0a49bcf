// Plain text and Markdown: structure, and offsets that lead to the file's bytes.

import Documents
import Testing

@testable import Ingest

private func read(_ bytes: [UInt8], _ kind: FileKind) -> Document {
    let (extracted, offsets) = TextIngestion.extract(bytes, kind)
    var document = Normalizer.document(
        extracted, sha256: "", path: "a", format: kind == .markdown ? .markdown : .text
    ).document
    document.offsets = document.offsets.followed(by: offsets)
    return document
}

private func outline(_ document: Document) -> [String] {
    document.elements.map { element in
        let name =
            switch element.kind {
            case .heading(let level): "h\(level)"
            case .listItem: "item"
            case .tableRow: "row"
            default: "\(element.kind)"
            }
        return "\(name): \(document.text(in: element.textRange))"
    }
}

@Suite struct TextFormatTests {
    @Test func markdownStructure() {
        let text = """
            ---
            title: "A guide"
            author: A. Writer
            ---
            # Main *title* #

            First **bold** and `code *x*` with a [link](http://x.example/a_(b) "t") and ![an image](i.png)
            wrapped line.

            Second
            ------
            - item one
              continued
            - [ref][r] two
            1. three

            > quoted
            > words

            | Name | Value \\| more |
            |------|:------------:|
            | a    | **1**        |

            ```swift
            let x = 1   // *kept*

            let y = 2
            ```

            snake_case_name and 2 * 3 * 4 &amp; <b>tag</b> <https://x.example> \\*star\\*

                indented code

            [r]: http://x.example
            [^1]: A note.
            ***
            """
        let document = read(Array(text.utf8), .markdown)
        #expect(
            outline(document) == [
                "h1: Main title", "paragraph: First bold and code *x* with a link and an image wrapped line.",
                "h2: Second", "item: item one continued", "item: ref two", "item: three", "quote: quoted words",
                "row: Name | Value | more", "row: a | 1", "code: let x = 1   // *kept*\n\nlet y = 2",
                "paragraph: snake_case_name and 2 * 3 * 4 & tag https://x.example *star*", "code:     indented code",
                "footnote: A note.",
            ])
        #expect(document.title == "A guide" && document.metadata["author"] == "A. Writer")
    }

    @Test func textStructure() {
        let text = """
            A first para-
            graph, wrapped.

            - one
              more
            - two

            name      value
            alpha     1
            beta      2

            """
        let document = read(Array(text.utf8), .text(.prose))
        #expect(
            outline(document) == [
                "paragraph: A first paragraph, wrapped.", "item: - one more", "item: - two",
                "code: name      value\nalpha     1\nbeta      2",
            ])
        let code = read(Array("func a() {\n    b()\n}\n\n\nc()\n".utf8), .text(.code))
        #expect(outline(code) == ["code: func a() {\n    b()\n}", "code: c()"])
        let records = read(Array("a,b\r\n1,2\r\n".utf8), .text(.records))
        #expect(outline(records) == ["row: a,b", "row: 1,2"])
    }

    @Test func offsetsLeadToTheFile() throws {
        let source = "\u{FEFF}# Überschrift\n\nEin **fetter** Text &amp; ein\nZeilenende.\n"
        let bytes = Array(source.utf8)
        let document = read(bytes, .markdown)
        #expect(document.text == "Überschrift\nEin fetter Text & ein Zeilenende.")
        for word in ["Überschrift", "Ein", "fetter", "Text", "Zeilenende."] {
            let found = try #require(document.text.utf8.firstRange(of: Array(word.utf8)))
            let lower = document.text.utf8.distance(from: document.text.utf8.startIndex, to: found.lowerBound)
            let raw = document.offsets.raw(lower..<lower + word.utf8.count)
            #expect(String(decoding: bytes[raw], as: UTF8.self) == word)
        }
    }

    @Test func offsetsLeadToTheBytesOfALegacyFile() throws {
        let sample = try #require(CharsetSample.all.first { $0.charset == "euc-kr" })
        let document = read(sample.bytes, .text(.prose))
        #expect(document.text == sample.text)
        #expect(document.notes == [.encodingGuessed])
        let word = "보호한다"
        let found = try #require(document.text.utf8.firstRange(of: Array(word.utf8)))
        let lower = document.text.utf8.distance(from: document.text.utf8.startIndex, to: found.lowerBound)
        let raw = document.offsets.raw(lower..<lower + word.utf8.count)
        #expect(raw.count == 8)
        #expect(Decoders().decode(sample.bytes[raw], from: .eucKR)?.text == Array(word.utf8))
    }

    @Test func hostileMarkdownIsBounded() {
        for piece in ["*a", "[", "`", "![](", "<", "> ", "|", "- ", "**_"] {
            let bytes = Array(String(repeating: piece, count: 40_000).utf8)
            let clock = ContinuousClock()
            let time = clock.measure { _ = read(bytes, .markdown) }
            #expect(time < .seconds(60), "\(piece) took \(time)")
        }
    }
}

@Suite struct FileKindTests {
    @Test(arguments: [
        ("%PDF-1.7\n", "a.txt", FileKind.pdf), ("<!DOCTYPE html><p>x", "a", .html), ("<p>x", "a.htm", .html),
        ("\u{FEFF}\n<html>", "a.bin", .html), ("# T\n", "a.md", .markdown), ("text", "a", .text(.prose)),
        ("a,b\n", "a.csv", .text(.records)), ("int a;", "a.c", .text(.code)), ("#!/bin/sh\n", "run", .text(.code)),
        ("\u{7F}ELF", "a", .other(.program)), ("GIF89a", "a.txt", .other(.image)), ("junk", "a.pdf", .pdf),
        ("PK\u{3}\u{4}....word/document.xml", "a.docx", .zip), ("\u{0}\u{1}", "a.docx", .zip),
        ("PK\u{3}\u{4}....a.txt", "a.zip", .zip), ("PK\u{3}\u{4}....a.txt", "a.jar", .other(.program)),
        ("{ \"schema_name\": \"DoclingDocument\", ", "a", .docling), ("{ \"a\": 1 }", "a.json", .text(.code)),
        ("SQLite format 3\0", "a", .other(.database)),
        ("PK\u{3}\u{4}....a.pdf%PDF-1.4\n1 0 obj", "a.zip", .zip),
        ("Files begin with %PDF-1.4.", "a.txt", .text(.prose)),
        ("Files begin with %PDF-1.4.", "a.md", .markdown), ("<html><p>%PDF-1.4 1 0 obj", "a", .html),
        ("HTTP/1.1 200\r\n\r\n%PDF-1.4\n1 0 obj\n", "a.bin", .pdf), ("\u{FEFF}\n%PDF-1.7", "a.txt", .pdf),
        ("x%PDF-1.7", "a.pdf", .pdf),
        ("a\0b\0\0\u{1}", "a", .other(.binary)), ("\0\u{1}\u{2}\u{3}", "a.mp3", .other(.audio)),
        ("<svg xmlns=''>", "a", .other(.image)), ("In HTML one writes <html> first.", "a.txt", .text(.prose)),
    ])
    func recognized(_ head: String, _ name: String, _ kind: FileKind) {
        #expect(FileKind.recognize(head: Array(head.utf8)[...], name: name) == kind)
    }

    @Test func wideTextIsNoBinary() {
        let bytes = "Some text in UTF-16, long enough to tell.".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        #expect(FileKind.recognize(head: bytes[...], name: "a.txt") == .text(.prose))
    }
}

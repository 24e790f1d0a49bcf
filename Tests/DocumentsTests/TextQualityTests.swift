// The part of a page that can be read.

import Documents
import Testing

@Suite struct TextQualityTests {
    private func document(_ pages: [(text: String, notes: [QualityNote])]) -> Document {
        var text = ""
        let pages = pages.enumerated().map { index, page in
            let start = text.utf8.count
            text += page.text
            return DocumentPage(number: index + 1, textRange: start..<text.utf8.count, notes: page.notes)
        }
        return Document(
            sha256: "", path: "a.pdf", format: .pdf, text: text, pages: pages, elements: [], offsets: OffsetMap())
    }

    @Test func unexplainedCharactersCountAgainstAPage() {
        let document = document([
            ("plain text, ä € 漢", []), ("ab\u{FFFD}\u{E001} \n", [.garbled]), ("", [.scan]), ("", [.empty]),
        ])
        #expect(document.pages.map { document.quality(of: $0) } == [1, 0.5, 0, nil])
        #expect(document.quality == 0.5)
        #expect(self.document([("", [.empty])]).quality == nil)
    }
}

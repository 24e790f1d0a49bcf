import Documents
import Testing

@Test func anEmptyDocumentHasNoSegments() {
    let document = Document(
        sha256: "", path: "", format: .text, text: "", pages: [], elements: [], offsets: OffsetMap())
    #expect(Segmenter.segments(of: document).isEmpty)
}

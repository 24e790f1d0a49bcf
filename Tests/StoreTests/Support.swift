// What the tests of the store share: a scratch directory and small documents.

import Documents
import Foundation

@testable import Store

/// A directory that is gone when the test is.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("docproc-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

/// A document of paragraphs, one segment each.
func sample(_ name: String, _ paragraphs: [String], heading: String? = nil) -> (Document, [Segment]) {
    let text = paragraphs.joined(separator: "\n")
    var segments: [Segment] = []
    var elements: [Element] = []
    var start = 0
    for (index, paragraph) in paragraphs.enumerated() {
        let range = start..<start + paragraph.utf8.count
        segments.append(Segment(index: index, textRange: range, page: 1, heading: heading))
        elements.append(Element(kind: .paragraph, textRange: range))
        start = range.upperBound + 1
    }
    let document = Document(
        sha256: hash(name), path: name + ".txt", format: .text, text: text,
        pages: [DocumentPage(number: 1, textRange: 0..<text.utf8.count)], elements: elements,
        offsets: OffsetMap(identity: text.utf8.count))
    return (document, segments)
}

/// 64 hexadecimal digits that stand for a name.
func hash(_ name: String) -> String {
    let digits = name.utf8.map { String($0, radix: 16) }.joined()
    return String((digits + String(repeating: "0", count: 64)).prefix(64))
}

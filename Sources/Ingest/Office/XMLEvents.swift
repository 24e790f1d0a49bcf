// A part of an office document as a flat list of what begins and ends in it.

import CHTML
import Documents

/// A parsed XML document.
struct XMLEvents {
    /// An element begins, ends, or text stands between.
    enum Event {
        case open(Name, attributes: Range<Int>)
        case close(Name)
        /// `raw`: bytes of the source that it stands for; equal ones where both ranges have the same length.
        case text(Range<Int>, raw: Range<Int>)
    }

    /// The name of an element or attribute: short for its namespace, then its local name, such as `w:p`.
    typealias Name = String

    private let names: [Name]
    private let attributes: [cx_attribute]
    private let bytes: [UInt8]
    private let events: [cx_event]

    /// Most events of one document; a long book has a million.
    private static let mostEvents: UInt32 = 20_000_000

    /// Parses a document; the first mistake in it is a failure.
    init(_ source: [UInt8], part: String) throws(ExtractionFailure) {
        var tree = cx_tree()
        source.withUnsafeBufferPointer { cx_parse($0.baseAddress, $0.count, Self.mostEvents, &tree) }
        defer { cx_free(&tree) }
        switch Int(tree.status) {
        case CX_COMPLETE: break
        case CX_OUT_OF_MEMORY: throw ExtractionFailure(.memoryLimit, "\(part) does not fit in memory")
        case CX_TOO_LARGE: throw ExtractionFailure(.tooLarge, "\(part) has too many elements")
        case CX_DECLARES_ENTITIES: throw ExtractionFailure(.malformed, "\(part) declares entities")
        default:
            let message = withUnsafeBytes(of: tree.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw ExtractionFailure(.malformed, "\(part), line \(tree.line): \(message)")
        }
        let bytes = Array(UnsafeBufferPointer(start: tree.bytes, count: tree.byte_count))
        names = UnsafeBufferPointer(start: tree.names, count: tree.name_count).map { name in
            let space = bytes[Int(name.space_start)..<Int(name.space_start + name.space_length)]
            let local = bytes[Int(name.start)..<Int(name.start + name.length)]
            return XMLSpace.short(String(decoding: space, as: UTF8.self)) + String(decoding: local, as: UTF8.self)
        }
        self.bytes = bytes
        attributes = Array(UnsafeBufferPointer(start: tree.attributes, count: tree.attribute_count))
        events = Array(UnsafeBufferPointer(start: tree.events, count: tree.event_count))
    }

    /// Events in the order of the document.
    var indices: Range<Int> { events.indices }

    /// An event.
    subscript(_ index: Int) -> Event {
        let event = events[index]
        let range = Int(event.start)..<Int(event.start) + Int(event.length)
        switch Int(event.kind) {
        case CX_OPEN: return .open(names[Int(event.name)], attributes: range)
        case CX_CLOSE: return .close(names[Int(event.name)])
        default:
            let raw = Int(event.raw)..<Int(event.raw) + Int(event.raw_length)
            // Equal lengths mean equal bytes to whoever reads this.
            let isMisleading = event.exact == 0 && raw.count == range.count
            return .text(range, raw: isMisleading ? raw.lowerBound..<raw.lowerBound : raw)
        }
    }

    /// The text of a range of bytes.
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// An attribute's value.
    func attribute(_ name: Name, in range: Range<Int>) -> String? {
        for attribute in attributes[range] where names[Int(attribute.name)] == name {
            return text(Int(attribute.start)..<Int(attribute.start) + Int(attribute.length))
        }
        return nil
    }

    /// The index behind the end of the element that begins at `index`.
    func end(of index: Int) -> Int {
        var depth = 0
        for at in index..<events.count {
            switch Int(events[at].kind) {
            case CX_OPEN: depth += 1
            case CX_CLOSE: depth -= 1
            default: break
            }
            if depth == 0 { return at + 1 }
        }
        return events.count
    }
}

/// Namespaces by their short names. Office files of the strict kind use other addresses for the same elements.
private enum XMLSpace {
    static func short(_ address: String) -> String {
        if let short = known[address] { return short }
        for (part, short) in parts where address.hasSuffix(part) { return short }
        return ""
    }

    private static let known = [
        "http://purl.org/dc/elements/1.1/": "dc:", "http://purl.org/dc/terms/": "dcterms:",
        "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc:",
        "http://schemas.openxmlformats.org/package/2006/relationships": "",
    ]
    private static let parts = [
        ("/wordprocessingml/main", "w:"), ("/wordprocessingml/2006/main", "w:"), ("/officeDocument/math", "m:"),
        ("/officeDocument/2006/math", "m:"), ("/drawingml/main", "a:"), ("/drawingml/2006/main", "a:"),
        ("/wordprocessingDrawing", "wp:"), ("/officeDocument/2006/relationships", "r:"),
        ("/officeDocument/relationships", "r:"),
    ]
}

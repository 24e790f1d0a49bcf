// A parsed page as one array in document order: each node knows its parent and where its descendants end. Walks are
// loops over indices, so depth costs no stack.

import CHTML

/// A page's elements and texts.
struct HTMLTree {
    /// An element or a text.
    struct Node {
        /// The element's name; nil for text.
        var tag: HTMLTag?
        /// Index of the parent; -1 at the root.
        var parent: Int
        /// Index behind the last descendant.
        var end: Int
        /// Position among the siblings of the same name, from 1.
        var ordinal: Int
        /// Elements above.
        var depth: Int
        /// Text: its bytes in `bytes`. Element: its attributes in `attributes`.
        var range: Range<Int>
        /// Bytes of the source that a text stands for; for elements, empty behind the start tag.
        var raw: Range<Int>
        /// Whether the source's bytes are the text's.
        var isExact: Bool
    }

    /// An attribute of interest.
    struct Attribute {
        var kind: Int
        var range: Range<Int>
    }

    /// Why a page ended before its end.
    enum Shortfall: Equatable {
        case none, outOfMemory, tooLarge, tooManyElements, timeout
    }

    /// All nodes in document order.
    private(set) var nodes: [Node] = []
    /// Attributes of all elements.
    private(set) var attributes: [Attribute] = []
    /// Texts and attribute values, UTF-8.
    private(set) var bytes: [UInt8] = []
    /// Whether the page was read to its end.
    private(set) var shortfall = Shortfall.none

    /// Parses UTF-8.
    init(_ source: [UInt8], milliseconds: Int) {
        let limits = ch_limits(
            events: 30_000_000, depth: 200_000, attribute_bytes: 8192, milliseconds: UInt32(clamping: milliseconds))
        var page = ch_page()
        source.withUnsafeBufferPointer { ch_parse($0.baseAddress, $0.count, limits, &page) }
        defer { ch_page_free(&page) }
        shortfall =
            switch Int(page.status) {
            case CH_COMPLETE: .none
            case CH_OUT_OF_MEMORY: .outOfMemory
            case CH_TOO_LARGE: .tooLarge
            case CH_TIMEOUT: .timeout
            default: .tooManyElements
            }
        bytes = Array(UnsafeBufferPointer(start: page.bytes, count: page.byte_count))
        attributes = UnsafeBufferPointer(start: page.attributes, count: page.attribute_count).map {
            Attribute(kind: Int($0.kind), range: Int($0.start)..<Int($0.start) + Int($0.length))
        }
        build(UnsafeBufferPointer(start: page.events, count: page.event_count))
    }

    private mutating func build(_ events: UnsafeBufferPointer<ch_event>) {
        nodes.reserveCapacity(events.count * 2 / 3)
        let tags = HTMLTag.byID
        var open: [Int] = []
        // For each open element, how often each name occurred among its children.
        var counts: [[(tag: HTMLTag, count: Int)]] = [[]]
        for event in events {
            let range = Int(event.start)..<Int(event.start) + Int(event.length)
            let raw = Int(event.raw)..<Int(event.raw) + Int(event.raw_length)
            switch Int(event.kind) {
            case CH_OPEN:
                let tag = tags[Int(event.name)]
                var ordinal = 1
                if let known = counts[open.count].firstIndex(where: { $0.tag == tag }) {
                    counts[open.count][known].count += 1
                    ordinal = counts[open.count][known].count
                } else {
                    counts[open.count].append((tag, 1))
                }
                nodes.append(
                    Node(
                        tag: tag, parent: open.last ?? -1, end: 0, ordinal: ordinal, depth: open.count, range: range,
                        raw: raw, isExact: false))
                open.append(nodes.count - 1)
                if counts.count == open.count { counts.append([]) } else { counts[open.count].removeAll() }
            case CH_CLOSE:
                if let last = open.popLast() { nodes[last].end = nodes.count }
            default:
                nodes.append(
                    Node(
                        tag: nil, parent: open.last ?? -1, end: nodes.count + 1, ordinal: 0, depth: open.count,
                        range: range, raw: raw, isExact: event.exact != 0))
            }
        }
        for last in open { nodes[last].end = nodes.count }
    }

    /// An attribute's value.
    func attribute(_ kind: Int, of node: Int) -> String? {
        guard nodes[node].tag != nil else { return nil }
        for index in nodes[node].range where attributes[index].kind == kind {
            return String(decoding: bytes[attributes[index].range], as: UTF8.self)
        }
        return nil
    }

    /// The text of a node and its descendants, white space folded, at most `limit` bytes.
    func text(of node: Int, limit: Int = 4096) -> String {
        var result: [UInt8] = []
        for index in node..<nodes[node].end where nodes[index].tag == nil {
            for byte in bytes[nodes[index].range] {
                let isSpace = byte == 0x20 || (0x09...0x0D).contains(byte)
                if !isSpace { result.append(byte) } else if let last = result.last, last != 0x20 { result.append(0x20) }
            }
            if result.count > limit { break }
        }
        if result.last == 0x20 { result.removeLast() }
        return String(decoding: result.prefix(limit), as: UTF8.self)
    }

    /// A path such as `html/body/main/p[3]`; the middle of very deep ones is left out, as `//`.
    func path(of node: Int) -> String {
        var steps: [Int] = []
        var at = node
        while at >= 0, steps.count < 24 {
            if nodes[at].tag != nil { steps.append(at) }
            at = nodes[at].parent
        }
        var path = nodes[node].depth >= 24 ? "//" : ""
        for (place, step) in steps.reversed().enumerated() {
            if place > 0 { path += "/" }
            let tag = nodes[step].tag ?? .other
            path += tag == .other ? attribute(Int(CH_NAME), of: step) ?? "*" : tag.rawValue
            if nodes[step].ordinal > 1 {
                path += "["
                path += String(nodes[step].ordinal)
                path += "]"
            }
        }
        return path
    }
}

// Documents as bytes for the cache: a version byte, then fields in order, integers as variable-length numbers.
//
// Reading a thousand cached documents must take well under a second, which JSON does not allow: most of a document's
// bulk is its text and the places of its words (stored as they are) and its offset runs (stored as differences). A reader
// meets bytes that it can't make sense of with nil, and the caller extracts the document again.

package import Documents

/// Turns documents into bytes and back.
package enum DocumentCodec {
    /// Raised with every change of the layout; bytes of other versions are not read.
    package static let version: UInt8 = 4

    /// The bytes of a document.
    package static func encode(_ document: Document) -> [UInt8] {
        var out = Writer()
        let places = document.elements.reduce(0) { $0 + $1.places.bytes.count }
        out.bytes.reserveCapacity(
            document.text.utf8.count + places + document.elements.count * 24 + document.offsets.runs.count * 6)
        out.bytes.append(version)
        out.string(document.sha256)
        out.string(document.path)
        out.string(document.format.rawValue)
        out.optional(document.title)
        out.count(document.metadata.count)
        for (key, value) in document.metadata.sorted(by: { $0.key < $1.key }) {
            out.string(key)
            out.string(value)
        }
        out.string(document.text)
        out.count(document.pages.count)
        for page in document.pages { out.page(page) }
        out.count(document.elements.count)
        var end = 0
        for element in document.elements { out.element(element, previousEnd: &end) }
        out.count(document.offsets.runs.count)
        var text = 0
        var raw = 0
        for run in document.offsets.runs {
            out.signed(run.text - text)
            out.signed(run.raw - raw)
            out.signed(run.count)
            (text, raw) = (run.text + run.count, run.raw + run.count)
        }
        out.outline(document.outline)
        out.links(document.links)
        out.notes(document.notes)
        return out.bytes
    }

    /// The document of some bytes; nil if they are of another version, cut off or followed by others.
    package static func decode(_ bytes: [UInt8]) -> Document? {
        var input = Reader(bytes: bytes)
        guard let version = input.byte(), version == Self.version, let document = input.document(),
            input.position == bytes.count
        else { return nil }
        return document
    }
}

private struct Writer {
    var bytes: [UInt8] = []

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Zigzag, so that small negative differences stay short.
    mutating func signed(_ value: Int) {
        unsigned(UInt64(bitPattern: Int64(value << 1) ^ Int64(value >> 63)))
    }

    mutating func count(_ value: Int) { unsigned(UInt64(value)) }

    mutating func string(_ text: String) {
        count(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func optional(_ text: String?) {
        bytes.append(text == nil ? 0 : 1)
        if let text { string(text) }
    }

    mutating func double(_ value: Double) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func range(_ range: Range<Int>) {
        signed(range.lowerBound)
        count(range.count)
    }

    mutating func notes(_ notes: [QualityNote]) {
        count(notes.count)
        for note in notes { string(note.rawValue) }
    }

    mutating func outline(_ entries: [OutlineEntry]) {
        count(entries.count)
        for entry in entries {
            signed(entry.level)
            string(entry.title)
            signed(entry.page ?? 0)
        }
    }

    mutating func links(_ links: [Link]) {
        count(links.count)
        var start = 0
        for link in links {
            signed(link.textRange.lowerBound - start)
            count(link.textRange.count)
            start = link.textRange.lowerBound
            switch link.target {
            case .page(let number):
                bytes.append(0)
                signed(number)
            case .address(let address):
                bytes.append(1)
                string(address)
            }
        }
    }

    mutating func page(_ page: DocumentPage) {
        signed(page.number)
        optional(page.label)
        range(page.textRange)
        double(page.width)
        double(page.height)
        notes(page.notes)
    }

    mutating func element(_ element: Element, previousEnd: inout Int) {
        switch element.kind {
        case .heading(let level):
            bytes.append(0)
            signed(level)
        case .paragraph: bytes.append(1)
        case .listItem: bytes.append(2)
        case .tableRow: bytes.append(3)
        case .code: bytes.append(4)
        case .quote: bytes.append(5)
        case .caption: bytes.append(6)
        case .footnote: bytes.append(7)
        case .pageHeader: bytes.append(8)
        case .pageFooter: bytes.append(9)
        case .image: bytes.append(10)
        }
        signed(element.textRange.lowerBound - previousEnd)
        count(element.textRange.count)
        previousEnd = element.textRange.upperBound
        signed(element.page)
        optional(element.path)
        bytes.append(element.hidden ? 1 : 0)
        count(element.places.bytes.count)
        bytes += element.places.bytes
    }
}

private struct Reader {
    let bytes: [UInt8]
    var position = 0

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func unsigned() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let next = byte() else { return nil }
            value |= UInt64(next & 0x7F) << UInt64(shift)
            if next & 0x80 == 0 { return value }
        }
        return nil
    }

    mutating func signed() -> Int? {
        unsigned().map { Int(bitPattern: UInt($0 >> 1)) ^ -Int($0 & 1) }
    }

    /// A number of things that take at least one byte each, hence never more than the bytes that are left.
    mutating func count() -> Int? {
        guard let value = unsigned(), value <= UInt64(bytes.count - position) else { return nil }
        return Int(value)
    }

    mutating func string() -> String? {
        guard let count = count() else { return nil }
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    mutating func optional() -> String?? {
        guard let flag = byte() else { return nil }
        if flag == 0 { return .some(nil) }
        return string().map { .some($0) }
    }

    mutating func double() -> Double? {
        guard position + 8 <= bytes.count else { return nil }
        var pattern: UInt64 = 0
        for index in 0..<8 { pattern |= UInt64(bytes[position + index]) << UInt64(index * 8) }
        position += 8
        return Double(bitPattern: pattern)
    }

    /// Lengths of ranges count characters of the text, not bytes of this input, hence their own bound.
    mutating func range(from base: Int = 0) -> Range<Int>? {
        guard let offset = signed(), let length = unsigned(), length <= UInt64(Int32.max) * 4 else { return nil }
        let (lower, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, lower < Int.max - Int(length) else { return nil }
        return lower..<lower + Int(length)
    }

    mutating func notes() -> [QualityNote]? {
        list { input in input.string().flatMap(QualityNote.init(rawValue:)) }
    }

    mutating func list<T>(_ one: (inout Reader) -> T?) -> [T]? {
        guard let count = count() else { return nil }
        var items: [T] = []
        items.reserveCapacity(count)
        for _ in 0..<count {
            guard let item = one(&self) else { return nil }
            items.append(item)
        }
        return items
    }

    mutating func page() -> DocumentPage? {
        guard let number = signed(), let label = optional(), let range = range(), let width = double(),
            let height = double(), let notes = notes()
        else { return nil }
        return DocumentPage(
            number: number, label: label, textRange: range, width: width, height: height, notes: notes)
    }

    mutating func kind() -> Element.Kind? {
        switch byte() {
        case 0: signed().map { .heading(level: $0) }
        case 1: .paragraph
        case 2: .listItem
        case 3: .tableRow
        case 4: .code
        case 5: .quote
        case 6: .caption
        case 7: .footnote
        case 8: .pageHeader
        case 9: .pageFooter
        case 10: .image
        default: nil
        }
    }

    mutating func places() -> LinePlaces? {
        guard let count = count() else { return nil }
        defer { position += count }
        return LinePlaces(packed: Array(bytes[position..<position + count]))
    }

    mutating func element(previousEnd: inout Int) -> Element? {
        guard let kind = kind(), let range = range(from: previousEnd), let page = signed(), let path = optional(),
            let hidden = byte(), hidden <= 1, let places = places()
        else { return nil }
        previousEnd = range.upperBound
        return Element(kind: kind, textRange: range, page: page, places: places, path: path, hidden: hidden == 1)
    }

    mutating func offsets() -> OffsetMap? {
        guard let count = count() else { return nil }
        var map = OffsetMap()
        var text = 0
        var raw = 0
        for _ in 0..<count {
            guard let textStep = signed(), let rawStep = signed(), let length = signed() else { return nil }
            map.append(text: text &+ textStep, raw: raw &+ rawStep, count: length)
            (text, raw) = (text &+ textStep &+ length, raw &+ rawStep &+ length)
        }
        return map
    }

    mutating func outline() -> [OutlineEntry]? {
        list { input in
            guard let level = input.signed(), let title = input.string(), let page = input.signed() else { return nil }
            return OutlineEntry(level: level, title: title, page: page > 0 ? page : nil)
        }
    }

    mutating func links() -> [Link]? {
        var start = 0
        return list { input in
            guard let range = input.range(from: start), let kind = input.byte() else { return nil }
            start = range.lowerBound
            switch kind {
            case 0: return input.signed().map { Link(textRange: range, target: .page($0)) }
            case 1: return input.string().map { Link(textRange: range, target: .address($0)) }
            default: return nil
            }
        }
    }

    mutating func document() -> Document? {
        guard let sha256 = string(), let path = string(), let format = string().flatMap(DocumentFormat.init(rawValue:)),
            let title = optional(),
            let metadata = list({ input in input.string().flatMap { key in input.string().map { (key, $0) } } }),
            let text = string(), let pages = list({ $0.page() })
        else { return nil }
        var end = 0
        guard let elements = list({ $0.element(previousEnd: &end) }), let offsets = offsets(), let outline = outline(),
            let links = links(), let notes = notes()
        else { return nil }
        return Document(
            sha256: sha256, path: path, format: format, title: title,
            metadata: Dictionary(metadata, uniquingKeysWith: { first, _ in first }), text: text, pages: pages,
            elements: elements, offsets: offsets, outline: outline, links: links, notes: notes)
    }
}

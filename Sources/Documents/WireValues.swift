// How the values inside messages are written: each pair of functions is one type's layout, field by field.

extension WireWriter {
    mutating func write(_ value: ExtractionRequest) {
        string(value.format.rawValue)
        optional(value.pages) { writer, ranges in
            writer.list(ranges) { writer, range in
                writer.integer(range.lowerBound)
                writer.integer(range.upperBound - range.lowerBound)
            }
        }
        optional(value.password) { $0.string($1) }
        write(value.options)
    }

    /// Written in order of keys, so that equal values give equal bytes.
    mutating func write(_ value: [String: String]) {
        list(value.sorted { $0.key < $1.key }) { writer, pair in
            writer.string(pair.key)
            writer.string(pair.value)
        }
    }

    mutating func write(_ value: ExtractedDocument) {
        string(value.extractor)
        optional(value.title) { $0.string($1) }
        write(value.metadata)
        integer(value.pageCount)
        list(value.outline) { writer, entry in
            writer.integer(entry.level)
            writer.string(entry.title)
            writer.optional(entry.page) { $0.integer($1) }
        }
        list(value.notes) { $0.string($1.rawValue) }
        blob(value.content)
    }

    mutating func write(_ value: ExtractedPage) {
        integer(value.number)
        optional(value.label) { $0.string($1) }
        double(value.width)
        double(value.height)
        list(value.blocks) { $0.write($1) }
        list(value.notes) { $0.string($1.rawValue) }
        optional(value.failure) { $0.write($1) }
    }

    mutating func write(_ value: ExtractedBlock) {
        write(value.kind)
        var last = PackedBox()
        list(value.lines) { $0.write($1, after: &last) }
        optional(value.path) { $0.string($1) }
        bool(value.isHidden)
    }

    /// Boxes and sizes are kept to hundredths of a point.
    mutating func write(_ value: ExtractedLine, after last: inout PackedBox) {
        string(value.text)
        bool(value.box != nil)
        if let box = value.box {
            write(PackedBox(box), after: &last)
            blob(value.words.bytes)
        }
        integer(max(WireWriter.whole(value.fontSize * 100), 0))
        optional(value.rawRange) { writer, range in
            writer.integer(range.lowerBound)
            writer.integer(range.count)
        }
        list(value.links) { writer, link in
            writer.integer(link.range.lowerBound)
            writer.integer(link.range.count)
            switch link.target {
            case .page(let number):
                writer.byte(0)
                writer.integer(number)
            case .address(let address):
                writer.byte(1)
                writer.string(address)
            }
        }
    }

    mutating func write(_ value: ExtractionFailure) {
        string(value.reason.rawValue)
        string(value.detail)
    }

    mutating func write(_ value: Element.Kind) {
        switch value {
        case .heading(let level):
            byte(0)
            integer(max(level, 0))
        case .paragraph: byte(1)
        case .listItem: byte(2)
        case .tableRow: byte(3)
        case .code: byte(4)
        case .quote: byte(5)
        case .caption: byte(6)
        case .footnote: byte(7)
        case .pageHeader: byte(8)
        case .pageFooter: byte(9)
        case .image: byte(10)
        }
    }
}

extension WireReader {
    mutating func extractionRequest() throws(WireError) -> ExtractionRequest {
        ExtractionRequest(
            format: try rawValue(),
            pages: try optional { (reader) throws(WireError) in
                try reader.list { (reader) throws(WireError) in
                    let first = try reader.integer(in: 0...Int(Int32.max))
                    return first...(first + (try reader.integer(in: 0...Int(Int32.max))))
                }
            },
            password: try optional { (reader) throws(WireError) in try reader.string() },
            options: try dictionary())
    }

    mutating func dictionary() throws(WireError) -> [String: String] {
        var value: [String: String] = [:]
        for (key, item) in try list({ (reader) throws(WireError) in (try reader.string(), try reader.string()) }) {
            value[key] = item
        }
        return value
    }

    mutating func document() throws(WireError) -> ExtractedDocument {
        ExtractedDocument(
            extractor: try string(),
            title: try optional { (reader) throws(WireError) in try reader.string() },
            metadata: try dictionary(),
            pageCount: try integer(in: 0...Int(Int32.max)),
            outline: try list { (reader) throws(WireError) in
                OutlineEntry(
                    level: try reader.integer(in: 1...1024), title: try reader.string(),
                    page: try reader.optional { (reader) throws(WireError) in
                        try reader.integer(in: 1...Int(Int32.max))
                    })
            },
            notes: try list { (reader) throws(WireError) in try reader.rawValue() },
            content: try blob())
    }

    mutating func page() throws(WireError) -> ExtractedPage {
        ExtractedPage(
            number: try integer(in: 1...Int(Int32.max)),
            label: try optional { (reader) throws(WireError) in try reader.string() },
            width: try double(), height: try double(),
            blocks: try list { (reader) throws(WireError) in try reader.block() },
            notes: try list { (reader) throws(WireError) in try reader.rawValue() },
            failure: try optional { (reader) throws(WireError) in try reader.failure() })
    }

    mutating func block() throws(WireError) -> ExtractedBlock {
        var last = PackedBox()
        return ExtractedBlock(
            kind: try kind(),
            lines: try list { (reader) throws(WireError) in try reader.line(after: &last) },
            path: try optional { (reader) throws(WireError) in try reader.string() },
            isHidden: try bool())
    }

    mutating func line(after last: inout PackedBox) throws(WireError) -> ExtractedLine {
        var line = ExtractedLine(text: try string())
        if try bool() {
            line.box = try box(after: &last).box
            line.words = WordPlaces(packed: try blob())
        }
        line.fontSize = Double(try integer()) / 100
        line.rawRange = try optional { (reader) throws(WireError) in
            let lower = try reader.integer(in: 0...(1 << 48))
            return lower..<(lower + (try reader.integer(in: 0...(1 << 48))))
        }
        let count = line.text.utf8.count
        line.links = try list { (reader) throws(WireError) in
            let lower = try reader.integer(in: 0...count)
            let range = lower..<(lower + (try reader.integer(in: 0...(count - lower))))
            return ExtractedLink(range: range, target: try reader.linkTarget())
        }
        return line
    }

    /// An address that nobody should be shown is refused with all that came with it.
    mutating func linkTarget() throws(WireError) -> LinkTarget {
        let start = offset
        switch try byte() {
        case 0: return .page(try integer(in: 1...Int(Int32.max)))
        case 1:
            guard let target = LinkTarget(address: try string()) else { throw .outOfRange(offset: start) }
            return target
        case let tag: throw .unknownTag(tag, offset: start)
        }
    }

    mutating func failure() throws(WireError) -> ExtractionFailure {
        ExtractionFailure(try rawValue(), try string())
    }

    mutating func kind() throws(WireError) -> Element.Kind {
        let start = offset
        let tag = try byte()
        switch tag {
        case 0: return .heading(level: try integer(in: 0...9))
        case 1: return .paragraph
        case 2: return .listItem
        case 3: return .tableRow
        case 4: return .code
        case 5: return .quote
        case 6: return .caption
        case 7: return .footnote
        case 8: return .pageHeader
        case 9: return .pageFooter
        case 10: return .image
        default: throw .unknownTag(tag, offset: start)
        }
    }

    /// An enum that travels as its name.
    mutating func rawValue<T: RawRepresentable>() throws(WireError) -> T where T.RawValue == String {
        let start = offset
        guard let value = T(rawValue: try string()) else { throw .outOfRange(offset: start) }
        return value
    }
}

// Marks inside a line of Markdown: emphasis, code, links, images, tags, escapes and character references.
//
// Each search for the other half of a mark looks at most `reach` bytes ahead, so the cost stays linear.

import Documents

/// Finds the text between inline marks.
enum MarkdownInline {
    private static let reach = 2000

    /// The runs of text in a range of the file.
    static func runs(_ utf8: [UInt8], _ range: Range<Int>) -> [ExtractedLine] {
        var scan = Scan(utf8: utf8, end: range.upperBound, at: range.lowerBound, start: range.lowerBound)
        while scan.at < range.upperBound { step(&scan) }
        scan.keep(upTo: range.upperBound)
        return scan.runs
    }

    private struct Scan {
        let utf8: [UInt8]
        let end: Int
        var at: Int
        var start: Int
        var runs: [ExtractedLine] = []
        /// Places of closing marks found from their opening ones, with their length.
        var closing: [Int: Int] = [:]

        /// Takes the text up to here.
        mutating func keep(upTo place: Int) {
            guard start < place else { return }
            runs.append(
                ExtractedLine(text: String(decoding: utf8[start..<place], as: UTF8.self), rawRange: start..<place))
            start = place
        }

        /// Leaves out bytes from here.
        mutating func skip(_ count: Int) {
            keep(upTo: at)
            at += count
            start = at
        }

        mutating func replace(_ count: Int, by text: String) {
            keep(upTo: at)
            runs.append(ExtractedLine(text: text, rawRange: at..<at + count))
            at += count
            start = at
        }

        func byte(_ offset: Int) -> UInt8 {
            let place = at + offset
            return place >= 0 && place < end ? utf8[place] : 0x20
        }

        func find(_ needle: String, from place: Int) -> Int? {
            let limit = min(end, place + MarkdownInline.reach)
            guard place < limit else { return nil }
            return utf8[place..<limit].firstRange(of: Array(needle.utf8))?.lowerBound
        }
    }

    private static func step(_ scan: inout Scan) {
        if let length = scan.closing.removeValue(forKey: scan.at) { return scan.skip(length) }
        switch scan.byte(0) {
        case 0x5C where isPunctuation(scan.byte(1)):
            scan.skip(1)
            scan.at += 1
        case 0x60: codeSpan(&scan)
        case 0x2A, 0x5F, 0x7E: emphasis(&scan)
        case 0x21 where scan.byte(1) == 0x5B: scan.skip(1)
        case 0x5B: link(&scan)
        case 0x3C: tag(&scan)
        case 0x26: reference(&scan)
        default: scan.at += 1
        }
    }

    private static func codeSpan(_ scan: inout Scan) {
        var count = 0
        while scan.byte(count) == 0x60 { count += 1 }
        let fence = String(repeating: "`", count: count)
        guard let close = scan.find(fence, from: scan.at + count) else {
            scan.at += count
            return
        }
        scan.skip(count)
        scan.at = close
        scan.keep(upTo: close)
        scan.skip(count)
    }

    private static func emphasis(_ scan: inout Scan) {
        let mark = scan.byte(0)
        var count = 0
        while scan.byte(count) == mark { count += 1 }
        let before = scan.byte(-1)
        let opens = scan.byte(count) > 0x20 && (mark == 0x2A || !isWord(before)) && !(mark == 0x7E && count != 2)
        guard opens, count <= 3 else {
            scan.at += count
            return
        }
        // The same marks again, behind ink.
        let fence = String(repeating: String(UnicodeScalar(mark)), count: count)
        var place = scan.at + count
        while let close = scan.find(fence, from: place) {
            let after = close + count < scan.end ? scan.utf8[close + count] : 0x20
            if scan.utf8[close - 1] > 0x20, close > scan.at + count, mark == 0x2A || !isWord(after) {
                if scan.closing[close] == nil {
                    scan.closing[close] = count
                    scan.skip(count)
                    return
                }
            }
            place = close + count
            if place - scan.at > reach { break }
        }
        scan.at += count
    }

    /// `[text](address)` and `[text][name]`: the text stays.
    private static func link(_ scan: inout Scan) {
        var depth = 0
        var place = scan.at
        let limit = min(scan.end, scan.at + reach)
        while place < limit {
            let byte = scan.utf8[place]
            if byte == 0x5C {
                place += 1
            } else if byte == 0x5B {
                depth += 1
            } else if byte == 0x5D {
                depth -= 1
                if depth == 0 { break }
            }
            place += 1
        }
        guard place < limit, place + 1 < scan.end else {
            scan.at += 1
            return
        }
        var end: Int?
        if scan.utf8[place + 1] == 0x28 {
            end = closingParenthesis(scan, from: place + 1)
        } else if scan.utf8[place + 1] == 0x5B {
            end = scan.find("]", from: place + 2)
        }
        guard let end else {
            scan.at += 1
            return
        }
        scan.closing[place] = end + 1 - place
        scan.skip(1)
    }

    private static func closingParenthesis(_ scan: Scan, from open: Int) -> Int? {
        var depth = 0
        for place in open..<min(scan.end, open + reach) {
            if scan.utf8[place] == 0x28 { depth += 1 }
            if scan.utf8[place] == 0x29 {
                depth -= 1
                if depth == 0 { return place }
            }
        }
        return nil
    }

    /// `<https://…>` keeps its address; other tags and comments go.
    private static func tag(_ scan: inout Scan) {
        let next = scan.byte(1)
        if next == 0x21, let close = scan.find("-->", from: scan.at) { return scan.skip(close + 3 - scan.at) }
        guard isWord(next) || next == 0x2F, let close = scan.find(">", from: scan.at) else {
            scan.at += 1
            return
        }
        let inside = scan.utf8[scan.at + 1..<close]
        if inside.contains(0x3A) || inside.contains(0x40), !inside.contains(0x20), !inside.contains(0x3D) {
            scan.closing[close] = 1
            scan.skip(1)
        } else {
            scan.skip(close + 1 - scan.at)
        }
    }

    private static let references: [(String, String)] = [
        ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&#39;", "'"),
        ("&mdash;", "—"), ("&ndash;", "–"), ("&hellip;", "…"), ("&copy;", "©"),
    ]

    private static func reference(_ scan: inout Scan) {
        let rest = scan.utf8[scan.at..<min(scan.end, scan.at + 10)]
        for (name, text) in references where rest.starts(with: name.utf8) {
            return scan.replace(name.utf8.count, by: text)
        }
        scan.at += 1
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !isWord(byte)
    }
}

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds the citations of answer and summary records: one document of JSON, a list, or one record a line.
enum DraftRecords {
    /// The part of a record that matters here; other fields may come and go.
    private struct Record: Decodable {
        var citations: [Cited]?
        /// Records inside `docproc.answers/1` and `docproc.summaries/1`.
        var answers: [Record]?
        var summaries: [Record]?

        var all: [Cited] { (citations ?? []) + ((answers ?? []) + (summaries ?? [])).flatMap(\.all) }
    }

    private struct Cited: Decodable {
        var doc: String?
        var sha256: String?
        var page: Int?
        var quote: String?
    }

    /// A citation with the line that its quote stands on.
    struct Citation: Equatable {
        var line: Int
        var quote: String
        var doc: String?
        var sha256: String?
        var page: Int?
    }

    /// Whether a text looks like records.
    static func matches(_ draft: String) -> Bool {
        guard let first = draft.first(where: { !$0.isWhitespace }), first == "{" || first == "[" else { return false }
        return !citations(draft).isEmpty || decode(draft) != nil
    }

    /// The citations in order.
    static func citations(_ draft: String) -> [Citation] {
        if let records = decode(draft) {
            return located(records.flatMap(\.all), in: draft, from: 1)
        }
        var found: [Citation] = []
        for (index, line) in draft.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            guard let records = decode(String(line)) else { continue }
            found += located(records.flatMap(\.all), in: String(line), from: index + 1)
        }
        return found
    }

    /// The line, from 1, that is no record although a draft of records was given; nil where all can be read.
    static func fault(_ draft: String) -> Int? {
        if decode(draft) != nil { return nil }
        for (index, line) in draft.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if !line.allSatisfy(\.isWhitespace), decode(String(line)) == nil { return index + 1 }
        }
        return draft.allSatisfy(\.isWhitespace) ? 1 : nil
    }

    private static func decode(_ text: String) -> [Record]? {
        let data = Data(text.utf8)
        let decoder = JSONDecoder()
        if let one = try? decoder.decode(Record.self, from: data) { return [one] }
        return try? decoder.decode([Record].self, from: data)
    }

    /// Finds the line of each quote: the next value of a key "quote" that is spelt like it.
    private static func located(_ cited: [Cited], in text: String, from firstLine: Int) -> [Citation] {
        var values: [(line: Int, value: String)] = []
        let bytes = Array(text.utf8)
        let key = Array("\"quote\"".utf8)
        var line = firstLine
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            guard bytes[index] == UInt8(ascii: "\""), bytes[index...].starts(with: key) else {
                index += 1
                continue
            }
            index += key.count
            while index < bytes.count, bytes[index] == UInt8(ascii: ":") || bytes[index] <= 32 {
                if bytes[index] == UInt8(ascii: "\n") { line += 1 }
                index += 1
            }
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { continue }
            let start = index
            index += 1
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            index = min(index + 1, bytes.count)
            let literal = Data([UInt8(ascii: "[")] + bytes[start..<index] + [UInt8(ascii: "]")])
            if let value = try? JSONDecoder().decode([String].self, from: literal).first {
                values.append((line, value))
            }
        }
        var next = 0
        return cited.map { citation in
            // A citation without words vouches for nothing: it is looked up, and not found.
            let quote = citation.quote ?? ""
            let position = values[next...].firstIndex { $0.value == quote } ?? values.firstIndex { $0.value == quote }
            if let position { next = max(next, position + 1) }
            return Citation(
                line: position.map { values[$0].line } ?? firstLine, quote: quote, doc: citation.doc,
                sha256: citation.sha256, page: citation.page)
        }
    }
}

// The lines of a file, to show what a complaint is about and to measure how far a mark reaches.

/// A file's text cut into lines.
struct SourceText {
    let path: String
    let text: String
    /// Lines without their breaks.
    let lines: [String]
    /// Parts of lines that must not be shown.
    var hidden: [Mark] = []

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }.map(
            String.init)
    }

    func line(_ number: Int) -> String {
        lines.indices.contains(number - 1) ? lines[number - 1] : ""
    }

    /// A line as it may be shown: what looks like a secret is starred out, at the same width.
    func shown(_ number: Int) -> String {
        var scalars = Array(line(number).unicodeScalars)
        for mark in hidden where mark.line == number {
            let end = min(scalars.count, mark.column - 1 + mark.length)
            for index in max(0, mark.column - 1)..<max(end, max(0, mark.column - 1)) { scalars[index] = "*" }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The mark of a scalar that starts at a place: to its closing quote, to its end, at most to the end of the line.
    func mark(line: Int, column: Int, plainText: String?) -> Mark {
        let rest = Array(self.line(line).unicodeScalars.dropFirst(column - 1))
        guard let first = rest.first else { return Mark(line: line, column: column) }
        if let plainText {
            // Text folded over several lines is marked in its first.
            let length = zip(rest, plainText.unicodeScalars).prefix { $0 == $1 }.count
            return Mark(line: line, column: column, length: max(1, length))
        }
        guard first == "\"" || first == "'" else { return Mark(line: line, column: column) }
        var index = 1
        while index < rest.count {
            if rest[index] == "\\", first == "\"" {
                index += 2
                continue
            }
            if rest[index] == first {
                if first == "'", index + 1 < rest.count, rest[index + 1] == "'" {
                    index += 2
                    continue
                }
                return Mark(line: line, column: column, length: index + 1)
            }
            index += 1
        }
        return Mark(line: line, column: column, length: rest.count)
    }

    /// Where a piece of text stands at or behind a place; the place itself if it can't be found.
    func find(_ piece: String, from mark: Mark) -> Mark {
        let wanted = Array(piece.unicodeScalars)
        for number in mark.line...max(mark.line, min(lines.count, mark.line + 200)) {
            let scalars = Array(line(number).unicodeScalars)
            let start = number == mark.line ? mark.column - 1 : 0
            guard scalars.count >= wanted.count + start else { continue }
            for index in start...(scalars.count - wanted.count)
            where scalars[index] == wanted[0] && scalars[index..<index + wanted.count].elementsEqual(wanted) {
                return Mark(line: number, column: index + 1, length: wanted.count)
            }
        }
        return mark
    }
}

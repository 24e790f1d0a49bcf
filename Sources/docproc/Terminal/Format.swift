/// Numbers as people read them: grouped digits, sizes in powers of 1024, durations.
enum Format {
    /// A part of 1 in hundredths, never rounded up to 1.
    static func quality(_ part: Double) -> Double { (part * 100).rounded(.down) / 100 }

    /// `1234567` as `1,234,567`.
    static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { grouped += "," }
            grouped.append(digit)
        }
        return value < 0 ? "-" + grouped : grouped
    }

    /// Bytes as `15.2 GiB`.
    static func bytes(_ value: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var amount = Double(value)
        var unit = 0
        while amount >= 1024, unit < units.count - 1 {
            amount /= 1024
            unit += 1
        }
        return unit == 0 ? "\(value) bytes" : "\(decimal(amount, 1)) \(units[unit])"
    }

    /// A number with a fixed count of decimals.
    static func decimal(_ value: Double, _ places: Int) -> String {
        guard value.isFinite else { return "–" }
        let scale = (0..<places).reduce(1) { product, _ in product * 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % scale)
        return sign + "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// Seconds as `0.8s`, `41s`, `3m20s`, `1h23m`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        if seconds < 10 { return decimal(seconds, 1) + "s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(padded(whole % 60))s" }
        return "\(whole / 3600)h\(padded(whole % 3600 / 60))m"
    }

    /// Seconds as `00:41` or `1:02:03`, for stopwatch columns.
    static func clock(_ seconds: Double) -> String {
        let whole = max(0, Int(seconds.rounded()))
        let minutes = "\(padded(whole / 60 % 60)):\(padded(whole % 60))"
        return whole < 3600 ? minutes : "\(whole / 3600):\(minutes)"
    }

    /// `1 file`, `2 files`.
    static func plural(_ value: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(count(value)) \(value == 1 ? singular : plural ?? singular + "s")"
    }

    /// A share as `93 %`, never rounded up to 100.
    static func percent(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "–" }
        return "\(part * 100 / whole) %"
    }

    /// Text of others, such as the name of a file, as one line that gives a terminal no orders: control characters and
    /// marks of direction are written out.
    static func oneLine(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
        return text.unicodeScalars.reduce(into: "") { line, scalar in
            switch scalar.value {
            case 0x0A: line += "\\n"
            case ..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069:
                line += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: line.unicodeScalars.append(scalar)
            }
        }
    }

    /// Text padded to a width in characters.
    static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return right ? space + text : text + space
    }

    /// Rows as columns two spaces apart; the columns named in `rightAligned` end flush.
    static func table(_ rows: [[String]], rightAligned: Set<Int> = []) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let last = column == row.count - 1
                line +=
                    last && !rightAligned.contains(column)
                    ? cell : pad(cell, widths[column], right: rightAligned.contains(column))
                if !last { line += "  " }
            }
            return line + "\n"
        }.joined()
    }

    private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

// Tokens per second over position as a picture: one SVG file that needs nothing else, readable on light and dark pages.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lines over a logarithmic axis of positions; rates are logarithmic too, as prefill and decode lie far apart.
package struct KVPlot {
    private struct Line {
        var name: String
        var color: String
        var points: [(x: Double, y: Double)]
    }

    private let title: String
    private let lines: [Line]

    private static let (width, height) = (720.0, 400.0)
    private static let (left, right, top, bottom) = (64.0, 96.0, 48.0, 48.0)

    package init(_ report: KVReport, title: String) {
        func line(_ name: String, _ color: String, _ rate: (KVStop) -> Double?) -> Line {
            Line(
                name: name, color: color,
                points: report.stops.compactMap { stop in rate(stop).map { (Double(stop.position), $0) } })
        }
        self.title = title
        lines = [line("prefill", "#2a78d6", \.prefillRate), line("decode", "#d05a2a", \.decodeRate)]
            .filter { !$0.points.isEmpty }
    }

    /// The file.
    package var svg: String {
        let points = lines.flatMap(\.points)
        let positions = Axis(points.map(\.x), base: 2)
        let rates = Axis(points.map(\.y), base: 10)
        func x(_ value: Double) -> Double {
            Self.left + positions.place(value) * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - rates.place(value) * (Self.height - Self.top - Self.bottom)
        }
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(Self.width)) \(Self.number(Self.height))" \
            font-family="sans-serif" font-size="12" role="img">
            <title>\(Self.escaped(title))</title>
            <style>text{fill:#444}.grid{stroke:#8884}@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>
            <text x="\(Self.number(Self.left))" y="24" font-size="14">\(Self.escaped(title))</text>
            <text x="\(Self.number(Self.left))" y="40">tokens per second, by tokens before</text>

            """
        for tick in rates.ticks {
            let at = Self.number(y(tick))
            out += """
                <line class="grid" x1="\(Self.number(Self.left))" x2="\(Self.number(Self.width - Self.right))" \
                y1="\(at)" y2="\(at)"/>
                <text x="\(Self.number(Self.left - 8))" y="\(at)" dy="4" text-anchor="end">\(Self.short(tick))</text>

                """
        }
        for tick in positions.ticks {
            out += """
                <text x="\(Self.number(x(tick)))" y="\(Self.number(Self.height - Self.bottom + 20))" \
                text-anchor="middle">\(Self.tokens(tick))</text>

                """
        }
        for line in lines {
            let places = line.points.map { "\(Self.number(x($0.x))),\(Self.number(y($0.y)))" }
            out += """
                <polyline fill="none" stroke="\(line.color)" stroke-width="2" points="\(places.joined(separator: " "))"/>

                """
            for point in line.points {
                out += """
                    <circle cx="\(Self.number(x(point.x)))" cy="\(Self.number(y(point.y)))" r="4" fill="\(line.color)">\
                    <title>\(line.name) at \(Self.tokens(point.x)): \(Self.short(point.y))</title></circle>

                    """
            }
            if let last = line.points.last {
                out += """
                    <text x="\(Self.number(x(last.x) + 10))" y="\(Self.number(y(last.y)))" dy="4">\
                    \(line.name) \(Self.short(last.y))</text>

                    """
            }
        }
        return out + "</svg>\n"
    }

    /// `2K`, `1M`, or the number.
    static func tokens(_ value: Double) -> String {
        let count = Int(value)
        if count >= 1 << 20, count.isMultiple(of: 1 << 20) { return "\(count >> 20)M" }
        if count >= 1 << 10, count.isMultiple(of: 1 << 10) { return "\(count >> 10)K" }
        return "\(count)"
    }

    /// Three digits.
    private static func short(_ value: Double) -> String {
        value >= 100 || value == value.rounded() ? "\(Int(value.rounded()))" : number(value)
    }

    /// With one decimal.
    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths.isMultiple(of: 10) ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// A logarithmic axis around some values.
struct Axis {
    /// Powers of the base, and between them 2 and 5 times a power of ten.
    let ticks: [Double]

    init(_ values: [Double], base: Double) {
        let least = max(values.min() ?? 1, 1e-3)
        let most = max(values.max() ?? base, least)
        var ticks: [Double] = []
        var power = 1.0
        while power > least { power /= base }
        while power <= most * base {
            ticks += base == 10 ? [power, 2 * power, 5 * power] : [power]
            power *= base
        }
        // One tick on each side.
        let first = ticks.lastIndex { $0 <= least } ?? 0
        let last = max(ticks.firstIndex { $0 >= most } ?? ticks.count - 1, first + 1)
        self.ticks = Array(ticks[first...last])
    }

    /// From 0 to 1 along the axis.
    func place(_ value: Double) -> Double {
        let (first, last) = (log(ticks[0]), log(ticks[ticks.count - 1]))
        return (log(max(value, ticks[0])) - first) / (last - first)
    }
}

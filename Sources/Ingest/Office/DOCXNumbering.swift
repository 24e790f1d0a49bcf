// The numbers that Word sets before paragraphs: a list says how the labels of its levels look, and paragraphs are
// counted as they come. Bullets give no label. See ECMA-376, part 1, 17.9.

import Documents

/// The lists of a document and how far they are counted.
struct DOCXNumbering {
    private struct Level {
        var start = 1
        var format = "decimal"
        /// The label, with `%1` for the number of the first level.
        var text = ""
        /// The level after which this one begins anew; nil for any above, 0 for none.
        var restart: Int?
        var isLegal = false
        /// The style of paragraphs that are on it without saying so.
        var style: String?
    }

    private struct List {
        var abstract = ""
        var starts: [Int: Int] = [:]
        var levels: [Int: Level] = [:]
    }

    private var abstracts: [String: [Int: Level]] = [:]
    /// Lists that say no more than the name of a style that has a list.
    private var styleLinks: [String: String] = [:]
    private var styledAbstracts: [String: String] = [:]
    private var lists: [String: List] = [:]

    /// Numbers of the levels so far, for each definition: lists of the same one count on.
    private var counts: [String: [Int?]] = [:]
    private var begun: Set<String> = []

    /// Levels of a list.
    private static let levels = 9

    /// No lists.
    init() {}

    /// Reads the part that defines lists.
    init(_ xml: XMLEvents) {
        var abstract: String?
        var list: String?
        var level: (number: Int, value: Level, isOverride: Bool)?
        var override: Int?
        for index in xml.indices {
            switch xml[index] {
            case .open(let name, let attributes):
                let value = xml.attribute("w:val", in: attributes)
                switch name {
                case "w:abstractNum": abstract = xml.attribute("w:abstractNumId", in: attributes)
                case "w:styleLink": if let abstract, let value { styledAbstracts[value] = abstract }
                case "w:numStyleLink": if let abstract, let value { styleLinks[abstract] = value }
                case "w:num":
                    list = xml.attribute("w:numId", in: attributes)
                    if let list { lists[list] = List() }
                case "w:abstractNumId": if let list { lists[list]?.abstract = value ?? "" }
                case "w:lvlOverride": override = xml.attribute("w:ilvl", in: attributes).flatMap { Int($0) }
                case "w:startOverride":
                    if let list, let override {
                        lists[list]?.starts[override] = value.flatMap { Int32($0) }.map { Int($0) }
                    }
                case "w:lvl":
                    let number = xml.attribute("w:ilvl", in: attributes).flatMap { Int($0) }
                    level = number.map { ($0, Level(), list != nil) }
                case "w:start": level?.value.start = value.flatMap { Int32($0) }.map { Int($0) } ?? 1
                case "w:numFmt": level?.value.format = value ?? "decimal"
                case "w:lvlText": level?.value.text = value ?? ""
                case "w:lvlRestart": level?.value.restart = value.flatMap { Int($0) }
                case "w:pStyle": level?.value.style = value
                case "w:isLgl": level?.value.isLegal = DOCXStyles.isOn(value)
                default: break
                }
            case .close("w:lvl"):
                guard let found = level, (0..<Self.levels).contains(found.number) else { continue }
                if found.isOverride, let list {
                    lists[list]?.levels[found.number] = found.value
                } else if let abstract {
                    abstracts[abstract, default: [:]][found.number] = found.value
                }
                level = nil
            case .close("w:abstractNum"): abstract = nil
            case .close("w:num"): list = nil
            case .close("w:lvlOverride"): override = nil
            default: break
            }
        }
    }

    /// Counts a paragraph of a list and gives its label, such as `1.2` or `(a)`; nil for bullets and unknown lists.
    /// Where the paragraph names no level, its style does.
    mutating func label(list id: String, level named: Int?, style: String?) -> String? {
        guard let list = lists[id] else { return nil }
        let abstract = styleLinks[list.abstract].flatMap { styledAbstracts[$0] } ?? list.abstract
        let styled = style.flatMap { style in abstracts[abstract]?.first { $0.value.style == style }?.key }
        let level = named ?? styled ?? 0
        guard (0..<Self.levels).contains(level) else { return nil }
        func definition(_ level: Int) -> Level? { list.levels[level] ?? abstracts[abstract]?[level] }
        guard let own = definition(level) else { return nil }
        var numbers = counts[abstract] ?? Array(repeating: nil, count: Self.levels)
        // A list with starts of its own takes them where it begins.
        if begun.insert(id).inserted {
            for (level, start) in list.starts where numbers.indices.contains(level) { numbers[level] = start - 1 }
        }
        numbers[level] = min(numbers[level] ?? (own.start - 1), Int(Int32.max)) + 1
        for deeper in numbers.indices where deeper > level {
            if let restart = definition(deeper)?.restart, restart == 0 || level >= restart { continue }
            numbers[deeper] = nil
        }
        counts[abstract] = numbers
        guard own.format != "bullet" else { return nil }
        var label = ""
        var isPlace = false
        for character in own.text {
            if isPlace, let digit = character.wholeNumberValue, (1...Self.levels).contains(digit) {
                let other = definition(digit - 1)
                let number = numbers[digit - 1] ?? other?.start ?? 1
                label += Self.text(number, own.isLegal ? "decimal" : other?.format ?? "decimal")
            } else if character != "%" {
                label.append(character)
            }
            isPlace = character == "%"
        }
        let shown = label.trimmed
        return shown.isEmpty ? nil : shown
    }

    /// A number as a list shows it; kinds that are not known as digits.
    private static func text(_ number: Int, _ format: String) -> String {
        switch format {
        case "none", "bullet": ""
        case "lowerLetter": letters(number)
        case "upperLetter": letters(number).uppercased()
        case "lowerRoman": roman(number)
        case "upperRoman": roman(number).uppercased()
        case "decimalZero": number < 10 ? "0\(number)" : "\(number)"
        default: "\(number)"
        }
    }

    /// a to z, then aa, bb …
    private static func letters(_ number: Int) -> String {
        guard (1...780).contains(number) else { return "\(number)" }
        let letter = Character(Unicode.Scalar(UInt8(0x61 + (number - 1) % 26)))
        return String(repeating: letter, count: (number - 1) / 26 + 1)
    }

    private static func roman(_ number: Int) -> String {
        guard (1...3999).contains(number) else { return "\(number)" }
        var rest = number
        var text = ""
        let steps = [
            (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
            (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
        ]
        for (value, letters) in steps {
            while rest >= value {
                text += letters
                rest -= value
            }
        }
        return text
    }
}

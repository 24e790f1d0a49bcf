// Regular expressions of `regex:` checks: which are accepted, so that none can run for hours.
//
// Swift's engine backtracks and can't be stopped. A repeated group that can itself match in many ways, such as
// `(a+)+`, takes exponential time on text that almost matches; such patterns are refused, and text is bounded.

import _StringProcessing

/// The rules of patterns.
enum PatternRules {
    /// Longest pattern, in characters.
    static let longest = 500
    /// Text beyond this many characters is not searched.
    static let mostText = 100_000

    /// Why a pattern is refused; nil if it is fine.
    static func problem(_ pattern: String) -> String? {
        if pattern.count > longest { return "longer than \(longest) characters" }
        if repeatsARepetition(pattern) { return "a repeated group must hold neither a repetition nor alternatives" }
        do {
            _ = try Regex(pattern)
            return nil
        } catch {
            return "it can't be read: \(String(describing: error).split(separator: "\n").first ?? "")"
        }
    }

    /// Whether text matches somewhere. Patterns were checked with `problem`; one that can't be read matches nothing.
    static func matches(_ pattern: String, _ text: String) -> Bool {
        guard let regex = try? Regex(pattern) else { return false }
        return text.prefix(mostText).firstMatch(of: regex) != nil
    }

    /// Looks for `( … * … )*` with any of `*`, `+`, `{`, and for alternatives inside a repeated group.
    private static func repeatsARepetition(_ pattern: String) -> Bool {
        let characters = Array(pattern)
        // For each open group: whether it holds a repetition or an alternative.
        var groups: [Bool] = [false]
        var index = 0
        var inClass = false
        func repeats(at index: Int) -> Bool {
            index < characters.count
                && (characters[index] == "*" || characters[index] == "+" || characters[index] == "{")
        }
        while index < characters.count {
            let character = characters[index]
            if character == "\\" {
                index += 2
                continue
            }
            if inClass {
                if character == "]" { inClass = false }
            } else if character == "[" {
                inClass = true
            } else if character == "(" {
                groups.append(false)
            } else if character == ")", groups.count > 1 {
                let isRisky = groups.removeLast()
                if isRisky, repeats(at: index + 1) { return true }
                if isRisky { groups[groups.count - 1] = true }
            } else if character == "*" || character == "+" || character == "{" || character == "|" {
                groups[groups.count - 1] = true
            }
            index += 1
        }
        return false
    }
}

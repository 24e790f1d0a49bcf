// What is wrong with a pipeline or question file: where, which rule, what to write instead.

package import Diagnostics

/// One mistake in a file.
package struct PipelineComplaint: Sendable, Equatable {
    /// The file, as the user wrote it.
    package var path: String
    /// 1-based line.
    package var line: Int
    /// 1-based column, in Unicode scalars.
    package var column: Int
    /// Scalars to mark; at least 1.
    package var length: Int
    /// The rule that was broken.
    package var code: ErrorCode
    /// What is wrong: `unknown key "lenght" in summarize`.
    package var message: String
    /// What to do: `did you mean "length"?`.
    package var suggestion: String?
    /// The line itself, with literals that look like secrets starred out.
    package var sourceLine: String

    /// `DP-YAML-07`.
    package var codeText: String { code.rawValue }

    /// The complaint as in the manual, three lines, without a line break at the end:
    ///
    ///     policies.docproc.yaml:9:35 error[DP-YAML-07]: unknown key "lenght" in summarize, did you mean "length"?
    ///      9 |     summarize: {corpus: policies, lenght: 180 words}
    ///        |                                   ^^^^^^
    package var rendered: String {
        let head = "\(path):\(line):\(column) error[\(codeText)]: \(message)" + (suggestion.map { ", \($0)" } ?? "")
        guard !sourceLine.isEmpty else { return head }
        let number = String(line)
        let gutter = String(repeating: " ", count: number.count)
        // Tabs stay tabs and wide characters take two columns, so that the marks stand below what they mark.
        let before = sourceLine.unicodeScalars.prefix(max(0, column - 1))
        let indent = before.map { $0 == "\t" ? "\t" : String(repeating: " ", count: $0.columns) }.joined()
        let marked = sourceLine.unicodeScalars.dropFirst(max(0, column - 1)).prefix(length)
        let width = max(1, marked.reduce(0) { $0 + $1.columns })
        return "\(head)\n \(number) | \(sourceLine)\n \(gutter) | \(indent)\(String(repeating: "^", count: width))"
    }

    /// The complaint as a user error, for a file with a single one or for JSON.
    package var userError: UserError {
        UserError(
            code, message, places: [.init("file", "\(path):\(line):\(column)")],
            remedies: suggestion.map { [.init($0)] } ?? [])
    }
}

extension Unicode.Scalar {
    /// Columns on a terminal: 0 for combining marks, 2 for East Asian wide characters and emoji, else 1.
    fileprivate var columns: Int {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

// What Yams says of broken YAML, in words that help.

import Diagnostics
import Yams

/// Translates parser errors.
enum YAMLSyntax {
    static func mistake(_ error: any Error, _ source: SourceText) -> Mistake {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            return mistake(context: context, problem: problem, at: mark, source)
        case YamlError.reader(let problem, let offset, let value, _):
            let place = position(of: offset ?? 0, in: source)
            let character = value >= 0 ? " (U+\(String(value, radix: 16, uppercase: true)))" : ""
            return Mistake(
                mark: place, code: .yamlSyntax, message: "\(problem)\(character)", suggestion: "remove this character")
        case YamlError.dataCouldNotBeDecoded:
            return Mistake(
                mark: Mark(line: 1, column: 1), code: .yamlSyntax, message: "the file is not UTF-8",
                suggestion: "save it as UTF-8")
        default:
            return Mistake(mark: Mark(line: 1, column: 1), code: .yamlSyntax, message: "\(error)", suggestion: nil)
        }
    }

    private static func mistake(
        context: YamlError.Context?, problem: String, at mark: Yams.Mark, _ source: SourceText
    ) -> Mistake {
        // An error at the end of the file is shown in its last line with text.
        var place = Mark(line: mark.line, column: mark.column)
        if place.line > source.lines.count || (place.line == source.lines.count && source.line(place.line).isEmpty) {
            let last = source.lines.lastIndex { !$0.isEmpty } ?? 0
            place = Mark(line: last + 1, column: source.line(last + 1).unicodeScalars.count + 1)
        }
        // A stray * or & is where it begins, not where its name should.
        if let context, context.mark.line == place.line,
            context.text.contains("alias") || context.text.contains("anchor")
        {
            place.column = context.mark.column
        }
        let line = source.line(place.line)
        let rest = line.unicodeScalars.dropFirst(place.column - 1)
        let context = context.map { context in
            context.mark.line == place.line ? context.text : "\(context.text) of line \(context.mark.line)"
        }
        let suggestion = suggestion(
            problem: problem, context: context ?? "", line: line, before: line.unicodeScalars.prefix(place.column - 1),
            next: rest.first)
        if suggestion == unquotedVariable { place = source.find("${", from: Mark(line: place.line, column: 1)) }
        let message = ([problem] + (context.map { [$0] } ?? [])).joined(separator: " ")
        return Mistake(
            mark: place, code: .yamlSyntax, message: message,
            suggestion: suggestion)
    }

    private static let unquotedVariable = "put quotes around \"${…}\" inside {} and []"

    private static func suggestion(
        problem: String, context: String, line: String, before: String.UnicodeScalarView.SubSequence,
        next: Unicode.Scalar?
    ) -> String? {
        if line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
            return "indent with spaces, not tabs"
        }
        if line.contains("${"), problem.contains("expected"), line.contains(where: { $0 == "{" || $0 == "[" }) {
            return unquotedVariable
        }
        if problem.contains("mapping values are not allowed") {
            // Behind the first word of a line it is not the text that is wrong.
            if !before.drop(while: { $0 == " " || $0 == "-" }).contains(" ") {
                return "check the indentation: keys of one mapping start in one column"
            }
            return "put quotes around text that contains \": \", or write it below a |"
        }
        if problem.contains("expected ',' or '}'") { return "is a comma or a closing } missing?" }
        if problem.contains("expected ',' or ']'") { return "is a comma or a closing ] missing?" }
        if problem.contains("could not find expected ':'") { return "is a \":\" missing behind the key?" }
        if problem.contains("end of stream") && context.contains("quoted") { return "close the quote" }
        if problem.contains("alias") || context.contains("alias") {
            return "put quotes around text that begins with *"
        }
        if context.contains("anchor") { return "put quotes around text that begins with &" }
        if problem.contains("cannot start any token"), let next {
            return "put quotes around text that begins with \(next)"
        }
        if problem.contains("another document") { return "keep one document, without a second ---" }
        if problem.contains("did not find expected key") || problem.contains("'-' indicator")
            || problem.contains("block sequence entries are not allowed")
        {
            return "check the indentation: keys of one mapping start in one column"
        }
        return nil
    }

    private static func position(of offset: Int, in source: SourceText) -> Mark {
        var left = offset
        for (index, line) in source.lines.enumerated() {
            if left <= line.count { return Mark(line: index + 1, column: left + 1) }
            left -= line.count + 1
        }
        return Mark(line: max(1, source.lines.count), column: 1)
    }
}

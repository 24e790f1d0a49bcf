// Collects complaints while a file is read, each with its source line.

import Diagnostics

/// A mistake before its source line is attached.
struct Mistake {
    var mark: Mark
    var code: ErrorCode
    var message: String
    var suggestion: String?
}

/// The mistakes of one file.
struct ComplaintList {
    private(set) var mistakes: [Mistake] = []

    var isEmpty: Bool { mistakes.isEmpty }

    mutating func add(_ code: ErrorCode, _ mark: Mark, _ message: String, _ suggestion: String? = nil) {
        mistakes.append(Mistake(mark: mark, code: code, message: message, suggestion: suggestion))
    }

    /// Everything, by line, column and code, each once.
    func sorted(in source: SourceText) -> [PipelineComplaint] {
        var complaints = mistakes.map { mistake in
            PipelineComplaint(
                path: source.path, line: mistake.mark.line, column: mistake.mark.column, length: mistake.mark.length,
                code: mistake.code, message: mistake.message, suggestion: mistake.suggestion,
                sourceLine: source.shown(mistake.mark.line))
        }
        complaints.sort { one, other in
            (one.line, one.column, one.code.rawValue, one.message)
                < (other.line, other.column, other.code.rawValue, other.message)
        }
        return complaints.reduce(into: []) { kept, next in
            if kept.last != next { kept.append(next) }
        }
    }
}

import Diagnostics
import Pipeline
import Runs

/// All that is wrong with a pipeline or question file, at once.
struct Complaints: Error {
    var list: [PipelineComplaint]

    /// The lines for standard error: each with its place, the line and the mark below it.
    var text: String {
        list.map(\.rendered).joined(separator: "\n") + "\n" + Format.plural(list.count, "mistake") + " (exit 2)"
    }

    /// `docproc.validation/1`.
    var record: JSONValue {
        .fields([
            "schema": "docproc.validation/1", "valid": false,
            "mistakes": .array(
                list.map {
                    .fields([
                        "file": .string($0.path), "line": .int($0.line), "column": .int($0.column),
                        "code": .string($0.code.rawValue), "message": .string($0.message),
                        "suggestion": $0.suggestion.map { .string($0) } ?? .null,
                    ])
                }),
        ])
    }
}

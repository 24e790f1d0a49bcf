import ArgumentParser
import Diagnostics
import Hashing
import Runs
import Store

/// Turns whatever a command threw into the one shape that users see.
enum ErrorReport {
    /// The user's view of an error; what nobody translated is our own mistake.
    static func userError(_ error: any Error, stop: StopReason?) -> UserError {
        if let stop { return stop.error }
        switch error {
        case let error as UserError: return error
        case let error as StoreError: return error.userError
        case is CancellationError: return StopReason.interrupted.error
        case let error as ValidationError: return UserError(.badFlag, error.message)
        default:
            return UserError(
                .internalError, "unexpected error: \(error)",
                remedies: [.init("--verbose", "repeat the command with more output, and report it")])
        }
    }

    /// The lines for standard error.
    ///
    /// - Parameter stop: set when the command was at work already.
    static func text(_ error: UserError, style: Style, stop: StopReason? = nil) -> String {
        var lines = [style.red("error[\(error.code.rawValue)]:") + " " + Format.oneLine(error.cause)]
        lines += error.places.map { "  \($0.label): \(Format.oneLine($0.value))" }
        let width = error.remedies.map(\.action.count).max() ?? 0
        for (index, remedy) in error.remedies.enumerated() {
            let action =
                remedy.effect.isEmpty ? remedy.action : Format.pad(remedy.action, min(width, 40)) + "  " + remedy.effect
            lines.append((index == 0 ? "  try:    " : "          ") + action)
        }
        if refusals.contains(error.code), stop == nil {
            lines.append("nothing was started (exit \(error.exit.rawValue))")
        }
        return lines.joined(separator: "\n")
    }

    /// Errors found before any work.
    private static let refusals: Set<ErrorCode> = [.questionTooLong, .windowTooLarge, .memoryLimit]

    /// The record `docproc.error/1`.
    static func record(_ error: UserError) -> JSONValue {
        .fields([
            "schema": "docproc.error/1", "code": .string(error.code.rawValue), "exit": .int(Int(error.exit.rawValue)),
            "cause": .string(error.cause),
            "places": .array(
                error.places.map { .fields(["label": .string($0.label), "value": .string($0.value)]) }),
            "remedies": .array(
                error.remedies.map { .fields(["action": .string($0.action), "effect": .string($0.effect)]) }),
        ])
    }
}

/// Ends a command with a status although nothing was thrown by its parts: the result has been printed and says why.
struct EndWith: Error {
    /// The exit status.
    var status: ExitStatus
    /// One line for standard error.
    var note: String?
}

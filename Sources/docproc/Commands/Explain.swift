import ArgumentParser
import Diagnostics
import Runs

/// `explain CODE`: the long form of an error.
struct ExplainCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain an error code; without one, list all.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("Such as DP-CTX-02.", valueName: "code"))
    var code: String?

    func run(in context: CommandContext) async throws {
        guard let code else {
            let rows = ErrorCode.allCases.map { [$0.rawValue, "exit \($0.exit.rawValue)", $0.explanation.title] }
            return try context.print(
                .fields(["schema": "docproc.explain/1", "codes": .array(ErrorCode.allCases.map(record))]),
                text: Format.table(rows))
        }
        guard let known = ErrorCode(rawValue: code.uppercased()) else {
            let near = Spelling.nearest(to: code.uppercased(), in: ErrorCode.allCases.map(\.rawValue))
            throw UserError(
                .unknownCode, "there is no error \(code)" + (near.map { ", did you mean \($0)?" } ?? ""),
                remedies: [.init("docproc explain", "lists all codes")])
        }
        let explanation = known.explanation
        try context.print(
            record(known),
            text: "\(known.rawValue): \(explanation.title) (exit \(known.exit.rawValue))\n\n\(explanation.text)\n")
    }

    private func record(_ code: ErrorCode) -> JSONValue {
        .fields([
            "schema": "docproc.explain/1", "code": .string(code.rawValue), "exit": .int(Int(code.exit.rawValue)),
            "title": .string(code.explanation.title), "text": .string(code.explanation.text),
        ])
    }
}

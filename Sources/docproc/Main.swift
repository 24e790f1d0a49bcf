// The start of the program: parses the command line and maps every outcome to the exit codes of the product.

import ArgumentParser
import Diagnostics
import Glibc
import Ingest
import Runs
import SystemPackage

@main
enum Program {
    static func main() async {
        let streams = StandardStreams.prepare()
        if CommandLine.arguments.dropFirst().first == WorkerMode.html { exit(HTMLWorkerMain.run()) }
        exit(await status(Array(CommandLine.arguments.dropFirst()), streams: streams).rawValue)
    }

    private static func status(_ arguments: [String], streams: StandardStreams) async -> ExitStatus {
        var parsed: any ParsableCommand
        do {
            parsed = try Docproc.parseAsRoot(arguments.first == "-V" ? ["--version"] : arguments)
        } catch {
            return usage(error, arguments: arguments, streams: streams)
        }
        guard let command = parsed as? any DocprocCommand else {
            // `help`, and groups such as `models`, answer by asking for a help text.
            do { try parsed.run() } catch { return usage(error, arguments: arguments, streams: streams) }
            return .success
        }
        let runner = CommandRunner(
            streams: streams, environment: Environment.all, workingDirectory: Environment.workingDirectory)
        return await runner.run(command)
    }

    /// Help and version go to standard output; everything else is a mistake on the command line.
    private static func usage(_ error: any Error, arguments: [String], streams: StandardStreams) -> ExitStatus {
        let output = ResultOutput(streams: streams)
        if Docproc.exitCode(for: error) == .success {
            do { try output.line(Docproc.fullMessage(for: error)) } catch is OutputClosed {} catch { return .refused }
            return .success
        }
        let mistake = mistake(error, arguments: arguments)
        if arguments.contains("--json") || arguments.contains("--jsonl") {
            try? output.line(ErrorReport.record(mistake).line)
        }
        let color = ColorMode.auto.enabled(isTerminal: streams.errorIsTerminal, environment: Environment.all)
        _ = try? FileDescriptor.standardError.writeAll(
            (ErrorReport.text(mistake, style: Style(enabled: color)) + "\n").utf8)
        return mistake.exit
    }

    private static func mistake(_ error: any Error, arguments: [String]) -> UserError {
        let commands = Docproc.commandNames
        if let first = arguments.first, !first.hasPrefix("-"), !commands.contains(first) {
            let near = Spelling.nearest(to: first, in: commands)
            return UserError(
                .badFlag, "there is no command \"\(first)\"" + (near.map { ", did you mean \"\($0)\"?" } ?? ""),
                remedies: [.init("docproc help", "lists the commands")])
        }
        let usage = Docproc.fullMessage(for: error).split(separator: "\n").first { $0.hasPrefix("Usage: ") }
        return UserError(
            .badFlag, Docproc.message(for: error),
            places: usage.map { [.init("usage", String($0.dropFirst("Usage: ".count)))] } ?? [],
            remedies: [.init("docproc help", "lists the commands"), .init("--help", "lists the flags of a command")])
    }
}

/// The process's surroundings, read once at the start.
enum Environment {
    /// All variables.
    static var all: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }

    /// The working directory; `.` where it has no name any more.
    static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }
}

/// Hidden modes in which docproc works for another docproc; not in the command table, as nobody types them.
enum WorkerMode {
    /// Reads HTML from a pipe.
    static let html = "__extract-html"
}

import ArgumentParser
import Diagnostics
import Runs
import Store
import SystemPackage

/// A command of docproc: its flags as settings, its work with everything it needs handed in.
protocol DocprocCommand: ParsableCommand, Sendable {
    var global: GlobalOptions { get }
    /// The other groups whose flags stand for settings.
    var settingFlags: [any SettingFlags] { get }
    /// Whether `--jsonl` was given.
    var wantsEvents: Bool { get }
    /// Whether `run` sees to `--output` itself, because it is not one file written at the end.
    var ownsOutput: Bool { get }
    /// Does the work.
    func run(in context: CommandContext) async throws
}

extension DocprocCommand {
    var settingFlags: [any SettingFlags] { [] }
    var wantsEvents: Bool { false }
    var ownsOutput: Bool { false }
}

/// What a command works with: settings, where results and words go, and when to stop.
struct CommandContext: Sendable {
    var settings: Settings
    let environment: [String: String]
    let workingDirectory: String
    let streams: StandardStreams
    let output: ResultOutput
    let narrator: Narrator
    let stop: StopControl
    /// Whether `--json` was given.
    let json: Bool
    /// Whether settings or options allow questions, and somebody could answer them.
    var mayAsk: Bool {
        settings.isOn(SettingKey.input) && streams.inputIsTerminal && streams.errorIsTerminal
    }
    /// The folders of this user.
    var places: Places {
        var places = Places(environment: environment, cacheDirectory: settings.text(SettingKey.cacheDirectory))
        if let models = settings.text(SettingKey.modelsDirectory) { places.models = models }
        return places
    }
    /// Style of text on standard output.
    var outputStyle: Style {
        let mode = settings.text(SettingKey.color).flatMap { ColorMode(rawValue: $0) } ?? .auto
        return Style(enabled: mode.enabled(isTerminal: streams.outputIsTerminal, environment: environment))
    }

    /// Prints a record as the one JSON document, or a text.
    func print(_ record: @autoclosure () throws -> JSONValue, text: @autoclosure () throws -> String) throws {
        if json {
            try output.line(try record().pretty)
        } else {
            try output.write(try text())
        }
    }

    /// A line that somebody types; nil at the end of input.
    func readLine(prompt: String) -> String? {
        narrator.clearLine()
        _ = try? FileDescriptor.standardError.writeAll(prompt.utf8)
        return stop.whileWaiting { Swift.readLine(strippingNewline: true) }
    }

    /// Asks a question that is answered by yes or no.
    func confirm(_ question: String) -> Bool {
        narrator.clearLine()
        let answer = readLine(prompt: question + " [y/N] ")?.lowercased() ?? ""
        return answer == "y" || answer == "yes"
    }
}

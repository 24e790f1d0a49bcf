import ArgumentParser
import Diagnostics
import Glibc
import Pipeline
import Runs
import SystemPackage

/// Runs one parsed command: settings, streams, signals before; errors and exit status after.
struct CommandRunner {
    let streams: StandardStreams
    let environment: [String: String]
    let workingDirectory: String

    /// The exit status.
    func run(_ command: any DocprocCommand) async -> ExitStatus {
        let stop = StopControl()
        var output = ResultOutput(streams: streams)
        let settings: Settings
        let narrator: Narrator
        do {
            let loader = SettingsLoader(environment: environment, workingDirectory: workingDirectory)
            settings = try loader.load(
                flags: command.global.settings + command.settingFlags.flatMap(\.settings),
                assignments: command.global.set, file: command.global.config)
            narrator = try makeNarrator(settings, command.global)
            if let path = command.global.output, !command.ownsOutput { output = try ResultOutput(path: path) }
        } catch {
            return report(ErrorReport.userError(error, stop: nil), command, output: output, narrator: nil, stop: nil)
        }
        let started = ContinuousClock.now
        stop.listen(narrator: narrator) { "running for \(Format.duration(Self.seconds(since: started)))" }
        if let limit = settings.number(SettingKey.maxTime) {
            stop.limitTime(seconds: limit, label: settings.text(SettingKey.maxTime) ?? "")
        }
        if let limit = settings.integer(SettingKey.memory) { stop.limitMemory(bytes: limit) }
        let context = CommandContext(
            settings: settings, environment: environment, workingDirectory: workingDirectory, streams: streams,
            output: output, narrator: narrator, stop: stop, json: command.global.json || command.wantsEvents)
        let task = Task { try await command.run(in: context) }
        stop.onStop { task.cancel() }
        do {
            try await task.value
            if let reason = stop.reason { throw reason.error }
            try output.finish()
            narrator.clearLine()
            return .success
        } catch is OutputClosed {
            output.abandon()
            narrator.clearLine()
            return .success
        } catch let complaints as Complaints {
            narrator.end()
            return report(
                complaints, output: output, json: command.global.json || command.wantsEvents, narrator: narrator)
        } catch let end as EndWith {
            narrator.end()
            if let note = end.note { narrator.say(note) }
            do { try output.finish() } catch {
                return report(error, command, output: output, narrator: narrator, stop: nil)
            }
            return end.status
        } catch {
            narrator.end()
            if stop.reason == .outputClosed {
                output.abandon()
                return .success
            }
            return report(
                ErrorReport.userError(error, stop: stop.reason), command, output: output, narrator: narrator,
                stop: stop.reason)
        }
    }

    private func report(
        _ error: UserError, _ command: any DocprocCommand, output: ResultOutput, narrator: Narrator?,
        stop: StopReason?
    ) -> ExitStatus {
        output.abandon()
        var error = error
        if error.code == .internalError, let path = CrashReport.write(error, command: command, environment: environment)
        {
            error.places.append(.init("report", path))
        }
        if command.global.json || command.wantsEvents {
            let record = ErrorReport.record(error)
            try? ResultOutput(streams: streams).line(command.wantsEvents ? record.line : record.pretty)
        }
        let style = narrator?.style ?? plainStyle()
        let text = ErrorReport.text(error, style: style, stop: stop)
        if let narrator {
            narrator.say(text, plain: ErrorReport.text(error, style: Style(enabled: false), stop: stop))
        } else {
            _ = try? FileDescriptor.standardError.writeAll((text + "\n").utf8)
        }
        return error.exit
    }

    /// All mistakes of a file at once, each with its own place.
    private func report(_ complaints: Complaints, output: ResultOutput, json: Bool, narrator: Narrator) -> ExitStatus {
        output.abandon()
        if json { try? ResultOutput(streams: streams).line(complaints.record.line) }
        if environment["GITHUB_ACTIONS"] != nil {
            for line in GitHubReport.annotations(complaints.list) { narrator.say(line) }
        }
        narrator.say(complaints.text)
        return .usage
    }

    private func plainStyle() -> Style {
        Style(enabled: ColorMode.auto.enabled(isTerminal: streams.errorIsTerminal, environment: environment))
    }

    private func makeNarrator(_ settings: Settings, _ global: GlobalOptions) throws(UserError) -> Narrator {
        let color = settings.text(SettingKey.color).flatMap { ColorMode(rawValue: $0) } ?? .auto
        let style = Style(enabled: color.enabled(isTerminal: streams.errorIsTerminal, environment: environment))
        var mode = settings.text(SettingKey.progress).flatMap { ProgressMode(rawValue: $0) } ?? .auto
        // Without a cursor to move there is nothing to redraw.
        if mode == .auto, environment["TERM"] == "dumb" { mode = .plain }
        var options = Narrator.Options(mode: mode, style: style, quiet: global.quiet, verbose: global.verbose)
        options.memoryLimit = settings.integer(SettingKey.memory)
        if let path = global.logFile {
            do {
                options.logFile = try FileDescriptor.open(
                    FilePath(path), .writeOnly, options: [.create, .append, .closeOnExec],
                    permissions: [.ownerReadWrite])
            } catch {
                throw UserError(
                    .noPermission, "the log file could not be opened: \(error)", places: [.init("file", path)])
            }
        }
        let narrator = Narrator(options: options, isTerminal: streams.errorIsTerminal)
        if global.verbose {
            for (name, value) in settings.values.sorted(by: { $0.key < $1.key }) where value.origin != .builtIn {
                narrator.detail("setting \(name) = \(value.text) from \(value.origin.description)")
            }
        }
        return narrator
    }

    private static func seconds(since instant: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - instant).inSeconds
    }
}

extension Duration {
    /// Whole and fractional seconds.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

import ArgumentParser
import Diagnostics
import Hashing
import Pipeline
import Runs
import Store
import SystemPackage

/// `run`: runs a pipeline file.
struct RunCommand: DocprocCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Run a pipeline file.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var parameters: PipelineParameters
    @OptionGroup var model: ModelOptions
    @OptionGroup var resources: ResourceOptions
    @OptionGroup var sampling: SamplingFlags
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var storing: StoreOptions
    @Flag(name: .long, help: "Compute everything anew.")
    var fresh = false
    @Flag(name: .long, help: "Write the baseline files instead of comparing with them.")
    var updateBaseline = false
    @Flag(name: .long, help: "Print one event per line as work proceeds.")
    var jsonl = false
    @Argument(help: ArgumentHelp("A pipeline file.", valueName: "file"))
    var file: String

    var settingFlags: [any SettingFlags] { [model, resources, sampling, progress, storing] }
    var wantsEvents: Bool { jsonl }

    func run(in context: CommandContext) async throws {
        let definition = try PipelineFile.read(file, parameters: parameters, context: context, strict: true)
        let store = try StoreAccess.open(context)
        var manifest = RunManifest(
            command: "run", arguments: [file],
            inputs: [.init(path: file, sha256: try? ContentHash.ofFile(FilePath(file)).hex, bytes: 0)],
            versions: [.init("docproc", .string(Docproc.version))])
        let folder: RunFolder?
        do {
            folder =
                context.settings.isOn(SettingKey.store)
                ? try RunFolder(in: context.places.runs, manifest: manifest) : nil
        } catch {
            throw error.userError
        }
        if let seconds = definition.limits.seconds, context.settings.value(SettingKey.maxTime) == nil {
            context.stop.limitTime(seconds: seconds, label: Format.duration(seconds))
        }
        if let memory = definition.limits.memory, context.settings.value(SettingKey.memory) == nil {
            context.stop.limitMemory(bytes: memory)
        }
        let executor = PipelineExecutor(context: context, store: store, fresh: fresh, limits: definition.limits)
        let output = jsonl ? context.output : nil
        let runner = PipelineRunner(
            definition: definition, executor: executor, folder: folder, environment: context.environment,
            updatesBaseline: updateBaseline
        ) { event in
            do { try output?.line(event.line) } catch { context.stop.stop(.outputClosed) }
        }
        let report = try await runner.run()
        manifest.exit = Int(report.exit.rawValue)
        do { try folder?.write(manifest) } catch { throw error.userError }
        for warning in report.warnings { context.narrator.warn(warning) }
        if !jsonl { try context.print(report.json, text: text(report, style: context.outputStyle)) }
        if context.environment["GITHUB_ACTIONS"] != nil {
            for line in GitHubReport.annotations(report) { context.narrator.say(line) }
        }
        context.narrator.detail("run \(folder?.id ?? "not kept")")
        guard report.exit != .success else { return }
        throw EndWith(status: report.exit, note: closing(report, style: context.narrator.style))
    }

    private func closing(_ report: PipelineReport, style: Style) -> String {
        for step in report.steps {
            if case .failed(let error) = step.outcome { return ErrorReport.text(error, style: style) }
        }
        let checks = report.checks.count { !$0.passed }
        let records = report.steps.reduce(0) { $0 + $1.failures.count }
        return checks > 0
            ? "\(checks) of \(Format.plural(report.checks.count, "check")) failed (exit 7)"
            : "\(Format.plural(records, "record")) failed (exit 6)"
    }

    private func text(_ report: PipelineReport, style: Style) -> String {
        var lines: [String] = []
        for step in report.steps {
            let passed = step.checks.count { $0.passed }
            let word: String
            switch step.outcome {
            case .done:
                word =
                    passed == step.checks.count && step.failures.isEmpty ? style.green("ok     ") : style.red("failed ")
            case .failed: word = style.red("stopped")
            case .skipped(let reason): word = style.yellow("skipped") + " (\(reason))"
            }
            lines.append(
                "\(word) \(step.id)  \(Format.plural(step.records.count, "record"))  checks \(passed)/\(step.checks.count)"
            )
            for (id, reason) in step.failures.sorted(by: { $0.key < $1.key }) {
                lines.append("        \(id): \(reason)")
            }
            for check in step.checks where !check.passed {
                let place = check.line > 0 ? "\(check.file):\(check.line) " : ""
                lines.append("        \(place)\(check.record.map { $0 + " " } ?? "")\(check.name): \(check.message)")
            }
        }
        lines += report.outputs.map { "wrote   \($0)" }
        return lines.map { $0 + "\n" }.joined()
    }
}

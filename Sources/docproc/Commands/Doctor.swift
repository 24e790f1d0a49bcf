import ArgumentParser
import Diagnostics
import Inference
import Ingest
import Kernels
import Networking
import Runs
import Store
import Weights

/// `doctor`: looks at this machine and installation, with one way out per problem.
struct DoctorCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check this machine and installation.")

    @OptionGroup var global: GlobalOptions

    func run(in context: CommandContext) async throws {
        let findings = await Examination(context: context).findings()
        let style = context.outputStyle
        try context.print(
            .fields([
                "schema": "docproc.doctor/1", "version": .string(Docproc.version),
                "findings": .array(
                    findings.map {
                        .fields([
                            "status": .string($0.status.rawValue), "subject": .string($0.subject),
                            "text": .string($0.text),
                            "fix": $0.fix.map { .string($0) } ?? .null,
                        ])
                    }),
            ]),
            text: findings.map { finding in
                let word = Format.pad(finding.status.rawValue, 5)
                let colored =
                    switch finding.status {
                    case .ok: style.green(word)
                    case .warn: style.yellow(word)
                    case .fail: style.red(word)
                    }
                return colored + " " + Format.pad(finding.subject, 8) + " " + finding.text
                    + (finding.fix.map { "   → \($0)" } ?? "") + "\n"
            }.joined())
        let failed = findings.count { $0.status == .fail }
        if failed > 0 {
            throw EndWith(status: .checkFailed, note: "\(Format.plural(failed, "problem")) found (exit 7)")
        }
    }
}

/// One line of `doctor`.
struct Finding: Sendable {
    enum Status: String, Sendable { case ok, warn, fail }
    var status: Status
    var subject: String
    var text: String
    var fix: String?
}

/// The checks behind `doctor`.
private struct Examination {
    let context: CommandContext

    func findings() async -> [Finding] {
        [processor, memory, disk, models] + modelFiles + [await worker, fonts, settings, terminal, network]
    }

    private var processor: Finding {
        let features = Machine.processorFeatures.joined(separator: " ")
        let best = KernelSet.best().name
        let text =
            "\(features.isEmpty ? "baseline" : features) · \(Format.plural(Machine.cores, "core")) · kernels \(best)"
        return best == "portable"
            ? Finding(
                status: .warn, subject: "cpu", text: text + ": no SIMD kernels fit, everything will be slow",
                fix: "a processor with AVX2")
            : Finding(status: .ok, subject: "cpu", text: text)
    }

    private var memory: Finding {
        let total = Machine.groupMemoryLimit ?? Machine.memory
        let available = Machine.availableMemory ?? total
        let group = Machine.groupMemoryLimit.map { " · limit of the control group \(Format.bytes($0))" } ?? ""
        let text = "\(Format.bytes(available)) available of \(Format.bytes(Machine.memory))\(group)"
        return available < 1 << 30
            ? Finding(
                status: .warn, subject: "memory", text: text, fix: "--model smollm2-135m-instruct needs the least")
            : Finding(status: .ok, subject: "memory", text: text)
    }

    private var disk: Finding {
        let folder = context.places.cache
        do {
            try PrivateDirectory.create(folder)
        } catch {
            return Finding(
                status: .fail, subject: "disk", text: "the cache \(folder) cannot be used: \(error.userError.cause)",
                fix: "--cache-dir DIR, or --no-store")
        }
        let free = Machine.freeDisk(at: folder) ?? 0
        let text = "\(Format.bytes(free)) free for the cache in \(folder)"
        return free < 1 << 30
            ? Finding(status: .warn, subject: "disk", text: text, fix: "docproc cache prune")
            : Finding(status: .ok, subject: "disk", text: text)
    }

    private var models: Finding {
        let store = ModelStore(directory: context.places.models)
        let stored = store.list()
        guard !stored.isEmpty else {
            return Finding(
                status: .warn, subject: "models", text: "none in \(store.directory)",
                fix: "docproc models pull \(context.settings.text(SettingKey.model) ?? "NAME")")
        }
        return Finding(
            status: .ok, subject: "models", text: stored.map(\.name).joined(separator: ", ") + " in \(store.directory)")
    }

    /// The model of the settings: there, readable, of a kind that runs.
    private var modelFiles: [Finding] {
        let name = context.settings.text(SettingKey.model) ?? ""
        do {
            let loader = ModelLoader(context: context)
            let files = try loader.files()
            let description = try Engine.describe(files)
            let options = try loader.options(for: files)
            let plan = try loader.plan(files, options: options)
            let available = context.settings.integer(SettingKey.memory) ?? Machine.availableMemory ?? Int.max
            let text =
                "\(name): \(description.architecture) \(description.quantization), template \(description.templateName), "
                + "up to \(Format.bytes(plan.totalBytes)) of memory"
            if plan.totalBytes > available {
                return [
                    Finding(
                        status: .warn, subject: "model", text: text + ", more than there is",
                        fix: "--context N, or a smaller --model")
                ]
            }
            return [Finding(status: .ok, subject: "model", text: text)]
        } catch let error as UserError {
            return [
                Finding(
                    status: error.code == .modelMissing ? .warn : .fail, subject: "model",
                    text: "\(name): \(error.cause)",
                    fix: error.remedies.first?.action)
            ]
        } catch let error as EngineError {
            let error = error.userError(path: name)
            return [
                Finding(
                    status: .fail, subject: "model", text: "\(name): \(error.cause)", fix: error.remedies.first?.action)
            ]
        } catch {
            return [Finding(status: .fail, subject: "model", text: "\(name): \(error)")]
        }
    }

    private var worker: Finding {
        get async {
            let program = WorkerPrograms.installed.pdf.path
            guard FileFacts.exists(program) else {
                return Finding(
                    status: .fail, subject: "pdf", text: "docproc-pdf is not at \(program): PDF files cannot be read",
                    fix: "install docproc-pdf beside docproc, or set DOCPROC_PDF_WORKER")
            }
            return Finding(status: .ok, subject: "pdf", text: program)
        }
    }

    /// Poppler finds the meaning of CJK codes in tables that Debian packs apart.
    private var fonts: Finding {
        FileFacts.isFolder("/usr/share/poppler/cMap")
            ? Finding(status: .ok, subject: "fonts", text: "CJK data present")
            : Finding(
                status: .warn, subject: "fonts",
                text: "no CJK data: some Chinese, Japanese and Korean PDF files lose text",
                fix: "apt install poppler-data")
    }

    private var settings: Finding {
        let loader = SettingsLoader(environment: context.environment, workingDirectory: context.workingDirectory)
        let unknown = loader.unknownVariables()
        if let first = unknown.first {
            let near = Spelling.nearest(to: first, in: SettingKey.all.map(\.variable))
            return Finding(
                status: .warn, subject: "settings", text: "no setting is called \(unknown.joined(separator: ", "))",
                fix: near.map { "did you mean \($0)?" } ?? "docproc config show")
        }
        let files = loader.files().map(\.path)
        return Finding(
            status: .ok, subject: "settings", text: files.isEmpty ? "no settings files" : files.joined(separator: ", "))
    }

    private var terminal: Finding {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.compactMap { context.environment[$0] }.first { !$0.isEmpty } ?? ""
        let isUTF8 = locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
        return isUTF8 || !context.streams.outputIsTerminal
            ? Finding(status: .ok, subject: "text", text: "output is UTF-8")
            : Finding(
                status: .warn, subject: "text", text: "the locale \"\(locale)\" may not show UTF-8",
                fix: "export LANG=C.UTF-8")
    }

    private var network: Finding {
        Network.isAvailable
            ? Finding(status: .ok, subject: "network", text: "used by models pull alone")
            : Finding(
                status: .ok, subject: "network", text: "not part of this build; docproc models import takes files")
    }
}

import Diagnostics
import Inference
import Kernels
import Models
import Runs
import Weights

/// Runs models against outputs that another implementation computed for them, and says where they part.
struct ReferenceVerification {
    let context: CommandContext
    let directory: String

    /// One model and what came out.
    private struct Outcome {
        var model: String
        var tolerance: Float
        var results: [ReferenceResult]
        /// With the arithmetic that answers are computed with: for information, nothing is demanded of it.
        var fast: [ReferenceResult]
        var skipped: [String]

        var isWithin: Bool { results.allSatisfy { $0.isWithin(tolerance) } }
    }

    /// - Throws: `EndWith` with exit 7 when a model is further off than allowed.
    func run(_ names: [String]) async throws {
        var outcomes: [Outcome] = []
        for subject in try subjects(names) { outcomes.append(try await check(subject)) }
        try context.print(
            .fields([
                "schema": "docproc.reference/1", "within": .bool(outcomes.allSatisfy(\.isWithin)),
                "models": .array(outcomes.map(record)),
            ]), text: outcomes.map(text).joined(separator: "\n"))
        let failed = outcomes.filter { !$0.isWithin }
        if !failed.isEmpty {
            throw EndWith(
                status: .checkFailed,
                note: "\(failed.count) of \(Format.plural(outcomes.count, "model")) over tolerance (exit 7)")
        }
    }

    private func subjects(_ names: [String]) throws(UserError) -> [ReferenceSubject] {
        let found = ReferenceSubject.all(in: directory)
        guard !names.isEmpty else {
            if found.isEmpty {
                throw UserError(
                    .inputMissing, "there is no model with a reference in this folder",
                    places: [.init("folder", directory)],
                    remedies: [
                        .init("golden.safetensors", "beside config.json, or NAME.golden.safetensors beside NAME.gguf")
                    ])
            }
            return found
        }
        var subjects: [ReferenceSubject] = []
        for name in names {
            let path = try ModelLoader(context: context).files(named: name).path
            if let own = found.first(where: { FileFacts.isSame($0.model, path) }) {
                subjects.append(own)
            } else if let golden = ReferenceSubject.reference(in: directory, for: path) {
                subjects.append(golden)
            } else {
                throw UserError(
                    .inputMissing, "this folder holds no golden.safetensors", places: [.init("folder", directory)])
            }
        }
        return subjects
    }

    private func check(_ subject: ReferenceSubject) async throws -> Outcome {
        let files = try ModelFiles.open(path: subject.model)
        let reference: Reference
        do {
            reference = try Reference(path: subject.reference, settings: subject.settings)
        } catch {
            throw error.userError
        }
        context.narrator.begin(
            Progress(stage: "verify", done: 0, total: 2 * reference.prompts.count, unit: "prompts"))
        defer { context.narrator.end() }
        var options = ReferenceCheck.options(
            threads: context.settings.integer(SettingKey.threads) ?? Machine.cores,
            kernels: context.environment["DOCPROC_KERNELS"].flatMap { $0.isEmpty ? nil : $0 })
        options.contextLimit = (reference.prompts.map { $0.tokens.count + $0.greedy.count }.max() ?? 0) + 1
        let loader = ModelLoader(context: context)
        func results() async throws -> [ReferenceResult] {
            let engine = try await loader.open(files, options: options)
            return try await ReferenceCheck.run(engine, reference) { prompt in
                context.narrator.update {
                    $0.done += 1
                    $0.details = [prompt.name]
                }
            }
        }
        let exact = try await results()
        options.numerics = .fast
        return Outcome(
            model: subject.model, tolerance: reference.logitTolerance, results: exact, fast: try await results(),
            skipped: reference.skipped)
    }

    // MARK: - Report

    private func text(_ outcome: Outcome) -> String {
        var rows = [
            ["prompt", "tokens", "logits off by", "states part at", "greedy", "likeliest", "fast: rms", "likeliest"]
        ]
        for (result, fast) in zip(outcome.results, outcome.fast) {
            rows.append([
                result.prompt, "\(result.tokens)", Self.scientific(result.largestDifference),
                result.firstParted ?? "nowhere",
                "\(result.greedyEqual)/\(result.greedy)", "\(result.agreeing)/\(result.known)",
                Format.decimal(Double(fast.relativeError) * 100, 2) + " %", "\(fast.agreeing)/\(fast.known)",
            ])
        }
        let verdict = outcome.isWithin ? "within" : "OVER"
        return "\(outcome.model): \(verdict) tolerance \(Self.scientific(outcome.tolerance))\n" + Format.table(rows)
            + (outcome.skipped.isEmpty ? "" : "not run, with media: \(outcome.skipped.joined(separator: ", "))\n")
    }

    private func record(_ outcome: Outcome) -> JSONValue {
        .fields([
            "model": .string(outcome.model), "tolerance": .double(Double(outcome.tolerance)),
            "within": .bool(outcome.isWithin), "skipped": .array(outcome.skipped.map { .string($0) }),
            "prompts": .array(
                zip(outcome.results, outcome.fast).map { result, fast in
                    .fields([
                        "prompt": .string(result.prompt), "tokens": .int(result.tokens),
                        "largest_difference": .double(Double(result.largestDifference)),
                        "relative_error": .double(Double(result.relativeError)),
                        "first_parted": result.firstParted.map { .string($0) } ?? .null,
                        "greedy_equal": .int(result.greedyEqual), "greedy": .int(result.greedy),
                        "argmax_equal": .int(result.agreeing), "argmax": .int(result.known),
                        "fast_relative_error": .double(Double(fast.relativeError)),
                        "fast_argmax_equal": .int(fast.agreeing),
                    ])
                }),
        ])
    }

    /// Such as 1.2e-05.
    private static func scientific(_ value: Float) -> String {
        guard value.isFinite, value > 0 else { return "\(value)" }
        var (mantissa, exponent) = (Double(value), 0)
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        return exponent == 0 ? Format.decimal(mantissa, 2) : "\(Format.decimal(mantissa, 1))e\(exponent)"
    }
}

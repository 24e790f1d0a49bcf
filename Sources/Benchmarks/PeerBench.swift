// The other side of a comparison: llama.cpp's `llama-bench`, as the user built it.

import Diagnostics
import FoundationEssentials
import Subprocess
import SystemPackage

/// Runs `llama-bench` for one case at a time.
package struct PeerBench: Sendable {
    private let program: String
    private let model: String

    /// - Parameters:
    ///   - program: path of `llama-bench`.
    ///   - model: the GGUF file that we measure too.
    package init(program: String, model: String) {
        self.program = program
        self.model = model
    }

    private struct Result: Decodable {
        var speed: Double
        var commit: String?
        var build: Int?

        enum CodingKeys: String, CodingKey {
            case speed = "avg_ts"
            case commit = "build_commit"
            case build = "build_number"
        }
    }

    /// One run: its speed and the most memory it held.
    package struct Sample: Sendable, Equatable {
        package var speed: Double
        /// Resident bytes, seen while it ran; nil where the system does not say.
        package var peakMemory: Int?
    }

    /// One run, after the warm-up that the program does by itself.
    ///
    /// - Parameter prompt: tokens that are in the cache before.
    /// - Throws: `DP-CLI-01` when the program cannot be run or says something else.
    package func measure(_ kind: SpeedCase, threads: Int, after prompt: Int = 0) async throws -> Sample {
        let (result, peak) = try await results(kind, threads: threads, after: prompt)
        return Sample(speed: result.speed, peakMemory: peak)
    }

    /// What the program says it was built from.
    package func version() async -> String? {
        guard let (result, _) = try? await results(.decode(1), threads: 1, after: 0) else { return nil }
        return result.commit.map { "llama.cpp \($0)" + (result.build.map { " (b\($0))" } ?? "") }
    }

    private func results(_ kind: SpeedCase, threads: Int, after prompt: Int) async throws -> (Result, Int?) {
        let sizes: [String]
        switch kind {
        // Its warm-up is as long as the run: minutes here, for what the first seconds of a long run warm up too.
        case .prefill(let tokens):
            sizes = ["-p", "\(tokens)", "-n", "0"] + (tokens >= 4096 ? ["--no-warmup"] : [])
        case .decode(let tokens): sizes = ["-p", "0", "-n", "\(tokens)"]
        }
        let arguments =
            ["-m", model, "-t", "\(threads)", "-r", "1", "-ngl", "0", "-d", "\(prompt)", "-o", "json"] + sizes
        let output: String
        let peak: Int?
        do {
            let finished = try await Subprocess.run(
                .path(FilePath(program)), arguments: Arguments(arguments), input: .none,
                output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 20)
            ) { execution in
                await ResourceUse.watchPeak(ofProcess: Int(execution.processIdentifier.value))
            }
            guard finished.terminationStatus.isSuccess else {
                let said = finished.standardError.split(separator: "\n").last.map { ": \($0)" } ?? ""
                throw failure("llama-bench failed\(said)")
            }
            output = finished.standardOutput
            peak = finished.closureResult
        } catch let error as UserError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            try Task.checkCancellation()
            throw failure("llama-bench cannot be run: \(error)")
        }
        guard let results = try? JSONDecoder().decode([Result].self, from: Data(output.utf8)),
            let first = results.first,
            first.speed > 0
        else { throw failure("llama-bench printed no result that is understood") }
        return (first, peak)
    }

    private func failure(_ cause: String) -> UserError {
        UserError(
            .badFlag, cause, places: [.init("program", program)],
            remedies: [.init("--peer PATH", "the path of a llama-bench that runs on this machine")])
    }
}

// Finds fixtures and real models. A test whose file is missing is skipped with a message, never silently passed.

import Foundation
import Kernels
import Models
import SystemPackage
import Testing
import Weights

@testable import Inference

/// A golden model of the shared fixtures, converted to GGUF.
struct FixtureModel: Sendable, CustomTestStringConvertible {
    let folder: String
    /// In the folder `gguf`; `nil` for the folder itself.
    let file: String?

    var testDescription: String { file ?? folder }

    static let all = [
        FixtureModel(folder: "smollm2", file: "smollm2-Q8_0"), FixtureModel(folder: "smollm2", file: "smollm2-Q4_0"),
        FixtureModel(folder: "smollm3", file: "smollm3-Q8_0"), FixtureModel(folder: "qwen2", file: "qwen2-Q8_0"),
        FixtureModel(folder: "gemma3", file: "gemma3-Q8_0"),
        FixtureModel(folder: "llama-k256", file: "llama-k256-mixed"),
    ]

    /// One of each kind of layer: full, sliding, chunked, shared keys and values, inputs of their own, experts.
    static let kinds =
        all.filter { ["smollm2-Q4_0", "qwen2-Q8_0", "gemma3-Q8_0"].contains($0.file) } + [
            FixtureModel(folder: "gemma4-e2b", file: "gemma4-e2b-Q8_0"),
            FixtureModel(folder: "gemma4-moe", file: "gemma4-moe-Q8_0"),
            FixtureModel(folder: "llama4-scout", file: nil), FixtureModel(folder: "llama4-maverick", file: nil),
        ]

    /// With and without experts, layers of about one size.
    static let streamed = [
        FixtureModel(folder: "smollm2", file: "smollm2-Q8_0"),
        FixtureModel(folder: "gemma4-moe", file: "gemma4-moe-Q8_0"),
        FixtureModel(folder: "llama4-scout-8k", file: "llama4-scout-8k-F16"),
    ]

    /// Those whose weights are so close to the unquantized ones that no greedy step flips. Of smollm3, whose best two
    /// logits come as close as 0.3, one does.
    static let nearlyExact = all.filter { $0.file?.hasSuffix("Q8_0") == true && $0.folder != "smollm3" }

    static var areThere: Bool {
        all.allSatisfy { FileManager.default.fileExists(atPath: $0.gguf.path) }
    }

    static let missing: Comment = "SKIPPED: the golden models in ../shared/fixtures/models are not there"

    /// `../shared` beside the repository. The path of this file may lead through a link.
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("shared/fixtures/models")

    /// The GGUF file, or the Hugging Face folder.
    var gguf: URL { Self.folder.appendingPathComponent(file.map { "\(folder)/gguf/\($0).gguf" } ?? folder) }

    var golden: Safetensors {
        get throws {
            try Safetensors(Self.folder.appendingPathComponent("\(folder)/gguf/\(file ?? "").golden.safetensors"))
        }
    }

    /// Outputs of the unquantized model, which has a greedy continuation.
    var unquantized: Safetensors {
        get throws { try Safetensors(Self.folder.appendingPathComponent("\(folder)/golden.safetensors")) }
    }

    /// The largest difference of logits that the reference allows; 1e-3 is the least that any model has.
    var tolerance: Float {
        get throws {
            let url = Self.folder.appendingPathComponent("\(folder)/golden.json")
            guard let data = try? Data(contentsOf: url) else { return 1e-3 }
            let golden = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            let tolerance = golden?["tolerance"] as? [String: Any]
            return Float(try #require(tolerance?["logits_atol"] as? Double))
        }
    }

    func open(
        numerics: Numerics = .exact, kvType: KVType = .f32, threads: Int = 2, chunk: Int = 512,
        contextLimit: Int? = 2048, kernels: String? = nil, kvStore: KVStoreOptions? = nil,
        _ change: (inout EngineOptions) -> Void = { _ in }
    ) async throws -> Engine {
        var options = EngineOptions(
            threads: threads, numerics: numerics, kvType: kvType, kernels: kernels, prefillChunk: chunk,
            contextLimit: contextLimit)
        options.kvStore = kvStore
        change(&options)
        return try await Engine.open(ModelFiles.open(path: gguf.path), options: options)
    }
}

extension FixtureModel {
    /// An engine that holds a segment of 512 tokens and one step in memory, and no more.
    func openPaging(
        _ type: KVType, to folder: FilePath, chunk: Int = 100, store: KVStoreOptions? = nil,
        reading: KVReading = .exact
    ) async throws -> Engine {
        func paging(kvMemory: Int) async throws -> Engine {
            try await open(numerics: .fast, kvType: type, chunk: chunk, contextLimit: 8192, kvStore: store) {
                $0.segmentTokens = 512
                $0.pagingFolder = folder
                $0.kvMemory = kvMemory
                $0.kvReading = reading
            }
        }
        do {
            return try await paging(kvMemory: 1)
        } catch EngineError.keyValueMemory(let needed, _) {
            return try await paging(kvMemory: needed)
        }
    }
}

/// A released model in the user's model folder.
enum RealModel: String, CaseIterable, Sendable {
    case smolLM2 = "smollm2-135m-instruct-q4_1.gguf"
    case gemma3 = "gemma-3-270m-q4_k_m.gguf"
    case qwen2 = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"

    var path: String? {
        let environment = ProcessInfo.processInfo.environment
        let data = environment["XDG_DATA_HOME"] ?? (environment["HOME"] ?? "") + "/.local/share"
        let folder = environment["DOCPROC_MODELS_DIR"] ?? data + "/docproc/models"
        let path = folder + "/" + rawValue
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    var missing: Comment { "SKIPPED: \(rawValue) is not in the model folder" }

    func open(
        numerics: Numerics, kvType: KVType = .f16, threads: Int = 2, contextLimit: Int? = 2048
    ) async throws -> Engine {
        try await Engine.open(
            ModelFiles.open(path: #require(path)),
            options: EngineOptions(
                threads: threads, numerics: numerics, kvType: kvType, contextLimit: contextLimit))
    }
}

// Made-up stores of other tools, laid out as those tools do.

import Diagnostics
import Foundation
import Testing

@testable import Weights

@Suite
struct ForeignModelsTests {
    private let scratch: Scratch
    private var home: String { scratch.path + "/home" }

    init() throws { scratch = try Scratch() }

    private func write(_ name: String, _ text: String = "x") throws -> String {
        try scratch.write("home/" + name, Array(text.utf8))
    }

    /// The path that a name leads to; nil if to none.
    private func found(_ name: String, _ environment: [String: String] = [:]) -> String? {
        try? ModelStore(directory: home + "/none").resolve(
            name, environment: ["HOME": home].merging(environment) { $1 })
    }

    /// Snapshots hold links into `blobs`, as the hub's library makes them.
    private func snapshot(_ folder: String, _ file: String) throws -> String {
        let blob = try write("\(folder)/blobs/\(file.hashValue.magnitude)")
        let link = "\(home)/\(folder)/snapshots/\(file)"
        try FileManager.default.createDirectory(
            atPath: (link as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: blob)
        return link
    }

    @Test
    func theHubsCache() throws {
        let hub = ".cache/huggingface/hub"
        let single = try snapshot("\(hub)/models--org--single-GGUF", "rev/single-Q8_0.gguf")
        let first = try snapshot("\(hub)/models--org--many", "rev/BF16/many-BF16-00001-of-00002.gguf")
        _ = try snapshot("\(hub)/models--org--many", "rev/BF16/many-BF16-00002-of-00002.gguf")
        let usual = try snapshot("\(hub)/models--org--many", "rev/many-Q4_K_M.gguf")
        _ = try snapshot("\(hub)/models--org--many", "rev/mmproj-many-f16.gguf")
        _ = try snapshot("\(hub)/models--org--many", "rev/half-Q2_K-00001-of-00002.gguf")
        #expect(found("org/single-GGUF") == single && found("single-q8_0") == single)
        #expect(found("org/many:BF16") == first && found("many-bf16") == first)
        #expect(found("org/many/BF16/many-BF16-00001-of-00002.gguf") == first)
        #expect(found("org/many") == usual && found("org/many:q4_k_m") == usual)
        #expect(found("mmproj-many-f16") == nil && found("half-Q2_K") == nil)
    }

    @Test
    func checkpointsInTheHubsCache() throws {
        let folder = "elsewhere/models--org--check--point"
        _ = try snapshot(folder, "new/config.json")
        _ = try snapshot(folder, "new/model.safetensors")
        _ = try snapshot(folder, "old/config.json")
        _ = try snapshot(folder, "old/model.safetensors")
        let environment = ["HF_HUB_CACHE": "~/elsewhere"]
        // Without a note of the current revision, the last by name.
        #expect(found("org/check--point", environment) == "\(home)/\(folder)/snapshots/old")
        _ = try write("\(folder)/refs/main", "new\n")
        #expect(found("org/check--point", environment) == "\(home)/\(folder)/snapshots/new")
        // Weights that a broken download left as a link to nothing are none.
        _ = try snapshot("elsewhere/models--org--broken", "rev/config.json")
        try FileManager.default.createSymbolicLink(
            atPath: "\(home)/elsewhere/models--org--broken/snapshots/rev/model.safetensors",
            withDestinationPath: "../../blobs/none")
        #expect(found("org/broken", environment) == nil)
        #expect(found("org/check--point") == nil)
        _ = try snapshot("hf/hub/models--a--b", "r/c.gguf")
        #expect(found("a/b", ["HF_HOME": home + "/hf"]) != nil)
    }

    private func layers(_ types: [String: String]) -> String {
        let list = types.sorted { $0.key < $1.key }.map {
            #"{"mediaType": "application/vnd.ollama.image.\#($0.key)", "digest": "\#($0.value)", "size": 1}"#
        }
        return #"{"schemaVersion": 2, "layers": [\#(list.joined(separator: ", "))]}"#
    }

    @Test
    func ollama() throws {
        let root = ".ollama/models"
        let blob = try write("\(root)/blobs/sha256-aa")
        _ = try write("\(root)/blobs/sha256-bb")
        let manifests = "\(root)/manifests"
        _ = try write(
            "\(manifests)/registry.ollama.ai/library/gemma3/latest",
            layers(["model": "sha256:aa", "projector": "sha256:bb", "license": "sha256:cc"]))
        _ = try write("\(manifests)/registry.ollama.ai/me/mine/q8", layers(["model": "sha256:aa"]))
        _ = try write("\(manifests)/hf.co/org/repo/Q4_K_M", layers(["model": "sha256:aa"]))
        _ = try write("\(manifests)/registry.ollama.ai/library/gone/latest", layers(["model": "sha256:dd"]))
        _ = try write("\(manifests)/registry.ollama.ai/library/evil/latest", layers(["model": "../../secret"]))
        _ = try write("\(manifests)/registry.ollama.ai/library/broken/latest", "{")
        for name in ["gemma3", "gemma3:latest", "me/mine:q8", "hf.co/org/repo:Q4_K_M", "org/repo:q4_k_m"] {
            #expect(found(name) == blob, "\(name)")
        }
        for name in ["gone", "evil", "broken", "me/mine"] { #expect(found(name) == nil, "\(name)") }
    }

    @Test
    func llamaCpp() throws {
        let root = ".cache/llama.cpp"
        let model = try write("\(root)/ggml-org_gemma-GGUF_gemma-Q4_K_M.gguf")
        _ = try write("\(root)/ggml-org_gemma-GGUF_mmproj-gemma-f16.gguf")
        _ = try write("\(root)/unfinished.gguf.downloadInProgress")
        _ = try write(
            "\(root)/manifest=ggml-org=gemma-GGUF=latest.json",
            #"{"ggufFile": {"rfilename": "gemma-Q4_K_M.gguf"}, "mmprojFile": {"rfilename": "mmproj-gemma-f16.gguf"}}"#)
        let split = try write("\(root)/o_r_sub_m-00001-of-00002.gguf")
        _ = try write("\(root)/o_r_sub_m-00002-of-00002.gguf")
        _ = try write("\(root)/manifest=o=r=Q8_0.json", #"{"ggufFile": {"rfilename": "sub/m-00001-of-00002.gguf"}}"#)
        #expect(found("ggml-org/gemma-GGUF") == model && found("ggml-org/gemma-GGUF:latest") == model)
        #expect(found("ggml-org_gemma-GGUF_gemma-Q4_K_M") == model)
        #expect(found("o/r:Q8_0") == split && found("o_r_sub_m") == split)
        #expect(found("ggml-org_gemma-GGUF_mmproj-gemma-f16") == nil && found("unfinished") == nil)
        let moved = try write("other/x.gguf")
        #expect(found("x", ["LLAMA_CACHE": home + "/other"]) == moved)
    }

    @Test
    func lmStudio() throws {
        let model = try write(".lmstudio/models/pub/repo/m-Q6_K.gguf")
        _ = try write(".lmstudio/models/pub/repo/mmproj-m.gguf")
        _ = try write(".cache/lm-studio/models/old/repo/config.json", "{}")
        _ = try write(".cache/lm-studio/models/old/repo/model.safetensors")
        #expect(found("pub/repo") == model && found("pub/repo/m-Q6_K.gguf") == model && found("m-q6_k") == model)
        #expect(found("old/repo") == home + "/.cache/lm-studio/models/old/repo")
        let moved = try write("studio/models/a/b/c.gguf")
        _ = try write(".lmstudio-home-pointer", home + "/studio\n")
        #expect(found("a/b") == moved && found("pub/repo") == nil)
    }

    @Test
    func withoutAHomeNothingIsSearched() { #expect(ForeignModels.all([:]).isEmpty) }
}

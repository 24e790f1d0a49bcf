import Diagnostics
import Testing

@testable import Networking
@testable import Weights

/// What is read from a listing and chosen from it, without a server.
@Suite struct HubRepositoryTests {
    private func repository(_ files: [String], _ fields: String = #""tags": []"#) throws -> HubRepository {
        let list = files.map { #"{"rfilename": "\#($0)", "size": 2000000}"# }.joined(separator: ", ")
        return try HubRepository(
            json: #"{"id": "Org/Tiny", "sha": "abcdef1234", \#(fields), "siblings": [\#(list)]}"#,
            reference: try #require(HubReference("org/tiny")), page: "https://hub/Org/Tiny")
    }

    @Test(
        arguments: [
            (#""cardData": {"license": "apache-2.0"}"#, "apache-2.0", nil, "https://hub/Org/Tiny"),
            (#""tags": ["gguf", "license:gemma"], "cardData": null"#, "gemma", "gemma", "https://hub/Org/Tiny"),
            (
                #""cardData": {"license": "other", "license_name": "llama4", "license_link": "https://l/x"}"#, "llama4",
                "llama4", "https://l/x"
            ),
            (
                #""cardData": {"license": ["mit", "other"], "license_link": "LICENSE"}"#, "mit, other", "mit, other",
                "https://hub/Org/Tiny/blob/abcdef1234/LICENSE"
            ),
            (
                #""cardData": {"license_link": "javascript:x"}"#, nil, "org/tiny",
                "https://hub/Org/Tiny/blob/abcdef1234/LICENSE"
            ),
            (#""cardData": {"license": "a\u001b[2Jb"}"#, "a?[2jb", "a?[2jb", "https://hub/Org/Tiny"),
        ] as [(String, String?, String?, String)])
    func licencesAreRead(fields: String, name: String?, key: String?, url: String) throws {
        let hasText = url.hasSuffix("LICENSE")
        let licence = try repository(hasText ? ["LICENSE"] : ["x.gguf"], fields).licence
        #expect(licence == HubLicence(name: name, url: url, acceptanceKey: key))
    }

    private func chosen(_ selector: String?, _ files: [String]) async throws -> [String] {
        try await HubSelection.choose(selector, of: try repository(files)) { _ in
            #"{"weight_map": {"a": "model-1.safetensors"}}"#
        }.files.map(\.name)
    }

    @Test(
        arguments: [
            (nil, ["m-Q4_K_M.gguf", "m-Q8_0.gguf"], ["m-Q4_K_M.gguf"]),
            (nil, ["only.gguf", "imatrix.gguf", "README.md"], ["only.gguf"]),
            (nil, ["m-q4_0.gguf", "mmproj-F32.gguf"], ["m-q4_0.gguf", "mmproj-F32.gguf"]),
            ("q8_0", ["m-Q4_K_M.gguf", "m-Q8_0.gguf"], ["m-Q8_0.gguf"]),
            ("ud-q4_k_xl", ["m-UD-Q4_K_XL.gguf", "m-Q8_0.gguf"], ["m-UD-Q4_K_XL.gguf"]),
            (
                "Q8_0", ["Q8_0/m-00001-of-00002.gguf", "Q8_0/m-00002-of-00002.gguf", "x-Q2_K.gguf"],
                ["Q8_0/m-00001-of-00002.gguf", "Q8_0/m-00002-of-00002.gguf"]
            ),
            ("b.gguf", ["a.gguf", "sub/b.gguf"], ["sub/b.gguf"]),
            (nil, ["config.json", "model.safetensors", "m-Q8_0.gguf"], ["config.json", "model.safetensors"]),
            (nil, ["config.json", "model.safetensors", "m-Q4_K_M.gguf"], ["m-Q4_K_M.gguf"]),
            (
                nil, ["config.json", "model.safetensors", "model-1.safetensors", "model.safetensors.index.json"],
                ["config.json", "model.safetensors.index.json", "model-1.safetensors"]
            ),
        ] as [(String?, [String], [String])])
    func theRightFilesAreChosen(selector: String?, files: [String], expected: [String]) async throws {
        #expect(try await chosen(selector, files) == expected)
    }

    @Test(
        arguments: [
            (nil, ["a-Q8_0.gguf", "a-Q2_K.gguf"], "no Q4_K_M; it has Q2_K (2 MB), Q8_0 (2 MB)"),
            ("Q3_K", ["a-Q8_0.gguf"], "no Q3_K; it has Q8_0 (2 MB)"),
            ("Q8_0", ["a-Q8_0.gguf", "b-Q8_0.gguf"], "2 files of Q8_0; name one; it has a-Q8_0.gguf (2 MB), b-"),
            ("Q8_0", ["a-Q8_0-00001-of-00002.gguf"], "no Q8_0"), ("c.gguf", ["a.gguf"], "no file c.gguf"),
            (nil, ["pytorch_model.bin", "config.json"], "neither GGUF files nor"),
            (nil, ["config.json", "model.safetensors.index.json"], "which is not there"),
        ] as [(String?, [String], String)])
    func whatCannotBeChosenIsExplained(selector: String?, files: [String], words: String) async throws {
        let error = await #expect(throws: UserError.self) { _ = try await chosen(selector, files) }
        #expect(error?.cause.contains(words) == true, "\(error?.cause ?? "")")
    }
}

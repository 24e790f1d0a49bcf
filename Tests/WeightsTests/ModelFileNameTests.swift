// What names say: parts, quantizations, references; and which names are not to be trusted.

import Diagnostics
import Testing

@testable import Weights

@Suite
struct ModelFileNameTests {
    @Test(
        arguments: [
            ("Qwen2.5-1.5B-Instruct-Q4_K_M.gguf", "Q4_K_M"), ("model.Q4_1.gguf", "Q4_1"),
            ("gemma-3-270m-q4_0.gguf", "Q4_0"),
            ("x_IQ4_XS.gguf", "IQ4_XS"), ("m-UD-Q4_K_XL.gguf", "Q4_K_XL"), ("BF16/m-00001-of-00002.gguf", "BF16"),
            ("gpt-oss-MXFP4_MOE.gguf", "MXFP4_MOE"), ("m-f16.gguf", "F16"), ("Qwen3-8B.gguf", nil),
            ("a/b/tiny.gguf", nil),
        ] as [(String, String?)])
    func quantizations(name: String, expected: String?) throws {
        #expect(try #require(ModelFileName(name)).quantization == expected)
    }

    @Test
    func parts() throws {
        let second = try #require(ModelFileName("q/m-Q8_0-00002-of-00010.gguf"))
        #expect(second.part == 2 && second.partCount == 10 && second.base == "q/m-Q8_0" && second.stem == "m-Q8_0")
        #expect(second.sibling(part: 10) == "q/m-Q8_0-00010-of-00010.gguf")
        // Numbers of another width, or past the count, are part of a name.
        for name in ["m-1-of-2.gguf", "m-00003-of-00002.gguf", "m-00000-of-00002.gguf", "-of-.gguf"] {
            #expect(ModelFileName(name)?.partCount == 1)
        }
        #expect(ModelFileName("m.bin") == nil && ModelFileName(".gguf") == nil)
    }

    @Test
    func groupsAreCompleteModels() {
        let groups = ModelFileGroup.groups(of: [
            "b-00002-of-00002.gguf", "a.gguf", "mmproj-a.gguf", "org_a_mmproj-F16.gguf", "b-00001-of-00002.gguf",
            "c-00001-of-00002.gguf", "a.imatrix.gguf", "config.json",
        ])
        #expect(groups.map(\.files) == [["a.gguf"], ["b-00001-of-00002.gguf", "b-00002-of-00002.gguf"]])
    }

    @Test(
        arguments: [
            ("hf:o/n", "o/n", nil, nil), ("o/n", "o/n", nil, nil), ("hf:o/n:Q8_0", "o/n", nil, "Q8_0"),
            ("hf:o/n@refs/pr/1:sub/m.gguf", "o/n", "refs/pr/1", "sub/m.gguf"), ("o/n.x@v1", "o/n.x", "v1", nil),
        ] as [(String, String, String?, String?)])
    func referencesAreRead(text: String, repository: String, revision: String?, selector: String?) throws {
        guard case .repository(let reference)? = try ModelReference(text) else {
            Issue.record("no repository")
            return
        }
        #expect(reference.repository == repository)
        #expect(reference.revision == revision && reference.selector == selector)
    }

    @Test(arguments: [
        "hf:", "hf:o", "hf:o/n/m", "hf:../n", "hf:o/..", "hf:o/n@", "hf:o/n@../x", "hf:o/n:../m.gguf", "hf:o/n:",
    ])
    func badReferencesAreExplained(text: String) throws {
        let error = #expect(throws: UserError.self) { _ = try ModelReference(text) }
        #expect(error?.code == .badFlag)
    }

    @Test
    func otherNamesAreNoReferences() throws {
        for name in ["smollm2-135m-instruct:q4_1", "model", "/a/b", "./a/b", "~/m", "a/b/c.gguf", ""] {
            #expect(try ModelReference(name) == nil)
        }
        #expect(try ModelReference("https://h/x.gguf") == .address("https://h/x.gguf"))
    }

    @Test(arguments: [
        "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a\\b", "a\nb", "a\u{1B}b", "a\u{202E}b", "a\u{0}",
        String(repeating: "x", count: 201),
    ])
    func hostileNames(name: String) { #expect(!SafeName.isRelativePath(name)) }

    @Test
    func harmlessNames() {
        for name in ["a", ".gitattributes", "a b/ü-模型.gguf", "...", "a..b"] { #expect(SafeName.isRelativePath(name)) }
        #expect(SafeName.printable("a\u{1B}[31m\n", limit: 4) == "a?[3")
    }
}

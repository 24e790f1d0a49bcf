// The models that docproc can fetch, with everything needed to check them.

package enum ModelCatalog {
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
        /// Tokens up to which answers are believed to be good.
        package let reliableWindow: Int
        /// `chatml`, `gemma3` or `few-shot`.
        package let templateFamily: String
        package let notes: String

        /// `smollm2-135m-instruct:q4_1`.
        package var fullName: String { "\(name):\(quantization)" }
        /// `smollm2-135m-instruct-q4_1.gguf`.
        package var fileName: String { "\(name)-\(quantization).gguf" }
    }

    package static let entries: [Entry] = []

    /// By full name or name without the quantization, in any case.
    package static func entry(named name: String) -> Entry? { nil }
}

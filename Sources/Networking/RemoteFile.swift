import Diagnostics

/// A file that a server offers, and what is known of it beforehand.
package struct RemoteFile: Sendable, Equatable {
    /// Such as `name-1.0-py3-none-any.whl`.
    package var name: String
    /// Its full address.
    package var url: String
    /// SHA-256 as published, where it is.
    package var sha256: String?
    /// Bytes, where they are published.
    package var size: Int?
    /// What its first bytes must be, such as `GGUF`.
    package var magic: String?

    /// Describes a file.
    package init(name: String, url: String, sha256: String?, size: Int? = nil, magic: String? = nil) {
        self.name = name
        self.url = url
        self.sha256 = sha256
        self.size = size
        self.magic = magic
    }
}

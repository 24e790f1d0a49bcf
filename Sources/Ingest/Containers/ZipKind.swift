// Office documents and e-books are zip files: which one it is, the names in its directory say.

import Documents

/// Tells zip files apart.
enum ZipKind {
    /// The kind of a zip file. A name decides only where the directory cannot be found.
    static func recognize(_ bytes: [UInt8], suffix: String) -> FileKind {
        // An e-book begins with a member that is not compressed: its media type.
        let mark = bytes.prefix(256).dropFirst(30)
        if mark.starts(with: Array("mimetypeapplication/epub+zip".utf8)) { return .epub }
        if mark.starts(with: Array("mimetypeapplication/".utf8)) { return .other(.office) }
        guard let directory = try? ZipDirectory(bytes[...], limits: ArchiveLimits()) else {
            return suffix == "docx" ? .docx : suffix == "epub" ? .epub : .zip
        }
        let names = Set(directory.entries.lazy.map(\.name))
        if names.contains("META-INF/container.xml"), names.contains("mimetype") || suffix == "epub" { return .epub }
        guard names.contains("[Content_Types].xml") else { return .zip }
        let folders = Set(names.lazy.compactMap { $0.split(separator: "/").first })
        if folders.contains("word") { return .docx }
        return folders.contains("xl") || folders.contains("ppt") || folders.contains("visio") ? .other(.office) : .zip
    }
}

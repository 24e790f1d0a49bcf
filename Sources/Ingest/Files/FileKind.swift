// What a file is: by its first bytes, then by its name.

import Documents

/// The kind of a file.
enum FileKind: Equatable {
    case pdf, html, markdown, docx, epub, docling
    /// Archives: what they hold decides.
    case zip, gzip
    case text(TextExtractor.Layout)
    case other(SkipReason)

    /// Bytes of the start of a file that recognition looks at.
    static let headBytes = 8192

    /// Recognizes a file held in memory: as by its first bytes, and zip files by what they hold.
    static func recognize(_ bytes: [UInt8], name: String) -> FileKind {
        let kind = recognize(head: bytes.prefix(headBytes), name: name)
        return kind == .zip ? ZipKind.recognize(bytes, suffix: suffix(of: name)) : kind
    }

    /// Recognizes a file by its first bytes; every zip file that may hold documents is `zip`.
    ///
    /// Content outweighs the name: a PDF called `.txt` is a PDF. A name decides only between kinds that look alike,
    /// and when the content says nothing.
    static func recognize(head: ArraySlice<UInt8>, name: String) -> FileKind {
        let suffix = FileKind.suffix(of: name)
        let mark = head.prefix(1024).range(of: "%PDF-")?.lowerBound
        if let mark, head[..<mark].allSatisfy({ $0 <= 0x20 || byteOrderMark.contains($0) }) { return .pdf }
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) || head.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            return reasonBySuffix[suffix] == .program ? .other(.program) : .zip
        }
        if head.starts(with: [0x1F, 0x8B]) { return suffix == "svgz" ? .other(.image) : .gzip }
        if let reason = magic(head) { return .other(reason) }
        if let mark, isPDF(head, from: mark, suffix) { return .pdf }
        if looksLikeDocling(head) { return .docling }
        if looksLikeHTML(head) { return markdownSuffixes.contains(suffix) ? .markdown : .html }
        if htmlSuffixes.contains(suffix) { return hasManyControls(head) ? .other(.binary) : .html }
        switch suffix {  // damaged; the worker says how
        case "pdf": return .pdf
        case "docx", "epub", "zip": if isBinary(head) { return .zip }
        case "gz": if isBinary(head) { return .gzip }
        default: break
        }
        if isBinary(head) { return .other(reasonBySuffix[suffix] ?? .binary) }
        if suffix == "svg" || looksLikeSVG(head) { return .other(.image) }
        if markdownSuffixes.contains(suffix) { return .markdown }
        if recordSuffixes.contains(suffix) { return .text(.records) }
        if codeSuffixes.contains(suffix) || head.starts(with: Array("#!".utf8)) { return .text(.code) }
        return .text(.prose)
    }

    /// The part of a name behind its last dot, lower case; "" where there is none.
    static func suffix(of name: String) -> String {
        let last = name.split(separator: "/").last ?? ""
        guard let dot = last.lastIndex(of: "."), dot > last.startIndex else { return "" }
        return last[last.index(after: dot)...].lowercased()
    }

    // MARK: Content

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Whether a PDF begins at a mark that other bytes stand before. Text that speaks of PDF files has the mark as well,
    /// and no object behind it.
    private static func isPDF(_ head: ArraySlice<UInt8>, from mark: Int, _ suffix: String) -> Bool {
        if suffix == "pdf" { return true }
        return !looksLikeHTML(head) && head[mark...].range(of: " obj") != nil
    }

    private static func looksLikeHTML(_ head: ArraySlice<UInt8>) -> Bool {
        // Letters only: also finds the tags in UTF-16.
        let text = String(decoding: head.prefix(2048).filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self).lowercased()
        let start = text.drop { $0 != "<" }.prefix(1024)
        // Something before the first tag is prose that mentions a tag, apart from marks and comments.
        guard text.utf8.count - start.utf8.count < 8 || text.hasPrefix("<") else { return false }
        if start.hasPrefix("<!doctypehtml") || start.hasPrefix("<html") || start.hasPrefix("<head") { return true }
        if start.hasPrefix("<?xml") || start.hasPrefix("<!--") {
            return start.contains("<html") || start.contains("<!doctypehtml")
        }
        return start.hasPrefix("<body") || start.hasPrefix("<title>") || start.hasPrefix("<meta")
    }

    /// The name of the format, which is the first member of what docling writes.
    private static func looksLikeDocling(_ head: ArraySlice<UInt8>) -> Bool {
        let start = head.drop { $0 <= 0x20 || $0 >= 0x80 }.prefix(1024).filter { $0 > 0x20 }
        return start.first == 0x7B && start[...].range(of: #""schema_name":"DoclingDocument""#) != nil
    }

    private static func looksLikeSVG(_ head: ArraySlice<UInt8>) -> Bool {
        let start = head.drop { $0 <= 0x20 || $0 >= 0x80 }.prefix(512)
        guard start.starts(with: Array("<svg".utf8)) || start.starts(with: Array("<?xml".utf8)) else { return false }
        return start.range(of: "<svg") != nil
    }

    /// Null bytes that are no UTF-16, or many control characters.
    private static func isBinary(_ head: ArraySlice<UInt8>) -> Bool {
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) { return false }
        if hasManyControls(head) { return true }
        var nulls = [0, 0]
        for (offset, byte) in head.enumerated() where byte == 0 { nulls[offset & 1] += 1 }
        guard nulls != [0, 0] else { return false }
        let half = max(head.count / 2, 1)
        // UTF-16: nearly all of the nulls at one parity, and many of them.
        return !(nulls[0] * 5 > half && nulls[1] * 50 < half || nulls[1] * 5 > half && nulls[0] * 50 < half)
    }

    private static func hasManyControls(_ head: ArraySlice<UInt8>) -> Bool {
        let controls = head.count { $0 < 0x20 && $0 != 0 && $0 != 0x1B && !(0x08...0x0D).contains($0) }
        return controls * 20 > head.count
    }

    private static func magic(_ head: ArraySlice<UInt8>) -> SkipReason? {
        func has(_ text: String, at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: text.utf8) }
        func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: bytes) }
        if has("RIFF") { return has("WEBP", at: 8) ? .image : has("AVI ", at: 8) ? .video : .audio }
        if has("ftyp", at: 4) {
            if has("M4A", at: 8) { return .audio }
            return ["avif", "heic", "heix", "mif1"].contains { has($0, at: 8) } ? .image : .video
        }
        if has("ustar", at: 257) { return .archive }
        for (bytes, reason) in signatures where has(bytes) { return reason }
        return nil
    }

    private static let signatures: [([UInt8], SkipReason)] = [
        ([0x89, 0x50, 0x4E, 0x47], .image), ([0xFF, 0xD8, 0xFF], .image), (Array("GIF8".utf8), .image),
        ([0x49, 0x49, 0x2A, 0x00], .image), ([0x4D, 0x4D, 0x00, 0x2A], .image), ([0x00, 0x00, 0x01, 0x00], .image),
        (Array("8BPS".utf8), .image), ([0xFF, 0x0A], .image),
        (Array("ID3".utf8), .audio), (Array("OggS".utf8), .audio), (Array("fLaC".utf8), .audio),
        (Array("FORM".utf8), .audio), (Array("MThd".utf8), .audio),
        ([0x1A, 0x45, 0xDF, 0xA3], .video), (Array("FLV\u{1}".utf8), .video), ([0x00, 0x00, 0x01, 0xBA], .video),
        ([0xD0, 0xCF, 0x11, 0xE0], .office), (Array("{\\rtf".utf8), .office),
        (Array("BZh".utf8), .archive), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .archive),
        ([0x28, 0xB5, 0x2F, 0xFD], .archive), ([0x37, 0x7A, 0xBC, 0xAF], .archive), (Array("Rar!".utf8), .archive),
        (Array("MSCF".utf8), .archive), (Array("!<arch>\n".utf8), .archive), ([0x04, 0x22, 0x4D, 0x18], .archive),
        (Array("SQLite format 3\0".utf8), .database),
        ([0x7F, 0x45, 0x4C, 0x46], .program), (Array("\0asm".utf8), .program), ([0xCA, 0xFE, 0xBA, 0xBE], .program),
        ([0xCF, 0xFA, 0xED, 0xFE], .program), ([0x4D, 0x5A, 0x90], .program),
        (Array("GGUF".utf8), .binary), (Array("wOFF".utf8), .binary), (Array("wOF2".utf8), .binary),
        (Array("OTTO".utf8), .binary), ([0x00, 0x01, 0x00, 0x00, 0x00], .binary), (Array("glTF".utf8), .binary),
    ]

    // MARK: Names

    private static let htmlSuffixes: Set<String> = ["html", "htm", "xhtml", "xht"]
    private static let markdownSuffixes: Set<String> = ["md", "markdown", "mdown", "mkd", "mdx", "qmd"]
    private static let recordSuffixes: Set<String> = ["csv", "tsv", "jsonl", "ndjson", "log"]
    private static let codeSuffixes: Set<String> = [
        "swift", "c", "h", "cc", "cpp", "hpp", "cxx", "m", "mm", "py", "rb", "js", "mjs", "ts", "tsx", "jsx", "java",
        "kt",
        "go", "rs", "cs", "php", "pl", "pm", "sh", "bash", "zsh", "fish", "lua", "r", "jl", "scala", "hs", "ml", "sql",
        "json", "yaml", "yml", "toml", "ini", "cfg", "conf", "xml", "css", "scss", "cmake", "mk", "gradle", "proto",
        "graphql", "tf", "dockerfile", "diff", "patch", "s", "asm", "f90", "tex", "bib",
    ]
    private static let reasonBySuffix: [String: SkipReason] = [
        "mp3": .audio, "wav": .audio, "m4a": .audio, "aac": .audio, "mp4": .video, "mov": .video, "mkv": .video,
        "avi": .video, "bmp": .image, "ico": .image, "tif": .image, "webp": .image, "doc": .office, "xls": .office,
        "ppt": .office, "tar": .archive, "exe": .program, "dll": .program, "so": .program, "o": .program,
        "jar": .program, "war": .program, "apk": .program, "whl": .program, "xpi": .program, "nupkg": .program,
        "db": .database, "sqlite": .database,
    ]
}

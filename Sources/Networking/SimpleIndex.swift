// Reads a page of a Python package index: PEP 691 (JSON) where the server has it, else PEP 503 (HTML).

import FoundationEssentials

/// One project's page of an index.
package enum SimpleIndex {
    /// What is asked for, in order of preference.
    package static let accept =
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

    /// The address of a project's page; names are normalized as PEP 503 says.
    package static func page(of project: String, index: String) -> String {
        let base = index.hasSuffix("/") ? index : index + "/"
        return base + normalized(project) + "/"
    }

    /// Lower case, runs of `-`, `_` and `.` as one `-`.
    package static func normalized(_ name: String) -> String {
        var result = ""
        for character in name.lowercased() {
            if "-_.".contains(character) {
                if result.last != "-" { result.append("-") }
            } else {
                result.append(character)
            }
        }
        return result
    }

    /// The files of a page. `url` is where the page came from.
    package static func files(_ text: String, contentType: String, url: String) -> [RemoteFile]? {
        contentType.hasSuffix("json") ? json(text, url: url) : html(text, url: url)
    }

    /// The wheel of a version that fits every machine.
    package static func wheel(of project: String, version: String, in files: [RemoteFile]) -> RemoteFile? {
        files.filter { file in
            let parts = file.name.split(separator: "-")
            return file.name.hasSuffix(".whl") && parts.count >= 5
                && normalized(String(parts[0])) == normalized(project)
                && parts[1] == version
        }.min {
            ($0.name.hasSuffix("-none-any.whl") ? 0 : 1, $0.name) < (
                $1.name.hasSuffix("-none-any.whl") ? 0 : 1, $1.name
            )
        }
    }

    private struct Page: Decodable {
        struct File: Decodable {
            var filename: String
            var url: String
            var hashes: [String: String]?
            var size: Int?
        }
        var files: [File]
    }

    private static func json(_ text: String, url: String) -> [RemoteFile]? {
        guard let page = try? JSONDecoder().decode(Page.self, from: Data(text.utf8)) else { return nil }
        return page.files.compactMap { file in
            absolute(file.url, from: url).map {
                RemoteFile(name: file.filename, url: $0, sha256: file.hashes?["sha256"]?.lowercased(), size: file.size)
            }
        }
    }

    /// The anchors of a page. An index page is a plain list of `<a href="…#sha256=…">name</a>`.
    private static func html(_ text: String, url: String) -> [RemoteFile] {
        var files: [RemoteFile] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "<a ") {
            rest = rest[open.upperBound...]
            guard let end = rest.firstIndex(of: ">"), let close = rest.firstRange(of: "</a>"), end < close.lowerBound
            else { break }
            let attributes = rest[..<end]
            let name = rest[rest.index(after: end)..<close.lowerBound].trimmed
            rest = rest[close.upperBound...]
            guard let href = attribute("href", in: attributes) else { continue }
            let halves = href.split(separator: "#", maxSplits: 1)
            guard let first = halves.first, let full = absolute(String(first), from: url) else { continue }
            let hash = halves.dropFirst().first.flatMap { $0.hasPrefix("sha256=") ? String($0.dropFirst(7)) : nil }
            files.append(RemoteFile(name: unescaped(name), url: full, sha256: hash?.lowercased()))
        }
        return files
    }

    private static func attribute(_ name: String, in text: Substring) -> String? {
        guard let start = text.firstRange(of: name + "=") else { return nil }
        let value = text[start.upperBound...]
        guard let quote = value.first, quote == "\"" || quote == "'" else { return nil }
        return unescaped(String(value.dropFirst().prefix { $0 != quote }))
    }

    private static func unescaped(_ text: some StringProtocol) -> String {
        String(text).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&amp;", with: "&")
    }

    private static func absolute(_ link: String, from page: String) -> String? {
        WebAddress(page)?.resolving(link)?.text
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}

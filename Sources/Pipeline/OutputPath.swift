// The placeholders in paths of outputs: `{doc.stem}` and its kin.

import Runs

/// Fills in paths of outputs.
enum OutputPath {
    /// `doc.stem` is the document's file name without extension, `doc.name` with it; `id` names the record.
    static let known = ["doc.name", "doc.stem", "id"]

    /// The placeholders of a path, without braces.
    static func placeholders(in path: String) -> [String] {
        var names: [String] = []
        var rest = Substring(path)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            names.append(String(rest[rest.index(after: open)..<close]))
            rest = rest[rest.index(after: close)...]
        }
        return names
    }

    /// The path of one record. Names that came from documents can't lead out of the folder that the file names.
    static func fill(_ path: String, doc: String?, id: String) -> String {
        let name = doc.map { String($0.split(separator: "/").last ?? "document") } ?? id
        let stem = name.lastIndex(of: ".").map { $0 == name.startIndex ? name : String(name[..<$0]) } ?? name
        return fill(path, name: name, stem: stem, id: id)
    }

    static func fill(_ path: String, name: String, stem: String, id: String) -> String {
        var out = ""
        var rest = Substring(path)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            out += rest[..<open]
            switch rest[rest.index(after: open)..<close] {
            case "doc.stem": out += safe(stem)
            case "doc.name": out += safe(name)
            case "id": out += safe(id)
            default: out += rest[open...close]
            }
            rest = rest[rest.index(after: close)...]
        }
        return out + rest
    }

    private static func safe(_ name: String) -> String {
        let cleaned = String(
            name.map { $0 == "/" || $0 == "\\" || $0 == "\0" || $0.isNewline ? "_" as Character : $0 })
        return cleaned.isEmpty || cleaned.allSatisfy({ $0 == "." }) ? "_" : cleaned
    }
}

// An office document as the parts it consists of, and how they refer to each other.

import Documents

/// A zip file of XML parts.
struct OfficePackage {
    private var zip: ZipFile

    /// Opens a package.
    init(_ bytes: ArraySlice<UInt8>) throws(ExtractionFailure) {
        zip = try ZipFile(bytes)
    }

    /// A part; nil if there is none of that name.
    mutating func bytes(_ part: String) throws(ExtractionFailure) -> [UInt8]? {
        do throws(ExtractionFailure) {
            return try zip.part(part)
        } catch {
            throw ExtractionFailure(error.reason, "\(part): \(error.detail)")
        }
    }

    /// A parsed part.
    mutating func xml(_ part: String) throws(ExtractionFailure) -> XMLEvents? {
        guard let bytes = try bytes(part) else { return nil }
        return try XMLEvents(bytes, part: part)
    }

    /// Whether there is such a part.
    func contains(_ part: String) -> Bool { zip.contains(part) }

    /// A reference from one part to another.
    struct Relationship {
        var id: String
        /// The last step of its type's address, such as `footnotes`.
        var type: String
        /// The other part's name.
        var target: String
    }

    /// What a part refers to; `""` for the package itself. References out of the package are left out.
    mutating func relationships(of part: String) throws(ExtractionFailure) -> [Relationship] {
        let folder = PartName.folder(of: part)
        let file = part[folder.endIndex...]
        guard let xml = try xml("\(folder)_rels/\(file).rels") else { return [] }
        var found: [Relationship] = []
        for index in xml.indices {
            guard case .open("Relationship", let attributes) = xml[index],
                xml.attribute("TargetMode", in: attributes) != "External",
                let type = xml.attribute("Type", in: attributes), let target = xml.attribute("Target", in: attributes)
            else { continue }
            found.append(
                Relationship(
                    id: xml.attribute("Id", in: attributes) ?? "",
                    type: type.split(separator: "/").last.map(String.init) ?? "",
                    target: PartName.resolve(target, in: String(folder))))
        }
        return found
    }
}

/// Names of parts.
enum PartName {
    /// All up to the last slash, with it.
    static func folder(of part: String) -> Substring {
        part.lastIndex(of: "/").map { part[...$0] } ?? part[..<part.startIndex]
    }

    /// The part that a reference means, from a folder; its fragment is dropped.
    static func resolve(_ reference: String, in folder: String) -> String {
        let path = unescaped(String(reference.prefix { $0 != "#" }))
        var steps: [Substring] = []
        for step in (path.hasPrefix("/") ? path : folder + path).split(separator: "/") {
            switch step {
            case ".": continue
            case "..": _ = steps.popLast()
            default: steps.append(step)
            }
        }
        return steps.joined(separator: "/")
    }

    /// Without percent signs: `a%20b` is `a b`.
    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(0x25) else { return text }
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        var at = 0
        while at < source.count {
            if source[at] == 0x25, at + 2 < source.count,
                let value = UInt8(String(decoding: source[at + 1...at + 2], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                at += 3
            } else {
                bytes.append(source[at])
                at += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

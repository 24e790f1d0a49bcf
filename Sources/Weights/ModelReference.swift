// What a user may write to name a model elsewhere: a repository of a hub, or an address. Pure text; nothing is asked.

package import Diagnostics

/// A model that is not in the catalogue, by where it is published.
package enum ModelReference: Sendable, Equatable {
    /// A repository of the Hugging Face hub's layout.
    case repository(HubReference)
    /// `https://HOST/FILE.gguf`.
    case address(String)

    /// Understands `hf:OWNER/NAME[@REVISION][:FILE-or-QUANT]`, the same without `hf:`, and addresses; nil for anything
    /// else.
    ///
    /// - Throws: `DP-CLI-01` for a text that starts like one of them and is none.
    package init?(_ text: String) throws(UserError) {
        if text.hasPrefix("https://") || text.hasPrefix("http://") {
            self = .address(text)
        } else if text.hasPrefix("hf:") {
            guard let reference = HubReference(String(text.dropFirst(3))) else {
                throw UserError(
                    .badFlag, "\"\(SafeName.printable(text))\" names no repository",
                    remedies: [
                        .init("hf:OWNER/NAME", "the repository's usual file"),
                        .init("hf:OWNER/NAME@REVISION:Q4_K_M", "with branch, tag or commit, and quantization or file"),
                    ])
            }
            self = .repository(reference)
        } else if let reference = HubReference(text) {
            self = .repository(reference)
        } else {
            return nil
        }
    }
}

/// A repository and what of it is meant.
package struct HubReference: Sendable, Equatable {
    package let owner: String
    package let name: String
    /// Branch, tag or commit.
    package let revision: String?
    /// A quantization or the path of a file.
    package let selector: String?

    /// `OWNER/NAME`.
    package var repository: String { "\(owner)/\(name)" }

    /// Takes `OWNER/NAME[@REVISION][:SELECTOR]` apart; nil if it has another form.
    package init?(_ text: String) {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let place = halves[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let words = place[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2, words.allSatisfy(Self.isWord) else { return nil }
        owner = words[0]
        name = words[1]
        revision = place.count > 1 ? String(place[1]) : nil
        selector = halves.count > 1 ? String(halves[1]) : nil
        if let revision, !SafeName.isRelativePath(revision) { return nil }
        if let selector, !SafeName.isRelativePath(selector) { return nil }
    }

    /// A component of a repository's name.
    private static func isWord(_ word: String) -> Bool {
        guard let first = word.first, first != ".", first != "-", first != "~", word.count <= 96, !word.contains("..")
        else { return false }
        return word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    }
}

/// Names that others chose, before they become paths or reach a terminal.
package enum SafeName {
    /// Whether a path stays below the folder that it is relative to, and has nothing that could fool a reader.
    package static func isRelativePath(_ path: String) -> Bool {
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count <= 1024 && !path.contains("\\") && !hasControls(path)
            && components.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 200 }
    }

    /// The text without control characters, cut to a readable length.
    package static func printable(_ text: String, limit: Int = 200) -> String {
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) { kept.append(isControl(scalar) ? "?" : scalar) }
        return String(kept)
    }

    private static func hasControls(_ text: String) -> Bool { text.unicodeScalars.contains(where: isControl) }

    /// Control characters, and those that turn the direction of writing.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        default: false
        }
    }
}

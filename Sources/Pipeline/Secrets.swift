// Literals that look like keys or passwords: they belong in the environment, never in a file.

import Diagnostics

/// Finds secrets in a file. Their text is starred out of every complaint.
enum Secrets {
    /// Beginnings of well-known keys, each with the least length of the whole.
    private static let prefixes: [(String, Int)] = [
        ("sk-", 20), ("hf_", 20), ("ghp_", 20), ("gho_", 20), ("ghs_", 20), ("github_pat_", 20), ("glpat-", 15),
        ("xoxb-", 15), ("xoxp-", 15), ("AKIA", 20), ("ASIA", 20), ("AIza", 30), ("pypi-", 30), ("npm_", 30),
        ("eyJhbGci", 20), ("Bearer ", 15), ("-----BEGIN ", 15),
    ]
    /// Keys whose value is a secret whatever it looks like.
    private static let keys: Set<String> = [
        "api_key", "apikey", "key", "token", "password", "passwd", "secret", "authorization", "access_token",
    ]

    /// Complains about literals; the marks of all are returned so that they can be hidden.
    static func find(_ tree: Tree, in source: SourceText, _ complaints: inout ComplaintList) -> [Mark] {
        var found: [Mark] = []
        var problems = complaints
        tree.forEachScalar { key, node, scalar in
            guard !scalar.isNull, !scalar.raw.contains("${") else { return }
            let byName = keys.contains(key.lowercased()) && scalar.bool == nil && scalar.double == nil
            guard byName || looksSecret(scalar.raw) else { return }
            var mark = node.mark
            mark.length = max(mark.length, source.line(mark.line).unicodeScalars.count - mark.column + 1)
            found.append(mark)
            // Text below a | or over several lines is hidden whole.
            let more = scalar.raw.split(separator: "\n").count
            for line in mark.line + 1..<mark.line + 1 + more {
                found.append(Mark(line: line, column: 1, length: more > 1 ? source.line(line).unicodeScalars.count : 0))
            }
            problems.add(
                .yamlSecret, node.mark, "\(key) looks like a secret written into the file",
                "put it into a variable and write ${env.NAME}")
        }
        complaints = problems
        return found
    }

    private static func looksSecret(_ text: String) -> Bool {
        prefixes.contains { prefix, length in
            guard text.hasPrefix(prefix), text.utf8.count >= length else { return false }
            // Prose that happens to begin so has spaces; a key has none behind its beginning.
            return prefix.hasSuffix(" ") || !text.contains(" ")
        }
    }
}

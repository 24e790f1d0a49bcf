// The patterns of .gitignore, as its manual describes them; also used for --include and --exclude.

/// One pattern.
package struct GlobPattern: Sendable, Equatable {
    /// Path components to match; nil stands for `**`.
    private let components: [[UInt8]?]
    /// Matches only directories.
    package let isForDirectories: Bool
    /// Takes back what earlier patterns matched.
    package let isNegated: Bool

    /// Reads a line; nil for blank lines, comments and patterns that can't match.
    package init?(_ line: some StringProtocol) {
        var text = Array(line.utf8)
        if text.last == 0x0D { text.removeLast() }
        // Blanks at the end don't count, unless escaped.
        while text.last == 0x20, !(text.count > 1 && text[text.count - 2] == 0x5C) { text.removeLast() }
        guard let first = text.first, first != 0x23 else { return nil }
        isNegated = first == 0x21
        if isNegated { text.removeFirst() }
        isForDirectories = text.last == 0x2F
        if isForDirectories { text.removeLast() }
        let isAnchored = text.contains(0x2F)
        if text.first == 0x2F { text.removeFirst() }
        guard !text.isEmpty else { return nil }
        var parts: [[UInt8]?] = text.split(separator: 0x2F, omittingEmptySubsequences: true).map {
            $0.elementsEqual("**".utf8) ? nil : Array($0)
        }
        if !isAnchored { parts.insert(nil, at: 0) }
        components = parts
    }

    /// Whether a path, relative to the pattern's directory and without a slash at its end, matches.
    package func matches(_ path: String, isDirectory: Bool = false) -> Bool {
        if isForDirectories, !isDirectory { return false }
        return reach(path).matches
    }

    /// Whether something below a directory could match.
    package func canMatch(below directory: String) -> Bool { reach(directory).leadsOn }

    /// Whether all components match a path, and whether all of the path is matched while components are left.
    private func reach(_ path: String) -> (matches: Bool, leadsOn: Bool) {
        let names = path.utf8.split(separator: 0x2F).map(Array.init)
        // reachable[i]: the first i names can be matched by the components so far.
        var reachable = [Bool](repeating: false, count: names.count + 1)
        reachable[0] = true
        var leadsOn = false
        for (place, component) in components.enumerated() {
            leadsOn = leadsOn || reachable[names.count]
            var next = [Bool](repeating: false, count: names.count + 1)
            if let component {
                for index in names.indices where reachable[index] && Self.matches(component, names[index]) {
                    next[index + 1] = true
                }
            } else {
                // `a/**` matches what is inside a, not a itself.
                let isLast = place == components.count - 1
                var seen = false
                for index in reachable.indices {
                    if seen || (reachable[index] && !isLast) { next[index] = true }
                    seen = seen || reachable[index]
                }
                // It also stands for names further down.
                leadsOn = leadsOn || next[names.count]
            }
            reachable = next
        }
        return (reachable[names.count], leadsOn)
    }

    /// Matches one name against one component: `*`, `?`, `[a-z]`, `[!a]`, `\x`, byte by byte as git does. Backtracks to
    /// the last star only.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (p, n) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == 0x2A {
                star = (p, n)
                p += 1
            } else if p < pattern.count, let length = single(pattern, p, name, n) {
                p += length
                n += 1
            } else if let back = star {
                star = (back.pattern, back.name + 1)
                p = back.pattern + 1
                n = back.name + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == 0x2A }
    }

    /// Bytes of the pattern that match the byte of the name here, or nil.
    private static func single(_ pattern: [UInt8], _ p: Int, _ name: [UInt8], _ n: Int) -> Int? {
        switch pattern[p] {
        case 0x3F: return 1
        case 0x5C where p + 1 < pattern.count: return pattern[p + 1] == name[n] ? 2 : nil
        case 0x5B:
            guard let end = classEnd(pattern, p) else { return pattern[p] == name[n] ? 1 : nil }
            var at = p + 1
            let isNegated = pattern[at] == 0x21 || pattern[at] == 0x5E
            if isNegated { at += 1 }
            var isIn = false
            while at < end {
                if at + 2 < end, pattern[at + 1] == 0x2D {
                    if pattern[at] <= pattern[at + 2] {
                        isIn = isIn || (pattern[at]...pattern[at + 2]).contains(name[n])
                    }
                    at += 3
                } else {
                    isIn = isIn || pattern[at] == name[n]
                    at += 1
                }
            }
            return isIn != isNegated ? end + 1 - p : nil
        default: return pattern[p] == name[n] ? 1 : nil
        }
    }

    private static func classEnd(_ pattern: [UInt8], _ p: Int) -> Int? {
        var at = p + 1
        if at < pattern.count, pattern[at] == 0x21 || pattern[at] == 0x5E { at += 1 }
        if at < pattern.count, pattern[at] == 0x5D { at += 1 }
        return pattern[min(at, pattern.count)...].firstIndex(of: 0x5D)
    }
}

/// The patterns in force in a directory: those of the files above first, its own last. The last match decides.
struct IgnoreRules: Sendable {
    private struct Source {
        /// Path of the directory relative to the root of the walk; "" for the root.
        var directory: String
        /// Whether `directory` lies above the root: then paths get it as a prefix.
        var prefix: String
        var patterns: [GlobPattern]
    }

    private var sources: [Source] = []

    /// No patterns.
    init() {}

    /// Adds the text of an ignore file that stands in `directory`, relative to the root of the walk; or above the
    /// root, which then has the path `prefix` seen from there.
    mutating func add(_ text: String, directory: String, prefix: String = "") {
        let patterns = text.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" }).compactMap { GlobPattern($0) }
        if !patterns.isEmpty { sources.append(Source(directory: directory, prefix: prefix, patterns: patterns)) }
    }

    /// Whether a path relative to the root of the walk is ignored. Its parents are not asked: they were before.
    func ignores(_ path: String, isDirectory: Bool) -> Bool {
        for source in sources.reversed() {
            let relative: String
            if !source.prefix.isEmpty {
                relative = source.prefix + "/" + path
            } else if source.directory.isEmpty {
                relative = path
            } else {
                relative = String(path.dropFirst(source.directory.count + 1))
            }
            if let last = source.patterns.last(where: { $0.matches(relative, isDirectory: isDirectory) }) {
                return !last.isNegated
            }
        }
        return false
    }
}

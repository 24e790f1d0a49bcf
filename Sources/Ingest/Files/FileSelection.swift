// What `--include` and `--exclude` say about files, on the disk and in archives.
//
// An archive counts as a folder: patterns see its members under `archive.zip/inner/name.html`, and where the user named
// the archive itself under `inner/name.html`, as in a folder that was named. Two things follow from its also being a
// file: one that matches `--include` is read whole, and what a gzip file holds goes by its name without `.gz` as well.

/// The patterns in force.
struct FileSelection: Sendable {
    /// What a file is to patterns.
    struct Place: Sendable, Equatable {
        /// Its path relative to the named directory; a named file's own name.
        var path: String
        /// Whether the user named it.
        var isNamed = false
        /// Whether it is read. If not, it may still be an archive that holds what is.
        var isChosen: Bool

        /// What stands before the paths of its members, if it is an archive.
        var membersPrefix: String { isNamed ? "" : path + "/" }
    }

    private let include: [GlobPattern]
    private let exclude: [GlobPattern]

    /// `paths`: the files and folders that the user named.
    init(_ options: IngestOptions, of paths: [String]) {
        include = Self.patterns(options.include, of: paths)
        exclude = Self.patterns(options.exclude, of: paths)
    }

    /// Patterns, also as they are for one that begins with the path of a folder or archive that the user named: so files
    /// are called in what is printed.
    private static func patterns(_ globs: [String], of paths: [String]) -> [GlobPattern] {
        globs.flatMap { glob in
            [GlobPattern(glob)]
                + paths.map { path in
                    let folder = path.hasSuffix("/") ? path : path + "/"
                    if glob == path { return path.split(separator: "/").last.flatMap { GlobPattern("/" + $0) } }
                    return glob.hasPrefix(folder) ? GlobPattern("/" + glob.dropFirst(folder.count)) : nil
                }
        }.compactMap { $0 }
    }

    /// A file of a directory, or one that was named; nil where it is left out.
    func file(_ path: String, isNamed: Bool = false) -> Place? {
        selected(Place(path: path, isNamed: isNamed, isChosen: false))
    }

    /// A member of an archive; nil where it is left out.
    func member(_ name: String, of archive: Place) -> Place? {
        // Folders above: those on the disk were asked before.
        var folders = archive.membersPrefix
        for step in name.split(separator: "/").dropLast() {
            folders += step
            if excludes(folders, isDirectory: true) { return nil }
            folders += "/"
        }
        return selected(Place(path: archive.membersPrefix + name, isChosen: archive.isChosen))
    }

    /// What a gzip file holds; nil where it is left out.
    func content(ofGzip file: Place) -> Place? {
        guard FileKind.suffix(of: file.path) == "gz" else { return file }
        return selected(Place(path: String(file.path.dropLast(3)), isNamed: file.isNamed, isChosen: file.isChosen))
    }

    /// Whether a directory is not entered.
    func excludes(_ path: String, isDirectory: Bool = false) -> Bool {
        exclude.contains { $0.matches(path, isDirectory: isDirectory) }
    }

    private func selected(_ place: Place) -> Place? {
        guard !excludes(place.path) else { return nil }
        var place = place
        place.isChosen = place.isChosen || includes(place.path)
        return place.isChosen || mayHoldChosen(place) ? place : nil
    }

    private func includes(_ path: String) -> Bool {
        include.isEmpty || include.contains { $0.matches(path) }
    }

    /// Whether a file that is not read is opened all the same: an archive by its name, of which a member could match.
    private func mayHoldChosen(_ place: Place) -> Bool {
        switch FileKind.suffix(of: place.path) {
        case "zip": include.contains { $0.canMatch(below: place.membersPrefix) }
        case "gz": content(ofGzip: place) != nil
        default: false
        }
    }
}

// From the paths that a user names to the files to read, in a fixed order, each accounted for.
//
// Directories are walked by byte order of their entries' paths. Whatever is not read gets its outcome here. Nothing
// is opened but directories and ignore files.

import Documents
import Glibc

/// A file to read, or the outcome of one that won't be.
enum FoundFile: Equatable {
    /// `path`: as shown; `name`: as opened, bytes ending in 0; `place`: as patterns see it.
    case candidate(path: String, name: [CChar], place: FileSelection.Place)
    case settled(IngestOutcome)

    var path: String {
        switch self {
        case .candidate(let path, _, _): path
        case .settled(let outcome): outcome.path
        }
    }
}

/// Walks directories.
struct FileFinder {
    private let options: IngestOptions
    private let selection: FileSelection
    private var found: [FoundFile] = []
    private var shown: Set<String> = []
    /// Directories and files seen, to list each once.
    private var seen: Set<FileIdentity> = []

    private struct FileIdentity: Hashable {
        var device: UInt
        var inode: UInt
    }

    init(_ options: IngestOptions, _ paths: [String]) {
        self.options = options
        selection = FileSelection(options, of: paths)
    }

    /// All files below some paths: by argument, then by path bytewise.
    static func find(_ paths: [String], _ options: IngestOptions) -> [FoundFile] {
        var finder = FileFinder(options, paths)
        for path in paths { finder.argument(path) }
        return finder.found
    }

    private mutating func argument(_ path: String) {
        if path == "-" {
            let place = FileSelection.Place(path: "-", isNamed: true, isChosen: true)
            return add(.candidate(path: "-", name: Array("-\0".utf8CString), place: place))
        }
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        let name = trimmed.isEmpty ? "." : trimmed
        var status = stat()
        guard stat(name, &status) == 0 else {
            return add(.settled(Self.failure(name, errno)))
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            let display = name == "." ? "" : name == "/" ? "/" : name + "/"
            var rules = IgnoreRules()
            if options.honoursIgnoreFiles { addRulesAbove(name, to: &rules) }
            if seen.insert(Self.identity(status)).inserted {
                walk(Directory(name: Array(name.utf8CString), display: display, rules: rules))
            } else {
                add(.settled(IngestOutcome(path: display, status: .skipped(.duplicate))))
            }
        case S_IFREG:
            let last = name.split(separator: "/").last.map(String.init) ?? name
            if let place = selection.file(last, isNamed: true) {
                _ = seen.insert(Self.identity(status))
                add(.candidate(path: name, name: Array(name.utf8CString), place: place))
            } else {
                add(.settled(IngestOutcome(path: name, size: Int(status.st_size), status: .skipped(.excluded))))
            }
        default:
            add(.settled(IngestOutcome(path: name, status: .skipped(.special))))
        }
    }

    private mutating func add(_ file: FoundFile) {
        // The same path named twice is one file.
        if shown.insert(file.path).inserted { found.append(file) }
    }

    // MARK: Walking

    private struct Directory {
        var name: [CChar]
        /// As shown, with a slash at its end; "" for the working directory.
        var display: String
        var rules: IgnoreRules
        /// Relative to the named directory, without a slash at its end; "" for that itself.
        var relative = ""
    }

    private struct Entry {
        var name: [UInt8]
        var isDirectory: Bool
        var status: stat?
        var error: Int32
        /// What it sorts by: a directory's name with its slash, so that whole paths come out in byte order.
        var key: [UInt8] { isDirectory ? name + [0x2F] : name }
    }

    /// Walks with a stack of its own, so that depth costs no stack.
    private mutating func walk(_ root: Directory) {
        enum Work {
            case directory(Directory)
            case file(FoundFile)
        }
        var stack: [Work] = [.directory(root)]
        while let work = stack.popLast() {
            guard case .directory(var directory) = work else {
                if case .file(let file) = work { add(file) }
                continue
            }
            if found.count + stack.count > options.limits.files {
                add(
                    .settled(
                        IngestOutcome(
                            path: directory.display,
                            status: .failed(
                                ExtractionFailure(.tooLarge, "over \(options.limits.files) files; not listed")))))
                continue
            }
            guard let entries = Self.entries(of: directory.name) else {
                let code = errno
                add(.settled(Self.failure(directory.display.isEmpty ? "./" : directory.display, code)))
                continue
            }
            if options.honoursIgnoreFiles { addRules(in: &directory, entries) }
            var below: [Work] = []
            for entry in entries {
                let name = Self.display(entry.name)
                let relative = directory.relative.isEmpty ? name : directory.relative + "/" + name
                let shown = directory.display + name
                let opened = Self.joined(directory.name, entry.name)
                guard let status = entry.status else {
                    below.append(.file(.settled(Self.failure(shown, entry.error))))
                    continue
                }
                let place = entry.isDirectory ? nil : selection.file(relative)
                if let reason = reason(entry, relative, place, directory.rules) {
                    let path = entry.isDirectory ? shown + "/" : shown
                    let size = entry.isDirectory ? 0 : Int(status.st_size)
                    below.append(.file(.settled(IngestOutcome(path: path, size: size, status: .skipped(reason)))))
                    continue
                }
                if !seen.insert(Self.identity(status)).inserted {
                    let path = entry.isDirectory ? shown + "/" : shown
                    let isLoop = entry.isDirectory && Self.isAbove(status, opened)
                    below.append(
                        .file(.settled(IngestOutcome(path: path, status: .skipped(isLoop ? .loop : .duplicate)))))
                } else if entry.isDirectory {
                    below.append(
                        .directory(
                            Directory(
                                name: opened, display: shown + "/", rules: directory.rules, relative: relative)))
                } else if let place {
                    below.append(.file(.candidate(path: shown, name: opened, place: place)))
                }
            }
            stack.append(contentsOf: below.reversed())
        }
    }

    /// Why an entry is not read or entered, if so.
    private func reason(
        _ entry: Entry, _ relative: String, _ place: FileSelection.Place?, _ rules: IgnoreRules
    ) -> SkipReason? {
        if entry.name.first == 0x2E { return .hidden }
        if rules.ignores(relative, isDirectory: entry.isDirectory) { return .ignored }
        if entry.isDirectory {
            return selection.excludes(relative, isDirectory: true) ? .excluded : nil
        }
        guard let status = entry.status, status.st_mode & S_IFMT == S_IFREG else { return .special }
        return place == nil ? .excluded : nil
    }

    // MARK: Ignore files

    private func addRules(in directory: inout Directory, _ entries: [Entry]) {
        for name in [".gitignore", ".docprocignore"] where entries.contains(where: { $0.name.elementsEqual(name.utf8) })
        {
            if let text = Self.smallFile(Self.joined(directory.name, Array(name.utf8))) {
                directory.rules.add(text, directory: directory.relative)
            }
        }
    }

    /// Ignore files above a named directory, up to the root of its git repository; none outside of one.
    private func addRulesAbove(_ name: String, to rules: inout IgnoreRules) {
        guard let resolved = realpath(name, nil) else { return }
        defer { free(resolved) }
        let parts = String(cString: resolved).split(separator: "/").map(String.init)
        guard
            let top = (0..<parts.count).reversed().first(where: { count in
                var status = stat()
                return stat("/" + parts[..<count].joined(separator: "/") + "/.git", &status) == 0
            })
        else { return }
        var status = stat()
        // A repository of its own begins here.
        if stat("/" + parts.joined(separator: "/") + "/.git", &status) == 0 { return }
        for count in top..<parts.count {
            let above = "/" + parts[..<count].joined(separator: "/")
            for file in [".gitignore", ".docprocignore"] {
                if let text = Self.smallFile(Array((above + "/" + file).utf8CString)) {
                    rules.add(text, directory: "", prefix: parts[count...].joined(separator: "/"))
                }
            }
        }
    }

    /// A regular file of at most a mebibyte, as text.
    private static func smallFile(_ name: [CChar]) -> String? {
        guard case .success(let bytes) = FileReader.read(name, limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: System

    private static func entries(of name: [CChar]) -> [Entry]? {
        guard let handle = opendir(name) else { return nil }
        defer { closedir(handle) }
        var entries: [Entry] = []
        while let item = readdir(handle) {
            // The field is declared longer than the entry is.
            let length = Int(item.pointee.d_reclen)
            let bytes = withUnsafeBytes(of: &item.pointee.d_name) { field in
                Array(field.prefix(length).prefix { $0 != 0 })
            }
            if bytes.elementsEqual(".".utf8) || bytes.elementsEqual("..".utf8) { continue }
            var status = stat()
            let code: Int32 = stat(joined(name, bytes), &status) == 0 ? 0 : errno
            let isDirectory = code == 0 && status.st_mode & S_IFMT == S_IFDIR
            entries.append(
                Entry(name: bytes, isDirectory: isDirectory, status: code == 0 ? status : nil, error: code))
        }
        return entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    private static func joined(_ directory: [CChar], _ name: [UInt8]) -> [CChar] {
        var path = Array(directory.dropLast())
        if path.last != 0x2F { path.append(0x2F) }
        path.append(contentsOf: name.map { CChar(bitPattern: $0) })
        path.append(0)
        return path
    }

    /// A name as text; bytes that are no UTF-8 as `\xNN`, so that different names stay different.
    private static func display(_ name: [UInt8]) -> String {
        if let text = String(validating: name, as: UTF8.self) { return text }
        var text = ""
        var at = 0
        while at < name.count {
            let length = UTF8Repair.validLength(name[...], at: at)
            if length > 0 {
                text += String(decoding: name[at..<at + length], as: UTF8.self)
                at += length
            } else {
                let digits = String(name[at], radix: 16)
                text += "\\x" + (digits.count == 1 ? "0" : "") + digits
                at += 1
            }
        }
        return text
    }

    private static func identity(_ status: stat) -> FileIdentity {
        FileIdentity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }

    /// Whether a directory is one of those on the way to a path.
    private static func isAbove(_ status: stat, _ path: [CChar]) -> Bool {
        var rest = path.dropLast()
        while let slash = rest.lastIndex(of: 0x2F) {
            rest = rest[..<slash]
            var above = stat()
            if stat(Array(rest.isEmpty ? [0x2F] : rest) + [0], &above) == 0, identity(above) == identity(status) {
                return true
            }
        }
        return false
    }

    private static func failure(_ path: String, _ code: Int32) -> IngestOutcome {
        IngestOutcome(path: path, status: .failed(FileReader.failure(code)))
    }
}

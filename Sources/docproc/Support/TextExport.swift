import Diagnostics
import Documents
import Glibc
import Runs

/// The text of documents as files in a folder: `ingest --export text -o DIR`.
///
/// A file is named after its document: `sub/paper.pdf` in a folder that was named becomes `sub/paper.txt`; where two
/// documents would have one name, `sub/paper.pdf.txt`, and where that is not enough the whole path. Names depend on
/// the documents alone and not on the order in which they were read, so files get theirs at the end.
final class TextExport {
    private let folder: String
    private let partial: String
    /// Folders and files as the user named them.
    private let arguments: [String]
    private var paths: [String] = []

    /// Makes the folder.
    init(folder: String, arguments: [String]) throws(UserError) {
        self.folder = folder
        self.arguments = arguments.map { argument in
            var name = argument
            while name.count > 1, name.hasSuffix("/") { name.removeLast() }
            return name
        }
        partial = "\(folder)/.docproc-partial-\(getpid())"
        do {
            try Folder.create(partial)
        } catch {
            if case .full = error { throw error.userError }
            throw UserError(
                .noPermission, "files cannot be written to the folder", places: [.init("folder", folder)],
                remedies: [.init("-o DIR", "choose another folder")])
        }
    }

    deinit {
        for index in paths.indices { unlink("\(partial)/\(index)") }
        rmdir(partial)
    }

    /// Writes the text of a document, to be named in `finish()`.
    func write(_ document: Document) throws {
        let name = "\(partial)/\(paths.count)"
        paths.append(document.path)
        do throws(FileError) {
            try AtomicFile.write(document.mainText, to: name)
        } catch {
            throw error.userError
        }
    }

    /// Gives each file its name, over a file that has it already.
    func finish() throws {
        let names = Self.names(of: paths, arguments: arguments)
        for (index, name) in names.enumerated() {
            let target = "\(folder)/\(name)"
            if let slash = target.lastIndex(of: "/") {
                do { try Folder.create(String(target[..<slash])) } catch { throw error.userError }
            }
            guard rename("\(partial)/\(index)", target) == 0 else {
                throw UserError(
                    .noPermission, "the text of \(paths[index]) could not be given its name",
                    places: [.init("file", target)])
            }
        }
    }

    /// A name for each path, all different.
    static func names(of paths: [String], arguments: [String]) -> [String] {
        let candidates = paths.map { path -> [String] in
            let relative = safe(relative(path, to: arguments))
            return [withoutSuffix(relative) + ".txt", relative + ".txt", safe(path) + ".txt"]
        }
        var names = candidates.map { $0[0] }
        for level in 1...2 {
            var uses: [String: Int] = [:]
            for name in names { uses[name, default: 0] += 1 }
            for index in names.indices where uses[names[index], default: 0] > 1 {
                names[index] = candidates[index][level]
            }
        }
        // What is still the same differs in what a file name may not hold.
        var seen: Set<String> = []
        for index in names.indices where !seen.insert(names[index]).inserted {
            names[index] = "\(names[index].dropLast(4))~\(index).txt"
            seen.insert(names[index])
        }
        return names
    }

    /// A path below one of the arguments; the last part of the path where it is an argument itself.
    private static func relative(_ path: String, to arguments: [String]) -> String {
        if path == "-" { return "stdin" }
        let above = arguments.filter { path.hasPrefix($0 == "/" ? "/" : $0 + "/") }.max { $0.count < $1.count }
        if let above { return String(path.dropFirst(above.count)) }
        return arguments.contains(path) ? path.split(separator: "/").last.map(String.init) ?? path : path
    }

    /// A path that stays below the folder it is put in.
    private static func safe(_ path: String) -> String {
        path.split(separator: "/").filter { $0 != "." }.map { $0 == ".." ? "_" : String($0) }.joined(separator: "/")
    }

    private static func withoutSuffix(_ path: String) -> String {
        let last = path.split(separator: "/").last ?? ""
        guard let dot = last.lastIndex(of: "."), dot > last.startIndex else { return path }
        return String(path.dropLast(last[dot...].count))
    }
}

import Answering
import Diagnostics
import Runs
import Store
import SystemPackage

/// Where summaries go: standard output, a JSONL file that grows record by record, or a folder of Markdown files.
struct SummaryTarget {
    enum Format: String, CaseIterable { case md, jsonl }

    private enum Place {
        case output(Format)
        case log(RecordLog, known: Set<String>)
        case folder(String)
    }

    private let context: CommandContext
    private let place: Place

    /// - Parameters:
    ///   - path: `--output`; a folder where it is one, ends in a slash, or Markdown is asked for.
    ///   - format: nil follows from the path.
    init(context: CommandContext, path: String?, format: Format?) throws {
        self.context = context
        guard let path else {
            place = .output(format ?? .md)
            return
        }
        if path.hasSuffix("/") || FileFacts.isFolder(path) || format == .md {
            do { try PrivateDirectory.create(path) } catch { throw error.userError }
            place = .folder(path.hasSuffix("/") ? String(path.dropLast()) : path)
            return
        }
        do {
            let known = try RecordLog.read(path).lines.compactMap { Self.identity(ofLine: $0) }
            place = .log(try RecordLog(path: path), known: Set(known))
        } catch {
            throw error.userError
        }
    }

    /// Takes a record; it is on disk when this returns, unless it goes to standard output.
    func take(_ record: SummaryRecord) throws {
        do {
            switch place {
            case .output(.md): try context.output.write(AnswerText.markdown(record))
            case .output(.jsonl): try context.output.line(try RecordJSON.line(record))
            case .log(let log, let known):
                // An unchanged document has its line already.
                if !known.contains(Self.identity(key: record.key, doc: record.doc)) {
                    try log.append(try RecordJSON.line(record))
                }
            case .folder(let folder):
                try AtomicFile.write(AnswerText.markdown(record), to: folder + "/" + Self.name(record))
            }
        } catch let error as FileError {
            throw error.userError
        }
    }

    /// Leaves one line per document in a JSONL file: those of earlier versions go.
    func finish(_ records: [SummaryRecord]) throws {
        guard case .log(let log, _) = place else { return }
        do {
            let keys = records.map { Self.identity(key: $0.key, doc: $0.doc) }
            let lines = try RecordLog.read(log.path).lines
            var current: [String: String] = [:]
            for line in lines {
                if let key = Self.identity(ofLine: line) { current[key] = line }
            }
            guard lines.count > keys.count else { return }
            try AtomicFile.write(keys.compactMap { current[$0] }.map { $0 + "\n" }.joined(), to: log.path)
        } catch {
            throw error.userError
        }
    }

    /// What makes a line that of a record: its key, or the path of a file that could not be read.
    private static func identity(key: String, doc: String?) -> String {
        key.isEmpty ? "file \(doc ?? "")" : key
    }

    private static func identity(ofLine line: String) -> String? {
        guard let record = try? JSONValue(parsing: line) else { return nil }
        return identity(key: record["key"]?.text ?? "", doc: record["doc"]?.text)
    }

    /// A file name that names the document and cannot lead out of the folder.
    private static func name(_ record: SummaryRecord) -> String {
        let doc = record.doc ?? "corpus"
        let parts = doc.split(separator: "/").filter { $0 != "." && $0 != ".." }
        return parts.joined(separator: "_") + ".md"
    }
}

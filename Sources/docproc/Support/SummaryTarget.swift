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
            let known = try RecordLog.read(path).lines.compactMap { try? JSONValue(parsing: $0)["key"]?.text }
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
                if !known.contains(record.key) { try log.append(try RecordJSON.line(record)) }
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
            let keys = records.map(\.key)
            let lines = try RecordLog.read(log.path).lines
            var current: [String: String] = [:]
            for line in lines {
                if let key = (try? JSONValue(parsing: line))?["key"]?.text { current[key] = line }
            }
            guard lines.count > keys.count else { return }
            try AtomicFile.write(keys.compactMap { current[$0] }.map { $0 + "\n" }.joined(), to: log.path)
        } catch {
            throw error.userError
        }
    }

    /// A file name that names the document and cannot lead out of the folder.
    private static func name(_ record: SummaryRecord) -> String {
        let doc = record.doc ?? "corpus"
        let parts = doc.split(separator: "/").filter { $0 != "." && $0 != ".." }
        return parts.joined(separator: "_") + ".md"
    }
}

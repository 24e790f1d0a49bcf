// A run on disk: a folder with `run.json`, `events.jsonl` and `results.jsonl`.
//
// What is in them is the caller's; this file sees to ids, places and durability. Resuming a run from its folder is
// not built yet; the files already hold what it needs.

import Store

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Names of runs: the time part of a ULID (https://github.com/ulid/spec), ten characters, sorted as they were made.
package enum RunID {
    private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    /// The id of a moment, in milliseconds since 1970.
    package static func at(_ milliseconds: Int) -> String {
        String((0..<10).reversed().map { digits[(milliseconds >> ($0 * 5)) & 31] })
    }
}

/// A file that a run read.
package struct RunInput: Sendable, Equatable {
    /// As the user wrote it.
    package var path: String
    /// 64 hexadecimal digits; nil if it could not be read.
    package var sha256: String?
    /// Size of the file.
    package var bytes: Int

    /// Describes an input.
    package init(path: String, sha256: String?, bytes: Int) {
        self.path = path
        self.sha256 = sha256
        self.bytes = bytes
    }
}

/// The contents of `run.json`, `docproc.run/1`.
package struct RunManifest: Sendable, Equatable {
    /// The command, such as `ask`.
    package var command: String
    /// Its arguments, so that it can be repeated. The caller leaves out secrets.
    package var arguments: [String]
    /// The files read.
    package var inputs: [RunInput]
    /// Every setting that the results depend on.
    package var settings: [JSONValue.Member]
    /// Versions of docproc, the model, the extractors.
    package var versions: [JSONValue.Member]
    /// The exit status; nil while the run goes on, or if it was killed.
    package var exit: Int?

    /// Describes a run that begins.
    package init(
        command: String, arguments: [String] = [], inputs: [RunInput] = [], settings: [JSONValue.Member] = [],
        versions: [JSONValue.Member] = [], exit: Int? = nil
    ) {
        self.command = command
        self.arguments = arguments
        self.inputs = inputs
        self.settings = settings
        self.versions = versions
        self.exit = exit
    }

    func json(id: String, started: Int) -> JSONValue {
        .fields([
            "schema": "docproc.run/1", "run": .string(id), "started": .string(WallClock.timestamp(started)),
            "command": .string(command), "arguments": .array(arguments.map { .string($0) }),
            "inputs": .array(
                inputs.map { input in
                    .fields([
                        "path": .string(input.path), "sha256": input.sha256.map { .string($0) } ?? .null,
                        "bytes": .int(input.bytes),
                    ])
                }), "settings": .object(settings), "versions": .object(versions),
            "exit": exit.map { .int($0) } ?? .null,
        ])
    }
}

/// One run's folder. Safe to append to from several threads.
package final class RunFolder: Sendable {
    /// The run's name, also that of the folder.
    package let id: String
    /// The folder.
    package let path: String
    /// `results.jsonl`: one record per finished answer or summary.
    package let results: RecordLog
    private let events: RecordLog
    private let started: Int

    /// Begins a run.
    ///
    /// - Parameters:
    ///   - directory: where runs are kept, `Places.runs`; made with mode 0700.
    ///   - milliseconds: the time; a name that is taken gives the next free one.
    package init(
        in directory: String, manifest: RunManifest, at milliseconds: Int = WallClock.milliseconds()
    ) throws(FileError) {
        do { try PrivateDirectory.create(directory) } catch { throw FileError(store: error) }
        var moment = milliseconds
        // mkdir is what decides between two runs that begin in the same millisecond.
        while mkdir("\(directory)/\(RunID.at(moment))", 0o700) != 0 {
            guard errno == EEXIST else { throw FileError(lastErrorAt: "\(directory)/\(RunID.at(moment))") }
            moment += 1
        }
        id = RunID.at(moment)
        path = "\(directory)/\(id)"
        started = moment
        results = try RecordLog(path: path + "/results.jsonl")
        events = try RecordLog(path: path + "/events.jsonl")
        try write(manifest)
    }

    /// Replaces `run.json`, for instance when the run ends and its exit status is known.
    package func write(_ manifest: RunManifest) throws(FileError) {
        try AtomicFile.write(manifest.json(id: id, started: started).pretty + "\n", to: path + "/run.json")
    }

    /// Adds an event. Events are not synced one by one: they tell the story, the results are what must not be lost.
    package func append(_ event: Event) throws(FileError) {
        try events.append(event.line, synced: false)
    }

    /// Adds a record; it is on disk when this returns.
    package func appendResult(_ line: String) throws(FileError) {
        try results.append(line)
    }
}

extension FileError {
    fileprivate init(store error: StoreError) {
        self =
            switch error {
            case .full(let path): .full(path: path)
            case .noPermission(let path): .noPermission(path: path)
            case .damaged(let path, let detail), .io(let path, let detail): .io(path: path, detail: detail)
            case .newer(let path), .busy(let path): .io(path: path, detail: "\(error)")
            }
    }

    fileprivate init(lastErrorAt path: String) {
        self.init(errnoValue: errno, path: path)
    }
}

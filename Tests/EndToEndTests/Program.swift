import Foundation
import Testing

/// The built program in an empty folder, with settings, caches and models of its own.
struct Program {
    /// What a run left behind.
    struct Result {
        var output: String
        var error: String
        var status: Int32

        /// Standard output as JSON.
        var json: [String: Any]? {
            (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any]
        }
    }

    let folder: String
    var environment: [String: String] = [:]

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/docproc-e2e-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/home", withIntermediateDirectories: true)
        environment = [
            "HOME": folder + "/home", "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "LANG": "C.UTF-8",
        ]
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Writes a file below the folder.
    func write(_ name: String, _ text: String) throws {
        let path = folder + "/" + name
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    /// The text of a file below the folder.
    func read(_ name: String) -> String? {
        FileManager.default.contents(atPath: folder + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Runs docproc to its end.
    func run(_ arguments: String..., input: String? = nil, variables: [String: String] = [:]) throws -> Result {
        try run(arguments, input: input, variables: variables)
    }

    /// Runs docproc to its end; `during` gets the process once it runs.
    func run(
        _ arguments: [String], input: String? = nil, variables: [String: String] = [:],
        during: ((Process) -> Void)? = nil
    ) throws -> Result {
        try Self.start(
            Self.binary, arguments, folder: folder, environment: environment.merging(variables) { $1 }, input: input,
            during: during)
    }

    /// Runs a line of shell with `docproc` in the path.
    func shell(_ line: String) throws -> Result {
        var variables = environment
        variables["PATH"] = (Self.binary as NSString).deletingLastPathComponent + ":" + (variables["PATH"] ?? "")
        return try Self.start(
            "/bin/bash", ["-c", line], folder: folder, environment: variables, input: nil, during: nil)
    }

    private static func start(
        _ program: String, _ arguments: [String], folder: String, environment: [String: String], input: String?,
        during: ((Process) -> Void)?
    ) throws -> Result {
        // Files, not pipes: nobody has to empty them while the program runs.
        let names = ["out", "err", "in"].map { folder + "/home/" + UUID().uuidString + "." + $0 }
        _ = FileManager.default.createFile(atPath: names[0], contents: nil)
        _ = FileManager.default.createFile(atPath: names[1], contents: nil)
        _ = FileManager.default.createFile(atPath: names[2], contents: Data((input ?? "").utf8))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = environment
        process.standardOutput = FileHandle(forWritingAtPath: names[0])
        process.standardError = FileHandle(forWritingAtPath: names[1])
        process.standardInput = FileHandle(forReadingAtPath: names[2])
        try process.run()
        during?(process)
        process.waitUntilExit()
        func text(_ name: String) -> String {
            String(decoding: FileManager.default.contents(atPath: name) ?? Data(), as: UTF8.self)
        }
        return Result(output: text(names[0]), error: text(names[1]), status: process.terminationStatus)
    }

    /// Beside the tests: SwiftPM puts all products into one folder.
    static let binary: String = {
        let candidates =
            [Bundle.main.bundlePath, (CommandLine.arguments[0] as NSString).deletingLastPathComponent]
            + Bundle.allBundles.map { ($0.bundlePath as NSString).deletingLastPathComponent }
        for folder in candidates {
            let path = folder + "/docproc"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return "docproc"
    }()

    /// The folder with model files of this machine: `DOCPROC_MODELS_DIR`, else where `models pull` puts them.
    static let models: String = {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["DOCPROC_MODELS_DIR"], !folder.isEmpty { return folder }
        let data = environment["XDG_DATA_HOME"] ?? NSHomeDirectory() + "/.local/share"
        return data + "/docproc/models"
    }()

    /// The file of the small model, or nil after saying so loudly.
    static let smallModel: String? = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: models)) ?? []
        if let name = files.sorted().first(where: {
            $0.lowercased().hasPrefix("smollm2-135m-instruct") && $0.hasSuffix(".gguf")
        }) {
            return models + "/" + name
        }
        FileHandle.standardError.write(
            Data(
                "SKIPPED: no smollm2-135m-instruct in \(models); `docproc models pull smollm2-135m-instruct` fetches it\n"
                    .utf8))
        return nil
    }()
}

/// A text long enough to be read for several seconds in a debug build.
let longText = (1...900).map {
    "Paragraph \($0). The committee met in the town hall and spoke at length about the bridge over the river.\n\n"
}.joined()

import ArgumentParser
import Diagnostics
import Glibc
import Runs
import Store

/// What is kept of a fault of ours, for a report: never text of documents or questions.
enum CrashReport {
    /// Writes the report and returns its path; nil when even that fails.
    static func write(_ error: UserError, command: any DocprocCommand, environment: [String: String]) -> String? {
        let runs = Places(environment: environment).runs
        guard let slash = runs.lastIndex(of: "/") else { return nil }
        let folder = String(runs[..<slash])
        let record: JSONValue = .fields([
            "schema": "docproc.crash/1", "version": .string(Docproc.version), "command": .string(name(of: command)),
            "code": .string(error.code.rawValue), "cause": .string(error.cause),
            "places": .array(error.places.map { .array([.string($0.label), .string($0.value)]) }),
            "processor": Machine.processor.map { .string($0) } ?? .null,
            "features": .array(Machine.processorFeatures.map { .string($0) }), "cores": .int(Machine.cores),
            "memory": .int(Machine.memory), "peak_memory": ProcessMemory.peak().map { .int($0) } ?? .null,
        ])
        let path = "\(folder)/crash-\(RunID.at(WallClock.milliseconds()))-\(getpid()).json"
        do {
            try PrivateDirectory.create(folder)
            try AtomicFile.write(record.pretty + "\n", to: path)
            return path
        } catch {
            return nil
        }
    }

    private static func name(of command: any DocprocCommand) -> String {
        type(of: command).configuration.commandName ?? "docproc"
    }
}

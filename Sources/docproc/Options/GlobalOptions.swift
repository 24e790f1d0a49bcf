import ArgumentParser

/// What a flag says about a setting.
typealias FlagSetting = (name: String, parts: [String], flag: String)

/// A group of flags that stand for settings.
protocol SettingFlags {
    /// The flags given.
    var settings: [FlagSetting] { get }
}

/// The flags of every command.
struct GlobalOptions: ParsableArguments, SettingFlags {
    @Flag(name: .long, help: "Print one JSON document, errors included.")
    var json = false

    @Option(name: [.short, .long], help: ArgumentHelp("Write the result to a file.", valueName: "file"))
    var output: String?

    @Flag(name: [.short, .long], help: "Say nothing but the result, warnings and errors.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Say more about what happens.")
    var verbose = false

    @Option(name: .long, help: ArgumentHelp("auto, always or never.", valueName: "when"))
    var color: String?

    @Option(name: .long, help: ArgumentHelp("Read this settings file and no other.", valueName: "file"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("Change one setting; see docproc config show.", valueName: "key=value"))
    var set: [String] = []

    @Option(name: .long, help: ArgumentHelp("Append what is said on standard error to a file.", valueName: "file"))
    var logFile: String?

    var settings: [FlagSetting] {
        color.map { [(SettingKey.color.name, [$0], "--color")] } ?? []
    }
}

/// The flags of commands that work for a while.
struct ProgressOptions: ParsableArguments, SettingFlags {
    @Option(name: .long, help: ArgumentHelp("auto, bar, plain or none.", valueName: "how"))
    var progress: String?

    @Option(name: .long, help: ArgumentHelp("Stop after a while, such as 2h (exit 124).", valueName: "time"))
    var maxTime: String?

    var settings: [FlagSetting] {
        var all: [FlagSetting] = []
        if let progress { all.append((SettingKey.progress.name, [progress], "--progress")) }
        if let maxTime { all.append((SettingKey.maxTime.name, [maxTime], "--max-time")) }
        return all
    }
}

/// The flags of commands that keep text and results.
struct StoreOptions: ParsableArguments, SettingFlags {
    @Option(name: .long, help: ArgumentHelp("Keep extracted text and results here.", valueName: "dir"))
    var cacheDir: String?

    @Flag(name: .long, help: "Leave nothing behind.")
    var noStore = false

    var settings: [FlagSetting] {
        var all: [FlagSetting] = []
        if let cacheDir { all.append((SettingKey.cacheDirectory.name, [cacheDir], "--cache-dir")) }
        if noStore { all.append((SettingKey.store.name, ["false"], "--no-store")) }
        return all
    }
}

/// The flags of commands that check something.
struct StrictOptions: ParsableArguments, SettingFlags {
    @Flag(name: .long, help: "End with exit 7 when a check or citation fails.")
    var strict = false

    var settings: [FlagSetting] { strict ? [(SettingKey.strict.name, ["true"], "--strict")] : [] }
}

/// The flags of commands that may ask back.
struct ConfirmOptions: ParsableArguments, SettingFlags {
    @Flag(name: .long, help: "Answer yes to every question.")
    var yes = false

    @Flag(name: .long, help: "Never ask on the terminal.")
    var noInput = false

    var settings: [FlagSetting] { noInput ? [(SettingKey.input.name, ["false"], "--no-input")] : [] }
}

import ArgumentParser

/// Which model.
struct ModelOptions: ParsableArguments, SettingFlags {
    @Option(name: [.short, .long], help: ArgumentHelp("Model name, path or alias.", valueName: "model"))
    var model: String?

    var settings: [FlagSetting] { model.map { [(SettingKey.model.name, [$0], "--model")] } ?? [] }
}

/// How much of the machine a model may take.
struct ResourceOptions: ParsableArguments, SettingFlags {
    @Option(name: .long, help: ArgumentHelp("Hard limit on resident memory, such as 8G.", valueName: "size"))
    var memory: String?

    @Option(name: .long, help: ArgumentHelp("Threads that compute.", valueName: "n"))
    var threads: String?

    @Option(name: .long, help: ArgumentHelp("Tokens of a window: auto, max or a number.", valueName: "tokens"))
    var context: String?

    @Option(name: .long, help: ArgumentHelp("How keys and values are kept: f16, f32, q8 or q4.", valueName: "type"))
    var kvType: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The most that keys and values of a window take in memory, such as 2G; the others are on disk.",
            valueName: "size"))
    var kvMemory: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How much generated tokens read of keys and values on disk: exact, lazy-v:SHARE or certified:SHARE of "
                + "attention left out at most, or budget:PAGES.", valueName: "mode"))
    var kvRead: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The most that stored keys and values take, such as 100G; 0 stores none.", valueName: "size")
    )
    var disk: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long a model that can may think first: none, low, medium or high.", valueName: "level"))
    var thinking: String?

    @Flag(name: .long, help: "Show thoughts on standard error; they are never part of an answer.")
    var showThinking = false

    var settings: [FlagSetting] {
        var all: [FlagSetting] = []
        if let memory { all.append((SettingKey.memory.name, [memory], "--memory")) }
        if let threads { all.append((SettingKey.threads.name, [threads], "--threads")) }
        if let context { all.append((SettingKey.context.name, [context], "--context")) }
        if let kvType { all.append((SettingKey.kvType.name, [kvType], "--kv-type")) }
        if let kvMemory { all.append((SettingKey.kvMemory.name, [kvMemory], "--kv-memory")) }
        if let kvRead { all.append((SettingKey.kvRead.name, [kvRead], "--kv-read")) }
        if let disk { all.append((SettingKey.disk.name, [disk], "--disk")) }
        if let thinking { all.append((SettingKey.thinking.name, [thinking], "--thinking")) }
        if showThinking { all.append((SettingKey.showThinking.name, ["true"], "--show-thinking")) }
        return all
    }
}

/// How tokens are chosen.
struct SamplingFlags: ParsableArguments, SettingFlags {
    @Option(name: .long, help: ArgumentHelp("0 always takes the likeliest token.", valueName: "t"))
    var temperature: String?

    @Option(name: .long, help: ArgumentHelp("Seed of the sampler.", valueName: "n"))
    var seed: String?

    var settings: [FlagSetting] {
        var all: [FlagSetting] = []
        if let temperature { all.append((SettingKey.temperature.name, [temperature], "--temperature")) }
        if let seed { all.append((SettingKey.seed.name, [seed], "--seed")) }
        return all
    }
}

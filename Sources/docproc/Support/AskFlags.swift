import Answering
import ArgumentParser
import Diagnostics
import Inference

/// Flags of commands that write answers, and the options of `Answering` that follow from settings.
struct AnswerFlags: ParsableArguments, SettingFlags {
    @Option(name: .long, help: ArgumentHelp("Longest answer in tokens, thoughts not counted.", valueName: "n"))
    var maxOutputTokens: String?

    @Option(name: .long, help: ArgumentHelp("required, auto or off.", valueName: "how"))
    var cite: String?

    @Flag(name: .long, help: "Compute everything anew.")
    var fresh = false

    var settings: [FlagSetting] {
        var all: [FlagSetting] = []
        if let maxOutputTokens {
            all.append((SettingKey.maxOutputTokens.name, [maxOutputTokens], "--max-output-tokens"))
        }
        if let cite { all.append((SettingKey.cite.name, [cite], "--cite")) }
        return all
    }
}

extension AskOptions {
    /// The options that settings say.
    init(_ settings: Settings) {
        self.init()
        strategy = settings.text(SettingKey.strategy).flatMap { .init(rawValue: $0) } ?? strategy
        citations = settings.text(SettingKey.cite).flatMap { .init(rawValue: $0) } ?? citations
        maxOutputTokens = settings.integer(SettingKey.maxOutputTokens) ?? maxOutputTokens
        temperature = settings.number(SettingKey.temperature) ?? temperature
        seed = UInt64(settings.integer(SettingKey.seed) ?? 0)
    }

    /// The limit of windows, once the engine's context is known.
    func within(_ context: Int, setting: String) -> AskOptions {
        var options = self
        options.contextTokens = setting == "auto" ? nil : context
        return options
    }
}

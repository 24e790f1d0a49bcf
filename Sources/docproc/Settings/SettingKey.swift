import Answering

/// One setting: its name in files, its kind, what it is without anyone's word.
///
/// The table is the only list of settings. Files, `--set`, `DOCPROC_*` variables, `config show` and the checks of
/// values all read it.
struct SettingKey: Sendable {
    /// What a value may look like.
    enum Kind: Sendable, Equatable {
        case text, boolean, number, size, duration
        /// How much of keys and values on disk is read.
        case reading
        case integer(ClosedRange<Int>)
        case choice([String])
        /// Words, or an integer in a range.
        case choiceOrInteger([String], ClosedRange<Int>)
        case list
        /// Any names below this one, each with a text.
        case map
    }

    /// Name with dots, such as `cache.dir`.
    let name: String
    let kind: Kind
    /// Built in; nil where nothing is set or the machine decides.
    let builtIn: String?
    /// One line for `config show`.
    let help: String

    /// The environment variable of this setting.
    var variable: String {
        "DOCPROC_" + name.uppercased().replacing(".", with: "_")
    }

    private init(_ name: String, _ kind: Kind, _ builtIn: String? = nil, _ help: String) {
        self.name = name
        self.kind = kind
        self.builtIn = builtIn
        self.help = help
    }

    /// The key of a name; `aliases.big` belongs to `aliases`.
    static func named(_ name: String) -> SettingKey? {
        all.first { $0.name == name || ($0.kind == .map && name.hasPrefix($0.name + ".")) }
    }

    static let model = SettingKey("model", .text, "qwen2.5-coder-1.5b-instruct:q4_k_m", "model name, path or alias")
    static let memory = SettingKey("memory", .size, nil, "hard limit on resident memory")
    static let threads = SettingKey("threads", .integer(1...1024), nil, "threads that compute; by default one per core")
    static let context = SettingKey(
        "context", .choiceOrInteger(["auto", "max"], 64...100_000_000), "auto", "tokens of a window")
    static let kvType = SettingKey(
        "kv_type", .choice(["f16", "f32", "q8", "q4"]), "f16", "how keys and values are kept")
    static let kvMemory = SettingKey(
        "kv_memory", .size, nil, "the most that keys and values of a window take in memory; the others are on disk")
    static let kvRead = SettingKey(
        "kv_read", .reading, "exact", "how much generated tokens read of keys and values on disk")
    static let disk = SettingKey(
        "disk", .size, "20G", "the most that stored keys and values take; 0 stores none")
    static let temperature = SettingKey("temperature", .number, "0", "0 always takes the likeliest token")
    static let seed = SettingKey("seed", .integer(0...Int.max), "0", "seed of the sampler")
    static let maxOutputTokens = SettingKey(
        "max_output_tokens", .integer(1...1_000_000), nil, "longest answer in tokens")
    static let thinking = SettingKey(
        "thinking", .choice(ThinkingLevel.allCases.map(\.rawValue)), "none",
        "how long a model may think before it answers")
    static let showThinking = SettingKey(
        "show_thinking", .boolean, "false", "whether thoughts are shown on standard error")
    static let maxTime = SettingKey("max_time", .duration, nil, "stop after this long (exit 124)")
    static let strategy = SettingKey(
        "strategy", .choice(["auto", "full", "map", "search"]), "auto", "how documents become windows")
    static let cite = SettingKey("cite", .choice(["required", "auto", "off"]), "required", "citations in answers")
    static let include = SettingKey("include", .list, nil, "file patterns to read")
    static let exclude = SettingKey("exclude", .list, nil, "file patterns to leave out")
    static let onUnreadable = SettingKey(
        "on_unreadable", .choice(["fail", "warn", "skip"]), "warn", "what an unreadable file does")
    static let html = SettingKey("html", .choice(["main", "full"]), "main", "part of an HTML page to read")
    static let hiddenText = SettingKey(
        "hidden_text", .choice(["flag", "drop", "keep"]), "flag", "what happens to text nobody sees")
    static let progress = SettingKey(
        "progress", .choice(ProgressMode.allCases.map(\.rawValue)), "auto", "how progress is shown")
    static let color = SettingKey("color", .choice(ColorMode.allCases.map(\.rawValue)), "auto", "when colour is used")
    static let strict = SettingKey("strict", .boolean, "false", "failed checks and citations end with exit 7")
    static let input = SettingKey("input", .boolean, "true", "whether questions may be asked on the terminal")
    static let store = SettingKey("store", .boolean, "true", "whether anything is kept in the cache")
    static let cacheDirectory = SettingKey("cache.dir", .text, nil, "where text and results are kept")
    static let cacheKeepDays = SettingKey(
        "cache.keep_days", .integer(1...36500), "90", "age at which cache prune removes")
    static let modelsDirectory = SettingKey("models.dir", .text, nil, "where model files are kept")
    static let aliases = SettingKey("aliases", .map, nil, "short names of models")
    static let acceptLicenses = SettingKey("accept_licenses", .list, nil, "licences accepted for models pull")

    /// All settings, in the order of `config show`.
    static let all: [SettingKey] = [
        model, memory, threads, context, kvType, kvMemory, kvRead, disk, temperature, seed, maxOutputTokens, thinking,
        showThinking,
        maxTime,
        strategy, cite, include,
        exclude, onUnreadable, html, hiddenText, progress, color, strict, input, store, cacheDirectory, cacheKeepDays,
        modelsDirectory, aliases, acceptLicenses,
    ]
}

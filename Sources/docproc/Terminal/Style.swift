/// Escape sequences for a terminal, or nothing. Colour only repeats what a word already says.
struct Style: Sendable {
    /// Whether escape bytes may be written.
    let enabled: Bool

    /// Bold.
    func bold(_ text: String) -> String { wrap(text, "1") }
    /// Dim.
    func dim(_ text: String) -> String { wrap(text, "2") }
    /// For errors and failures.
    func red(_ text: String) -> String { wrap(text, "31") }
    /// For what went well.
    func green(_ text: String) -> String { wrap(text, "32") }
    /// For warnings.
    func yellow(_ text: String) -> String { wrap(text, "33") }

    private func wrap(_ text: String, _ code: String) -> String {
        enabled ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// When escape sequences are written: `--color`.
enum ColorMode: String, Sendable, CaseIterable {
    case auto, always, never

    /// Decides for one stream.
    func enabled(isTerminal: Bool, environment: [String: String]) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .auto:
            isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        }
    }
}

/// How progress is shown: `--progress`.
enum ProgressMode: String, Sendable, CaseIterable {
    case auto, bar, plain, none
}

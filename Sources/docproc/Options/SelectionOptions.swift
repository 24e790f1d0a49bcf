import ArgumentParser
import Diagnostics
import Ingest

/// Which files and pages are read, and how.
struct SelectionOptions: ParsableArguments, SettingFlags {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Read only files that match; may be repeated.",
            discussion: "An archive counts as a folder: its members are matched as archive.zip/folder/name.html.",
            valueName: "glob"))
    var include: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Leave out files and members of archives that match; may be repeated.", valueName: "glob"))
    var exclude: [String] = []

    @Option(name: .long, help: ArgumentHelp("Pages to read, such as 1-20,33.", valueName: "pages"))
    var pages: String?

    @Option(name: .long, help: ArgumentHelp("What an unreadable file does: fail, warn or skip.", valueName: "what"))
    var onUnreadable: String?

    @Option(name: .long, help: ArgumentHelp("Part of an HTML page to read: main or full.", valueName: "part"))
    var html: String?

    @Option(name: .long, help: ArgumentHelp("Text nobody sees: flag, drop or keep.", valueName: "what"))
    var hiddenText: String?

    var settings: [FlagSetting] {
        var all: [FlagSetting] = []
        if !include.isEmpty { all.append((SettingKey.include.name, include, "--include")) }
        if !exclude.isEmpty { all.append((SettingKey.exclude.name, exclude, "--exclude")) }
        if let onUnreadable { all.append((SettingKey.onUnreadable.name, [onUnreadable], "--on-unreadable")) }
        if let html { all.append((SettingKey.html.name, [html], "--html")) }
        if let hiddenText { all.append((SettingKey.hiddenText.name, [hiddenText], "--hidden-text")) }
        return all
    }

    /// The ingestor's options.
    ///
    /// - Throws: `DP-CLI-01` for pages that are none.
    func ingestOptions(_ settings: Settings) throws(UserError) -> IngestOptions {
        var options = IngestOptions(
            include: settings.list(SettingKey.include), exclude: settings.list(SettingKey.exclude))
        if let pages {
            guard let ranges = Quantity.pages(pages) else {
                throw UserError(
                    .badFlag, "--pages takes page numbers and ranges, not \"\(pages)\"",
                    remedies: [.init("--pages 1-20,33", "an example")])
            }
            options.pages = ranges
        }
        options.html = settings.text(SettingKey.html).flatMap { .init(rawValue: $0) } ?? options.html
        options.onUnreadable =
            settings.text(SettingKey.onUnreadable).flatMap { .init(rawValue: $0) } ?? options.onUnreadable
        options.hiddenText = settings.text(SettingKey.hiddenText).flatMap { .init(rawValue: $0) } ?? options.hiddenText
        options.workers = settings.integer(SettingKey.threads) ?? Machine.cores
        return options
    }
}

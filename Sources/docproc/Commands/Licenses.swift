import ArgumentParser
import Runs
import Weights

/// `licenses`: what this program and its models come under.
struct LicensesCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "licenses", abstract: "Print the licences of all components and models.")

    @OptionGroup var global: GlobalOptions

    /// What is linked into the two programs.
    private static let components: [(name: String, licence: String, part: String)] = [
        ("docproc", "Apache-2.0", "this program"),
        ("docproc-pdf", "GPL-3.0-or-later", "the worker that reads PDF"),
        ("Poppler", "GPL-2.0-or-later", "docproc-pdf"), ("GLib", "LGPL-2.1-or-later", "docproc-pdf"),
        ("cairo", "LGPL-2.1-only OR MPL-1.1", "docproc-pdf"), ("gperftools", "BSD-3-Clause", "docproc-pdf"),
        ("Swift runtime", "Apache-2.0 WITH Swift-exception", "both"), ("libxml2", "MIT", "docproc"),
        ("SQLite", "public domain", "docproc"), ("zlib", "Zlib", "docproc"), ("GRDB.swift", "MIT", "docproc"),
        ("Yams", "MIT", "docproc"), ("LibYAML", "MIT", "docproc"),
        ("swift-argument-parser", "Apache-2.0 WITH Swift-exception", "docproc"),
        ("swift-crypto", "Apache-2.0", "docproc"), ("BoringSSL", "OpenSSL AND ISC AND Apache-2.0", "docproc"),
        ("swift-system", "Apache-2.0 WITH Swift-exception", "docproc"),
        ("swift-subprocess", "Apache-2.0 WITH Swift-exception", "docproc"),
        ("async-http-client", "Apache-2.0", "docproc with networking"),
        ("swift-nio", "Apache-2.0", "docproc with networking"),
    ]

    func run(in context: CommandContext) async throws {
        let models = ModelCatalog.entries.map { ($0.fullName, $0.licence.name, $0.licence.url) }
        let rows =
            Self.components.map { [$0.name, $0.licence, $0.part] } + models.map { [$0.0, $0.1, $0.2] }
        try context.print(
            .fields([
                "schema": "docproc.licenses/1",
                "components": .array(
                    Self.components.map {
                        .fields(["name": .string($0.name), "license": .string($0.licence), "part": .string($0.part)])
                    }),
                "models": .array(
                    models.map { .fields(["name": .string($0.0), "license": .string($0.1), "url": .string($0.2)]) }),
            ]), text: Format.table(rows))
    }
}

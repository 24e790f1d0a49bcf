import ArgumentParser
import Diagnostics
import Runs
import SystemPackage

/// `init`: writes a commented starter pipeline.
struct InitCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a commented starter pipeline.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("The file to write; one that is there stays.", valueName: "file"))
    var file = "pipeline.docproc.yaml"

    static let starter = """
        # A docproc pipeline. `docproc validate pipeline.docproc.yaml` checks it, `docproc run` runs it.
        version: 1
        name: my-pipeline

        # What is read. Paths are relative to this file; on_unreadable is fail, warn or skip.
        corpora:
          docs: {paths: [docs/], on_unreadable: warn}

        # Settings of all steps; flags of `docproc run` are stronger.
        defaults: {temperature: 0, seed: 7}

        steps:
          # Fixed questions with what their answers must be like.
          - id: facts
            ask:
              corpus: docs
              questions:
                - id: example
                  q: What is this document about?
                  expect:
                    - citations: {min: 1, verified: all}
                - id: absent
                  q: What is the author's shoe size?
                  expect:
                    - not_found: true
            assert:
              - pass_rate: {min: 90%}

          # One summary per document.
          - id: digest
            summarize: {corpus: docs, per: document, length: 100 words}
            assert:
              - each: {max_words: 150}

        outputs:
          - {from: facts, format: markdown, path: out/facts.md}
          - {from: digest, format: markdown, path: "out/digests/{doc.stem}.md"}
        reports: {junit: out/junit.xml}
        limits: {time: 60m}

        """

    func run(in context: CommandContext) async throws {
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(file), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try descriptor.closeAfter { _ = try descriptor.writeAll(Self.starter.utf8) }
        } catch Errno.fileExists {
            throw UserError(
                .badFlag, "\(file) is there already", places: [.init("file", file)],
                remedies: [.init("docproc init OTHER.docproc.yaml", "write another file")])
        } catch {
            throw UserError(.noPermission, "\(file) could not be written: \(error)", places: [.init("file", file)])
        }
        try context.print(.fields(["schema": "docproc.init/1", "file": .string(file)]), text: "wrote \(file)\n")
        context.narrator.note("next: docproc validate \(file)")
    }
}

import ArgumentParser
import Runs

/// `completion bash|zsh|fish`: the script a shell needs, generated from the command table.
struct CompletionCommand: DocprocCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion:
            "bash: source <(docproc completion bash)   zsh: a file _docproc in $fpath   fish: docproc.fish in ~/.config/fish/completions"
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    @OptionGroup var global: GlobalOptions
    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run(in context: CommandContext) async throws {
        let script =
            switch shell {
            case .bash: Docproc.completionScript(for: .bash)
            case .zsh: Docproc.completionScript(for: .zsh)
            case .fish: Docproc.completionScript(for: .fish)
            }
        try context.print(
            .fields(["schema": "docproc.completion/1", "shell": .string(shell.rawValue), "script": .string(script)]),
            text: script + "\n")
    }
}

import ArgumentParser

/// `models`: find, check and fetch model files.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Find, check and fetch model files.",
        subcommands: [
            ModelsList.self, ModelsShow.self, ModelsPull.self, ModelsVerify.self, ModelsImport.self, ModelsConvert.self,
            ModelsSynth.self, ModelsRemove.self,
        ])
}

// Turns a tree whose forms are right into a definition, and reads the files that it names.

import Diagnostics
import Runs

/// Builds a definition. Works on any tree: where forms are wrong it leaves things out, and the complaints of the
/// passes before keep the result from being used.
struct PipelineBuilder {
    let root: Tree
    let path: String
    let inputs: PipelineInputs
    /// Mistakes of the pipeline file.
    var complaints: ComplaintList
    /// Mistakes of question files, sorted within each.
    var fileComplaints: [PipelineComplaint] = []

    mutating func build() -> PipelineDefinition? {
        var models: [String: PipelineModel] = [:]
        for entry in root["models"]?.entries ?? [] {
            let name = entry.value.text ?? entry.value["name"]?.text ?? ""
            models[entry.key] = PipelineModel(name: name, sha256: entry.value["sha256"]?.text?.lowercased())
        }
        var corpora: [String: PipelineCorpus] = [:]
        for entry in root["corpora"]?.entries ?? [] { corpora[entry.key] = corpus(entry) }
        var definition = PipelineDefinition(
            path: path, name: root["name"]?.text ?? "", models: models, corpora: corpora,
            defaults: settings(root["defaults"], models), steps: [], outputs: outputs(),
            junit: root["reports"]?["junit"]?.text, limits: limits())
        let steps = (root["steps"]?.items ?? []).compactMap { step($0, definition) }
        definition.steps = order(steps)
        return complaints.isEmpty && fileComplaints.isEmpty ? definition : nil
    }

    private func texts(_ node: Tree?) -> [String] {
        node?.oneOrMore.compactMap(\.text) ?? []
    }

    private func corpus(_ entry: Tree.Entry) -> PipelineCorpus {
        let node = entry.value
        return PipelineCorpus(
            name: entry.key, paths: texts(node["paths"]), exclude: texts(node["exclude"]),
            include: texts(node["include"]), onUnreadable: node["on_unreadable"]?.text, html: node["html"]?.text,
            hiddenText: node["hidden_text"]?.text, pages: node["pages"]?.text.flatMap { PageSelection($0) })
    }

    private func settings(_ node: Tree?, _ models: [String: PipelineModel]) -> StepSettings {
        var settings = StepSettings()
        guard let node else { return settings }
        settings.model = node["model"]?.text.map { models[$0] ?? PipelineModel(name: $0, sha256: nil) }
        settings.memory = node["memory"]?.text.flatMap(Values.bytes)
        settings.threads = node["threads"]?.scalar?.int
        settings.context = node["context"]?.text.flatMap { text in
            switch text {
            case "auto": .auto
            case "max": .max
            default: Values.tokens(text).map { .tokens($0) }
            }
        }
        settings.kvType = node["kv_type"]?.text
        settings.kvRead = node["kv_read"]?.text
        settings.kvMemory = node["kv_memory"]?.text.flatMap(Values.bytes)
        settings.thinking = node["thinking"]?.text
        settings.temperature = node["temperature"]?.scalar?.double
        settings.seed = node["seed"]?.scalar?.int
        settings.maxOutputTokens = node["max_output_tokens"]?.text.flatMap(Values.tokens)
        settings.strategy = node["strategy"]?.text
        settings.cite = node["cite"]?.text
        return settings
    }

    private func outputs() -> [PipelineOutput] {
        (root["outputs"]?.items ?? []).compactMap { node in
            guard let from = node["from"]?.text, let path = node["path"]?.text,
                let format = node["format"]?.text.flatMap(PipelineOutput.Format.init(rawValue:))
            else { return nil }
            return PipelineOutput(from: from, format: format, path: path, line: node.mark.line)
        }
    }

    private func limits() -> PipelineLimits {
        var limits = PipelineLimits()
        let node = root["limits"]
        limits.seconds = node?["time"]?.text.flatMap(Values.seconds)
        limits.inputTokens = node?["input_tokens"]?.text.flatMap(Values.tokens)
        limits.outputTokens = node?["output_tokens"]?.text.flatMap(Values.tokens)
        limits.disk = node?["disk"]?.text.flatMap(Values.bytes)
        limits.memory = node?["memory"]?.text.flatMap(Values.bytes)
        return limits
    }

    // MARK: - Steps

    private mutating func step(_ node: Tree, _ definition: PipelineDefinition) -> PipelineStep? {
        guard let id = node["id"]?.text else { return nil }
        let work: PipelineStep.Work
        let own: Tree
        if let ask = node["ask"], let corpus = ask["corpus"]?.text {
            own = ask
            work = .ask(AskStep(corpus: corpus, questions: questions(ask, definition)))
        } else if let summarize = node["summarize"], let corpus = summarize["corpus"]?.text {
            own = summarize
            work = .summarize(
                SummarizeStep(
                    corpus: corpus, per: summarize["per"]?.text.flatMap(SummarizeStep.Per.init(rawValue:)) ?? .document,
                    words: summarize["length"]?.text.flatMap(Values.words), prompt: prompt(summarize, definition)))
        } else {
            return nil
        }
        return PipelineStep(
            id: id, work: work, settings: settings(own, definition.models).over(definition.defaults),
            needs: texts(node["needs"]),
            onError: node["on_error"]?.text.flatMap(PipelineStep.OnError.init(rawValue:)) ?? .stop,
            asserts: (node["assert"]?.items ?? []).compactMap(CheckBuilder.assertion), line: node.mark.line)
    }

    private mutating func questions(_ ask: Tree, _ definition: PipelineDefinition) -> [Question] {
        var questions: [Question] = []
        for node in ask["questions"]?.items ?? [] {
            guard let id = node["id"]?.text, let text = node["q"]?.text else { continue }
            questions.append(
                Question(
                    id: id, text: text, expect: (node["expect"]?.items ?? []).compactMap(CheckBuilder.check),
                    file: path,
                    line: node.mark.line))
        }
        guard let node = ask["questions_file"], let file = text(of: node, definition) else { return questions }
        let name = definition.resolve(node.text ?? "")
        let parsed = QuestionFile.parse(file, path: name)
        fileComplaints += parsed.complaints
        let taken = Set(questions.map(\.id))
        for question in parsed.questions where taken.contains(question.id) {
            complaints.add(
                .yamlRepeatedKey, node.mark,
                "the question \"\(question.id)\" of line \(question.line) of the file is here too")
        }
        return questions + parsed.questions
    }

    private mutating func prompt(_ summarize: Tree, _ definition: PipelineDefinition) -> String? {
        if let prompt = summarize["prompt"]?.text { return prompt }
        guard let node = summarize["prompt_file"], let text = text(of: node, definition) else { return nil }
        if text.allSatisfy(\.isWhitespace) { complaints.add(.yamlBadValue, node.mark, "the prompt file is empty") }
        return text
    }

    /// The text of a file that a node names; nil, mostly with a complaint, if it can't be read.
    private mutating func text(of node: Tree, _ definition: PipelineDefinition) -> String? {
        guard let scalar = node.scalar, !scalar.isOpen, let name = node.text else { return nil }
        let resolved = definition.resolve(name)
        do {
            return try inputs.read(resolved)
        } catch {
            complaints.add(
                .yamlUnknownReference, node.mark,
                "\(scalar.raw) can't be read: \(FileError(error, path: resolved).reason)",
                "paths are relative to the pipeline file")
            return nil
        }
    }

    /// Steps in the order of the file, each behind those it needs. A cycle is a complaint.
    private mutating func order(_ steps: [PipelineStep]) -> [PipelineStep] {
        var left = steps
        var done: Set<String> = []
        var ordered: [PipelineStep] = []
        let ids = Set(steps.map(\.id))
        while !left.isEmpty {
            guard
                let next = left.firstIndex(where: {
                    Set($0.needs).intersection(ids).subtracting([$0.id]).isSubset(of: done)
                })
            else {
                let stuck = left[0]
                let node = (root["steps"]?.items ?? []).first { $0["id"]?.text == stuck.id }?["needs"]
                complaints.add(
                    .yamlUnknownReference, node?.mark ?? Mark(line: stuck.line, column: 1),
                    "steps need each other in a circle: \(left.map(\.id).joined(separator: ", "))", "remove one needs:")
                return ordered + left
            }
            let step = left.remove(at: next)
            done.insert(step.id)
            ordered.append(step)
        }
        return ordered
    }
}

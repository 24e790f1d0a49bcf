// Names in a file that must lead somewhere: corpora, models, steps; and names that must differ.

import Diagnostics

/// Checks names between the parts of a file whose forms are right.
struct References {
    let root: Tree
    var complaints: ComplaintList

    mutating func check() {
        let corpora = root["corpora"]?.entries.map(\.key) ?? []
        let models = root["models"]?.entries.map(\.key) ?? []
        let steps = root["steps"]?.items ?? []
        let ids = steps.compactMap { $0["id"]?.text }
        checkModel(root["defaults"], models)
        checkUnique(steps, key: "id", what: "a step")
        for step in steps {
            for kind in ["ask", "summarize"] {
                guard let work = step[kind] else { continue }
                if let corpus = work["corpus"] { check(corpus, among: corpora, what: "corpus") }
                checkModel(work, models)
                checkUnique(work["questions"]?.items ?? [], key: "id", what: "a question")
            }
            for need in step["needs"]?.oneOrMore ?? [] {
                if need.text == step["id"]?.text, need.text != nil {
                    complaints.add(.yamlUnknownReference, need.mark, "a step can't need itself")
                } else {
                    check(need, among: ids, what: "step")
                }
            }
            if let work = step["summarize"], let prompt = work.entries.first(where: { $0.key == "prompt" }),
                work["prompt_file"] != nil
            {
                complaints.add(.yamlBadValue, prompt.keyMark, "summarize has both prompt and prompt_file", "keep one")
            }
            checkPassRate(step)
        }
        for output in root["outputs"]?.items ?? [] {
            if let from = output["from"] { check(from, among: ids, what: "step") }
            checkPath(output, steps)
        }
    }

    private mutating func check(_ node: Tree, among names: [String], what: String) {
        guard let scalar = node.scalar, !scalar.isOpen, let name = node.text, !names.contains(name) else { return }
        let known = names.isEmpty ? nil : "known: " + names.sorted().prefix(8).joined(separator: ", ")
        complaints.add(
            .yamlUnknownReference, node.mark, "there is no \(what) \"\(scalar.raw)\"",
            Suggestions.didYouMean(name, among: names) ?? known)
    }

    /// A model may be a name of `models:` or any model's name or path; only a near miss of the former is a mistake.
    private mutating func checkModel(_ node: Tree?, _ models: [String]) {
        guard let model = node?["model"], let scalar = model.scalar, !scalar.isOpen, let name = model.text,
            !models.contains(name), !name.contains("/"), !name.contains(":"),
            let near = Suggestions.didYouMean(name, among: models)
        else { return }
        complaints.add(.yamlUnknownReference, model.mark, "there is no model \"\(scalar.raw)\" under models:", near)
    }

    private mutating func checkUnique(_ items: [Tree], key: String, what: String) {
        var first: [String: Mark] = [:]
        for item in items {
            guard let node = item[key], let name = node.text else { continue }
            if let earlier = first[name] {
                complaints.add(
                    .yamlRepeatedKey, node.mark, "\(what) \"\(name)\" is there twice",
                    "it is already in line \(earlier.line)")
            } else {
                first[name] = node.mark
            }
        }
    }

    /// A share of questions needs questions that expect something.
    private mutating func checkPassRate(_ step: Tree) {
        guard step["ask"] == nil || (step["ask"]?["questions_file"] == nil && !expectsAnything(step)) else { return }
        for assertion in step["assert"]?.items ?? [] {
            for entry in assertion.entries where entry.key == "pass_rate" || entry.key == "baseline" {
                complaints.add(
                    .yamlBadValue, entry.keyMark, "\(entry.key) needs questions with expect, this step has none",
                    "add expect: to the questions")
            }
        }
    }

    private func expectsAnything(_ step: Tree) -> Bool {
        step["ask"]?["questions"]?.items.contains { $0["expect"] != nil } ?? false
    }

    private mutating func checkPath(_ output: Tree, _ steps: [Tree]) {
        guard let path = output["path"], let scalar = path.scalar, let text = path.text else { return }
        let step = steps.first { $0["id"]?.text == output["from"]?.text }
        let isWhole = step?["ask"] != nil || step?["summarize"]?["per"]?.text == "corpus"
        for name in OutputPath.placeholders(in: text) where !OutputPath.known.contains(name) {
            complaints.add(
                .yamlBadValue, path.mark, "the path has the unknown placeholder {\(name)}",
                Suggestions.nearest(name, among: OutputPath.known).map { "did you mean \"{\($0)}\"?" }
                    ?? "known: " + OutputPath.known.map { "{\($0)}" }.joined(separator: ", "))
        }
        if isWhole, OutputPath.placeholders(in: text).contains(where: { $0.hasPrefix("doc.") }) {
            complaints.add(
                .yamlBadValue, path.mark, "\"\(scalar.raw)\" is per document, but the step is not",
                "use {id}, or a path without placeholders")
        }
    }
}

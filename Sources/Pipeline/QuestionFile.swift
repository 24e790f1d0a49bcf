// Files of questions: one per line, or JSONL with `id`, `q` and, if answers are to be checked, `expect`.

import Diagnostics
import Runs

/// A file of questions.
package enum QuestionFile {
    /// The questions of a file, and everything that is wrong with it.
    ///
    /// Empty lines and, in plain files, lines that begin with `#` are left out. A file whose first line begins with
    /// `{` is JSONL. Questions without an id are called `q1`, `q2` … by their position.
    package static func parse(
        _ text: String, path: String
    ) -> (questions: [Question], complaints: [PipelineComplaint]) {
        let source = SourceText(path: path, text: text)
        var complaints = ComplaintList()
        let lines = source.lines.enumerated().filter { !$0.element.allSatisfy(\.isWhitespace) }
        let isJSON = lines.first?.element.drop(while: \.isWhitespace).first == "{"
        var questions: [Question] = []
        for (index, line) in lines {
            if isJSON {
                if let question = record(line, index + 1, questions.count + 1, source, &complaints) {
                    questions.append(question)
                }
            } else if line.drop(while: \.isWhitespace).first != "#" {
                let words = String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
                questions.append(Question(id: "q\(questions.count + 1)", text: words, file: path, line: index + 1))
            }
        }
        var first: [String: Int] = [:]
        for question in questions {
            if let earlier = first[question.id] {
                complaints.add(
                    .yamlRepeatedKey, source.find("\"\(question.id)\"", from: Mark(line: question.line, column: 1)),
                    "the question \"\(question.id)\" is there twice", "it is already in line \(earlier)")
            } else {
                first[question.id] = question.line
            }
        }
        if questions.isEmpty, complaints.isEmpty {
            complaints.add(.yamlMissingKey, Mark(line: 1, column: 1), "the file has no questions")
        }
        return (questions, complaints.sorted(in: source))
    }

    private static func record(
        _ line: String, _ number: Int, _ position: Int, _ source: SourceText, _ complaints: inout ComplaintList
    ) -> Question? {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: line)
        } catch {
            complaints.add(.yamlSyntax, Mark(line: number, column: error.offset + 1), error.message)
            return nil
        }
        guard case .object(let members) = value else {
            complaints.add(.yamlWrongType, Mark(line: number, column: 1), "a question must be an object with id and q")
            return nil
        }
        func mark(_ key: String) -> Mark { source.find("\"\(key)\"", from: Mark(line: number, column: 1)) }
        for member in members where !["id", "q", "expect"].contains(member.key) {
            // Other fields are the user's own; only a slip of ours is pointed out.
            if let near = Suggestions.nearest(member.key, among: ["expect"]), value[near] == nil {
                complaints.add(
                    .yamlUnknownKey, mark(member.key), "unknown key \"\(member.key)\" in a question",
                    "did you mean \"\(near)\"?")
            }
        }
        guard let text = value["q"]?.text, !text.allSatisfy(\.isWhitespace) else {
            complaints.add(
                value["q"] == nil ? .yamlMissingKey : .yamlWrongType, Mark(line: number, column: 1),
                "the question has no text", value["question"] == nil ? "add \"q\"" : "call \"question\" \"q\"")
            return nil
        }
        let checks = checks(value["expect"], mark("expect"), &complaints)
        return Question(
            id: value["id"]?.text ?? value["id"]?.number.map { Shape.short($0) } ?? "q\(position)", text: text,
            expect: checks, fields: members.filter { !["id", "q", "expect"].contains($0.key) }, file: source.path,
            line: number)
    }

    private static func checks(_ value: JSONValue?, _ mark: Mark, _ complaints: inout ComplaintList) -> [Check] {
        guard let value else { return [] }
        let tree = Tree(json: value, mark: mark)
        var validator = Validator(complaints: complaints)
        validator.check(tree, .list(PipelineKeys.check), owner: mark, key: "expect")
        complaints = validator.complaints
        return tree.items.compactMap(CheckBuilder.check)
    }
}

// Checks from trees whose forms are right.

/// Builds checks; nil where a tree is not one, which the validator has said.
enum CheckBuilder {
    static func check(_ node: Tree) -> Check? {
        guard let entry = node.entries.first else { return nil }
        return rule(entry.key, entry.value).map { Check($0, line: entry.keyMark.line) }
    }

    static func assertion(_ node: Tree) -> StepCheck? {
        guard let entry = node.entries.first else { return nil }
        return stepRule(entry.key, entry.value).map { StepCheck(rule: $0, line: entry.keyMark.line) }
    }

    private static func texts(_ node: Tree) -> [String] { node.oneOrMore.compactMap(\.text) }

    private static func rule(_ key: String, _ value: Tree) -> CheckRule? {
        switch key {
        case "contains": return value.text.map { .contains($0) }
        case "contains_any": return .containsAny(texts(value))
        case "not_contains": return .notContains(texts(value))
        case "regex": return value.text.map { .regex($0) }
        case "equals": return value.text.map { .equals($0) }
        case "number":
            guard let number = value.scalar?.double ?? value["value"]?.scalar?.double else { return nil }
            return .number(value: number, tolerance: value["tolerance"]?.scalar?.double ?? 0)
        case "not_found": return value.scalar?.bool.map { .notFound($0) }
        case "cites":
            guard let doc = value.text ?? value["doc"]?.text else { return nil }
            return .cites(doc: doc, pages: value["pages"]?.text.flatMap { PageSelection($0) })
        case "citations":
            let verified = value["verified"]
            let count: VerifiedCount? = verified?.text == "all" ? .all : verified?.scalar?.int.map { .atLeast($0) }
            return .citations(min: value["min"]?.scalar?.int ?? 0, verified: count)
        case "coverage": return .coverage(floor(value))
        case "min_words": return value.scalar?.int.map { .minWords($0) }
        case "max_words": return value.scalar?.int.map { .maxWords($0) }
        case "seconds_per_question": return value["max"]?.scalar?.double.map { .secondsPerQuestion(max: $0) }
        default: return nil
        }
    }

    private static func stepRule(_ key: String, _ value: Tree) -> StepRule? {
        switch key {
        case "each":
            guard let entry = value.entries.first else { return nil }
            return rule(entry.key, entry.value).map { .each($0) }
        case "coverage": return .coverage(floor(value))
        case "pass_rate": return value["min"]?.text.flatMap(Values.share).map { .passRate(min: $0) }
        case "failures":
            guard let max = value["max"] else { return nil }
            if let count = max.scalar?.int { return .failures(max: .count(count)) }
            return max.text.flatMap(Values.share).map { .failures(max: .share($0)) }
        case "baseline":
            guard let file = value["file"]?.text else { return nil }
            return .baseline(file: file, allowDrop: value["allow_drop"]?.text.flatMap(Values.share) ?? 0)
        case "tokens_per_second": return value["min"]?.scalar?.double.map { .tokensPerSecond(min: $0) }
        case "peak_memory": return value["max"]?.text.flatMap(Values.bytes).map { .peakMemory(max: $0) }
        case "seconds_per_question": return value["max"]?.scalar?.double.map { .secondsPerQuestion(max: $0) }
        default: return nil
        }
    }

    private static func floor(_ node: Tree) -> CoverageFloor {
        CoverageFloor(
            documents: node["documents"]?.text.flatMap(Values.share), pages: node["pages"]?.text.flatMap(Values.share))
    }
}

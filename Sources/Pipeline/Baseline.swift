// Earlier pass rates, `docproc.baseline/1`: what a change must not fall below.

import Runs

/// A baseline file.
struct Baseline: Equatable {
    /// What one step reached.
    struct Step: Equatable {
        var passRate: Double
        var passed: [String]
    }

    /// By step id.
    var steps: [String: Step] = [:]

    init() {}

    /// Reads a file's text.
    init(_ text: String) throws(BaselineError) {
        guard let json = try? JSONValue(parsing: text), json["schema"] == "docproc.baseline/1",
            case .object(let members) = json["steps"]
        else { throw BaselineError(message: "it is no docproc.baseline/1") }
        for member in members {
            guard let rate = member.value["pass_rate"]?.number else { continue }
            steps[member.key] = Step(
                passRate: rate, passed: (member.value["passed"]?.elements ?? []).compactMap(\.text))
        }
    }

    /// The file's text.
    var text: String {
        let members = steps.sorted { $0.key < $1.key }.map { id, step in
            JSONValue.Member(
                id,
                .fields([
                    "pass_rate": .double(step.passRate), "passed": .array(step.passed.map { .string($0) }),
                ]))
        }
        return JSONValue.fields(["schema": "docproc.baseline/1", "steps": .object(members)]).pretty + "\n"
    }
}

/// Why a baseline can't be used.
struct BaselineError: Error, Equatable {
    var message: String
}

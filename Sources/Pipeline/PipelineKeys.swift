// Every key of a pipeline file, once. The validator and `docproc schema pipeline` are both made from this table.

enum PipelineKeys {
    static let root = Shape.mapping(
        MappingShape(
            noun: "the pipeline",
            keys: [
                Key("version", .integer(1...1), required: true, "Version of the file format: 1."),
                Key("name", .identifier, required: true, "Name of the pipeline, used in reports."),
                Key("description", .text, "What the pipeline is for."),
                Key("params", .named(noun: "a parameter", param), "Values given with --set params.NAME=VALUE."),
                Key("models", .named(noun: "a model", .short(.text, or: model)), "Models by a name of their own."),
                Key("corpora", .named(noun: "a corpus", corpus), required: true, "Sets of documents by name."),
                Key("defaults", settings("defaults"), "Settings of every step."),
                Key("steps", .list(step), required: true, "What to do."),
                Key("outputs", .list(output), "Files to write."),
                Key("reports", reports, "Reports to write."), Key("limits", limits, "Limits of the whole run."),
                .notBuilt("matrix"), .notBuilt("backends"), .notBuilt("network"),
            ]))

    static let param = Shape.mapping(
        MappingShape(
            noun: "a parameter",
            keys: [
                Key(
                    "type", .choice(["text", "integer", "number", "boolean", "date"], notBuilt: []),
                    "What kind of value; text if absent."),
                Key("required", .boolean, "Whether it must be given."),
                Key("default", .anyScalar, "The value if none is given."), Key("description", .text, "What it is for."),
            ]))

    static let model = Shape.mapping(
        MappingShape(
            noun: "a model",
            keys: [
                Key("name", .text, required: true, "A model name or path, as after --model."),
                Key("sha256", .sha256, "Hash that the file must have."),
            ]))

    static let corpus = Shape.mapping(
        MappingShape(
            noun: "a corpus",
            keys: [
                Key("paths", .oneOrMore(.text), required: true, "Files, folders and globs, relative to this file."),
                Key("include", .oneOrMore(.text), "Globs: only files that match one are read."),
                Key("exclude", .oneOrMore(.text), "Globs: files that match one are left out."),
                Key("pages", .pages, "Pages to read of each document."),
                Key(
                    "on_unreadable", .choice(["fail", "warn", "skip"], notBuilt: []), "What an unreadable file means."),
                Key("html", .choice(["main", "full"], notBuilt: []), "Main content of HTML pages, or all of it."),
                Key("hidden_text", .choice(["flag", "drop", "keep"], notBuilt: []), "What to do with invisible text."),
                .notBuilt("ocr"),
            ]))

    /// Settings of models and answers, in `defaults:` and in each step.
    static let settingKeys = [
        Key("model", .text, "A name of models:, or a model name or path."),
        Key("memory", .bytes, "Hard limit on resident memory."),
        Key("threads", .integer(1...1024), "Threads of computation."),
        Key("context", .either(.choice(["auto", "max"], notBuilt: []), .tokens), "Window size in tokens."),
        Key("kv_type", .choice(["f16", "f32", "q8"], notBuilt: ["q4"]), "Number format of the KV cache."),
        Key("kv_memory", .bytes, "Most keys and values in memory."),
        Key("kv_read", .reading, "How much generated tokens read of keys and values on disk."),
        Key("thinking", .choice(["none", "low", "medium", "high"], notBuilt: []), "How long the model may think."),
        Key("temperature", .number(0...2), "0 picks the most likely token every time."),
        Key("seed", .integer(0...Int.max), "Seed of sampling."),
        Key("max_output_tokens", .tokens, "Most tokens of one answer."),
        Key("strategy", .choice(["auto", "full", "map", "search"], notBuilt: []), "How ask reads the corpus."),
        Key("cite", .choice(["required", "auto", "off"], notBuilt: []), "Whether answers must cite."),
        .notBuilt("backend"), .notBuilt("image_tokens"),
    ]

    static func settings(_ noun: String) -> Shape {
        .mapping(MappingShape(noun: noun, keys: settingKeys))
    }

    static let step = Shape.mapping(
        MappingShape(
            noun: "a step",
            keys: [
                Key("id", .identifier, required: true, "Name of the step, unique in this file."),
                Key("ask", ask, "Answers questions."), Key("summarize", summarize, "Writes summaries."),
                .notBuilt("extract"), .notBuilt("reduce"),
                Key("needs", .oneOrMore(.identifier), "Steps that must be done before."),
                Key(
                    "on_error", .choice(["stop", "continue"], notBuilt: []), "What a failed step means for the others."),
                Key("assert", .list(assertion), "What the step must have done."),
            ], exactlyOne: ["ask", "summarize", "extract", "reduce"]))

    static let ask = Shape.mapping(
        MappingShape(
            noun: "ask",
            keys: [
                Key("corpus", .identifier, required: true, "A name of corpora:."),
                Key("questions", .list(question), "Questions with what their answers must be like."),
                Key("questions_file", .text, "A file with one question per line, or JSONL with id, q and expect."),
            ] + settingKeys + [.notBuilt("schema"), .notBuilt("check_support")],
            atLeastOne: ["questions", "questions_file"]))

    static let question = Shape.mapping(
        MappingShape(
            noun: "a question",
            keys: [
                Key("id", .identifier, required: true, "Name of the question, unique in its step."),
                Key("q", .text, required: true, "The question."),
                Key("expect", .list(check), "What the answer must be like."),
            ]))

    static let summarize = Shape.mapping(
        MappingShape(
            noun: "summarize",
            keys: [
                Key("corpus", .identifier, required: true, "A name of corpora:."),
                Key("per", .choice(["document", "corpus"], notBuilt: ["section"]), "What gets one summary."),
                Key("length", .words, "Length of a summary, such as 180 words."),
                Key("prompt", .text, "What the summary should say."),
                Key("prompt_file", .text, "A file with what the summary should say."),
            ] + settingKeys + [.notBuilt("language"), .notBuilt("schema")]))

    static let output = Shape.mapping(
        MappingShape(
            noun: "an output",
            keys: [
                Key("from", .identifier, required: true, "A step."),
                Key("format", .choice(["markdown", "json", "jsonl"], notBuilt: ["html"]), required: true, "Its form."),
                Key("path", .text, required: true, "Where it goes; {doc.stem} makes one file per document."),
            ]))

    static let reports = Shape.mapping(
        MappingShape(
            noun: "reports",
            keys: [
                Key("junit", .text, "A JUnit XML file with one suite per step and one case per check."),
                .notBuilt("html"), .notBuilt("trace"),
            ]))

    static let limits = Shape.mapping(
        MappingShape(
            noun: "limits",
            keys: [
                Key("time", .duration, "Longest run."), Key("input_tokens", .tokens, "Most tokens read."),
                Key("output_tokens", .tokens, "Most tokens written."), Key("disk", .bytes, "Most bytes written."),
                Key("memory", .bytes, "Hard limit on resident memory."),
            ]))

    // MARK: - Checks

    static let coverageFloor = Shape.mapping(
        MappingShape(
            noun: "coverage",
            keys: [
                Key("documents", .share, "Least share of documents read."),
                Key("pages", .share, "Least share of pages read."),
            ], atLeastOne: ["documents", "pages"]))

    /// Checks of one answer or summary.
    static let recordChecks = [
        Key("contains", .text, "Text that must occur; case and white space do not count."),
        Key("contains_any", .list(.text), "Texts of which one must occur."),
        Key("not_contains", .oneOrMore(.text), "Texts of which none may occur."),
        Key("regex", .regex, "A pattern that must match somewhere."),
        Key("equals", .text, "The whole text; case and white space do not count."),
        Key(
            "number",
            .short(
                .number(-Double.infinity...Double.infinity),
                or: .mapping(
                    MappingShape(
                        noun: "number",
                        keys: [
                            Key("value", .number(-Double.infinity...Double.infinity), required: true, "The number."),
                            Key("tolerance", .number(0...Double.infinity), "How far off it may be."),
                        ]))), "A number that must occur, in digits or words."),
        Key("not_found", .boolean, "Whether the answer must say that the documents don't tell."),
        Key(
            "cites",
            .short(
                .text,
                or: .mapping(
                    MappingShape(
                        noun: "cites",
                        keys: [
                            Key("doc", .text, required: true, "The document's path, or its end."),
                            Key("pages", .pages, "Pages of which one must be cited."),
                        ]))), "A document that must be cited."),
        Key(
            "citations",
            .mapping(
                MappingShape(
                    noun: "citations",
                    keys: [
                        Key("min", .integer(0...Int.max), "Least number of citations."),
                        Key(
                            "verified", .either(.choice(["all"], notBuilt: []), .integer(0...Int.max)),
                            "How many of them must be found in the source."),
                    ], atLeastOne: ["min", "verified"])), "How many citations there must be."),
        Key("coverage", coverageFloor, "What must have been read."),
        Key("min_words", .integer(1...Int.max), "Least number of words."),
        Key("max_words", .integer(1...Int.max), "Largest number of words."),
        Key("seconds_per_question", maximum("seconds_per_question", .number(0...Double.infinity)), "Longest time."),
        .notBuilt("json_schema"), .notBuilt("language"), .notBuilt("overlap"), .notBuilt("judge"),
    ]

    /// Checks of a whole step.
    static let stepChecks = [
        Key("each", .oneKey(noun: "each", recordChecks), "A check that every record must pass."),
        Key("coverage", coverageFloor, "What must have been read."),
        Key(
            "pass_rate",
            .mapping(
                MappingShape(
                    noun: "pass_rate",
                    keys: [Key("min", .share, required: true, "Least share of questions that pass.")])),
            "Share of the questions with expect whose checks all hold."),
        Key(
            "failures", maximum("failures", .either(.integer(0...Int.max), .share)),
            "How many records may fail, as a number or a share."),
        Key(
            "baseline",
            .mapping(
                MappingShape(
                    noun: "baseline",
                    keys: [
                        Key("file", .text, required: true, "A file with an earlier pass rate."),
                        Key("allow_drop", .share, "How far it may fall; 0% if absent."),
                    ])), "Compares the pass rate with an earlier one."),
        Key(
            "tokens_per_second",
            .mapping(
                MappingShape(
                    noun: "tokens_per_second",
                    keys: [Key("min", .number(0...Double.infinity), required: true, "Least speed of reading.")])),
            "Speed of reading."),
        Key("peak_memory", maximum("peak_memory", .bytes), "Most resident memory."),
        Key(
            "seconds_per_question", maximum("seconds_per_question", .number(0...Double.infinity)), "Longest mean time."),
        .notBuilt("judge"), .notBuilt("overlap"),
    ]

    static let check = Shape.oneKey(noun: "a check", recordChecks)
    static let assertion = Shape.oneKey(noun: "an assertion", stepChecks)

    private static func maximum(_ noun: String, _ shape: Shape) -> Shape {
        .mapping(MappingShape(noun: noun, keys: [Key("max", shape, required: true, "The largest value.")]))
    }

    /// Where each key of the table belongs, for keys that stand at a wrong place.
    static let owners: [String: [String]] = {
        var owners: [String: [String]] = [:]
        func collect(_ shape: Shape) {
            switch shape {
            case .mapping(let mapping): collect(mapping.keys, mapping.noun)
            case .oneKey(let noun, let keys): collect(keys, noun)
            case .list(let item), .oneOrMore(let item), .named(_, let item), .short(_, let item): collect(item)
            default: break
            }
        }
        func collect(_ keys: [Key], _ noun: String) {
            for key in keys where key.isBuilt {
                if !owners[key.name, default: []].contains(noun) { owners[key.name, default: []].append(noun) }
                collect(key.shape)
            }
        }
        collect(root)
        return owners
    }()
}

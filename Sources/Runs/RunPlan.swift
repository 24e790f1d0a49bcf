// What a command would do and cost, as `docproc.plan/1`: what `--plan --json` prints and `run.json` records.
//
// The numbers come from the packer and the engine; printing them for people is the program's.

/// A plan. Absent parts are nil and left out of the JSON.
package struct RunPlan: Sendable, Equatable {
    /// The model to be used.
    package struct Model: Sendable, Equatable {
        package var name: String, quant: String, sha256: String?, bytes: Int, license: String?

        package init(name: String, quant: String, sha256: String? = nil, bytes: Int, license: String? = nil) {
            self.name = name
            self.quant = quant
            self.sha256 = sha256
            self.bytes = bytes
            self.license = license
        }
    }

    /// The windows to be read, sizes in tokens.
    package struct Windows: Sendable, Equatable {
        package var count: Int, tokens: Int, largest: Int, reliable: Int?, accepted: Int

        package init(count: Int, tokens: Int, largest: Int, reliable: Int? = nil, accepted: Int) {
            self.count = count
            self.tokens = tokens
            self.largest = largest
            self.reliable = reliable
            self.accepted = accepted
        }
    }

    /// An upper bound in bytes with its limit, if there is one.
    package struct Bound: Sendable, Equatable {
        package var bytes: Int, limit: Int?

        package init(bytes: Int, limit: Int? = nil) {
            self.bytes = bytes
            self.limit = limit
        }

        /// Whether the limit would be passed.
        package var exceeds: Bool { limit.map { bytes > $0 } ?? false }
    }

    /// The command.
    package var command: String
    /// `full`, `map` or `search`; nil where nothing is asked.
    package var strategy: String?
    /// What the model is; nil for commands without one.
    package var model: Model?
    /// What would be read; nil for commands without a model.
    package var windows: Windows?
    /// Peak resident memory.
    package var memory: Bound?
    /// Bytes written to cache, run folder and outputs.
    package var disk: Bound?
    /// Files in all, and those whose extraction or result is reused.
    package var files: Int, filesReused: Int
    /// Estimated seconds and their uncertainty; nil without a calibration.
    package var seconds: Double?, secondsUncertainty: Double?

    /// Gathers a plan.
    package init(
        command: String, strategy: String? = nil, model: Model? = nil, windows: Windows? = nil, memory: Bound? = nil,
        disk: Bound? = nil, files: Int, filesReused: Int = 0, seconds: Double? = nil, secondsUncertainty: Double? = nil
    ) {
        self.command = command
        self.strategy = strategy
        self.model = model
        self.windows = windows
        self.memory = memory
        self.disk = disk
        self.files = files
        self.filesReused = filesReused
        self.seconds = seconds
        self.secondsUncertainty = secondsUncertainty
    }

    /// Whether a limit would be passed: the command then refuses with status 5.
    package var exceedsLimits: Bool { memory?.exceeds == true || disk?.exceeds == true }

    /// The plan as `docproc.plan/1`.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("schema", "docproc.plan/1"), .init("command", .string(command)),
        ]
        func add(_ key: String, _ value: JSONValue?) {
            if let value { members.append(.init(key, value)) }
        }
        add("strategy", strategy.map { .string($0) })
        add(
            "model",
            model.map { model in
                .object(
                    [
                        .init("name", .string(model.name)), .init("quant", .string(model.quant)),
                        .init("bytes", .int(model.bytes)),
                    ] + (model.sha256.map { [.init("sha256", .string($0))] } ?? [])
                        + (model.license.map { [.init("license", .string($0))] } ?? []))
            })
        add(
            "windows",
            windows.map { windows in
                .object(
                    [
                        .init("count", .int(windows.count)), .init("tokens", .int(windows.tokens)),
                        .init("largest", .int(windows.largest)),
                    ] + (windows.reliable.map { [.init("reliable", .int($0))] } ?? [])
                        + [.init("accepted", .int(windows.accepted))])
            })
        for (key, bound) in [("memory", memory), ("disk", disk)] {
            add(
                key,
                bound.map { bound in
                    .object(
                        [.init("bytes", .int(bound.bytes))] + (bound.limit.map { [.init("limit", .int($0))] } ?? [])
                            + [.init("exceeded", .bool(bound.exceeds))])
                })
        }
        add("files", .fields(["total": .int(files), "reused": .int(filesReused)]))
        if let seconds {
            add(
                "time",
                .object(
                    [.init("seconds", .double(seconds))]
                        + (secondsUncertainty.map { [.init("uncertainty", .double($0))] } ?? [])))
        }
        return .object(members)
    }
}

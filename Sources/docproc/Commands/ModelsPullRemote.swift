// `models pull` of what is not in the catalogue: a repository of a hub, or an address.

import Diagnostics
import Networking
import Runs
import Store
import Weights

extension ModelsPull {
    /// Looks what there is, shows the licence, then fetches.
    func pull(_ reference: ModelReference, _ context: CommandContext) async throws {
        let store = ModelStore(directory: context.places.models)
        let fetcher = try Network.fetcher(environment: context.environment)
        let hub = try Hub(environment: context.environment, fetcher: fetcher)
        let plan = try await PullPlan(reference, hub: hub, into: store)
        let narrator = context.narrator
        if let here = plan.stored(in: store) {
            narrator.note("\(here.name) is here already")
            return try result(here, fetched: false, context)
        }
        try accept(plan, context)
        if let bytes = plan.byteCount { try demandSpace(bytes - plan.bytesHere, for: plan.name, in: store) }
        narrator.note(
            "fetching \(plan.name), \(plan.byteCount.map { Format.bytes($0) } ?? "size unknown") in "
                + "\(Format.plural(plan.files.count, "file")), licence \(plan.licence.name ?? "not stated") "
                + plan.licence.url)
        narrator.begin(
            Progress(stage: "pull", done: 0, total: plan.byteCount, unit: "bytes", rateUnit: "B/s", inBytes: true))
        let stored = try await PlannedPull(plan, hub: hub, store: store).run { event in
            switch event {
            case .file(let number, let count, let name):
                narrator.update { $0.details = count > 1 ? ["\(number + 1)/\(count) \(name)"] : [] }
            case .bytes(let done):
                narrator.update { progress in
                    // What an earlier pull had fetched does not count for the rate.
                    if progress.done == 0 { progress.free = done }
                    progress.done = done
                }
            }
        }
        let published = stored.pulled?.files.filter(\.published).count ?? 0
        narrator.end(
            Format.pad("pull", 8) + " \(stored.name)  \(Format.bytes(stored.byteCount))  "
                + (published > 0 ? "sha256 ok" : "no published sha256 to compare with"))
        try result(stored, fetched: true, context)
    }

    /// A licence that is known not to restrict use is only named; any other, or none, must be accepted.
    private func accept(_ plan: PullPlan, _ context: CommandContext) throws {
        guard let key = plan.licence.acceptanceKey else { return }
        let text =
            plan.licence.name.map { "\(plan.name) comes under the licence \($0), which may restrict its use: " }
            ?? "nothing says under which licence \(plan.name) may be used: "
        try demandAcceptance(
            of: plan.licence.name.map { "the licence \($0)" } ?? "a model without a stated licence", key: key,
            url: plan.licence.url, saying: text + plan.licence.url, pulling: name, context)
    }

    private func result(_ stored: ModelStore.Stored, fetched: Bool, _ context: CommandContext) throws {
        let pulled = stored.pulled
        try context.print(
            .fields([
                "schema": "docproc.pull/1", "name": .string(stored.name), "path": .string(stored.path),
                "sha256": stored.sha256.map { .string($0) } ?? .null,
                "license": stored.licence.map { .string($0) } ?? .null, "fetched": .bool(fetched),
                "source": (pulled?.manifest.source).map { .string($0) } ?? .null,
                "commit": (pulled?.manifest.commit).map { .string($0) } ?? .null,
                "files": .array(
                    (pulled?.files ?? []).map {
                        .fields([
                            "name": .string($0.name), "bytes": .int($0.bytes), "sha256": .string($0.sha256),
                            "published": .bool($0.published),
                        ])
                    }),
            ]), text: stored.path + "\n")
    }
}

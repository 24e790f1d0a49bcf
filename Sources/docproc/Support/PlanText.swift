import Answering
import Diagnostics
import Runs

/// `--plan`: the lines for people; the record is `RunPlan`'s.
enum PlanText {
    /// As in the product's sample.
    static func lines(
        _ plan: RunPlan, ask: AskPlan?, streaming: StreamingCost?, freeDisk: Int?, reused: String?
    ) -> String {
        var rows: [[String]] = []
        if let model = plan.model {
            rows.append([
                "model",
                [model.name + (model.quant.isEmpty ? "" : " \(model.quant)"), Format.bytes(model.bytes)]
                    .joined(separator: " · ") + (model.sha256.map { " · sha256 \($0.prefix(8))…" } ?? "")
                    + (model.license.map { " · \($0)" } ?? ""),
            ])
        }
        if let ask {
            let sizes = ask.windows.max() ?? 0
            rows.append([
                "windows",
                "\(ask.windows.count) × up to \(Format.count(sizes)) tokens, strategy \(ask.strategy.rawValue) "
                    + "(window limit \(Format.count(ask.windowLimit)), \(Format.count(ask.answerReserve)) kept for the answer"
                    + (plan.windows?.accepted).map { "; the model accepts \(Format.count($0))" }.orEmpty + ")",
            ])
            rows.append([
                "tokens",
                "\(Format.count(ask.inputTokens)) to read, \(Format.count(ask.documentTokens)) of them documents",
            ])
        }
        if let memory = plan.memory {
            let limit = memory.limit.map { " of \(Format.bytes($0))" } ?? ""
            rows.append([
                "memory", "\(Format.bytes(memory.bytes)) peak\(limit)" + (memory.exceeds ? ", over the limit" : ""),
            ])
        }
        if let streaming { rows.append(["streaming", streaming.text]) }
        if let freeDisk { rows.append(["disk", "\(Format.bytes(freeDisk)) free for the cache"]) }
        rows.append([
            "reuse", "\(plan.filesReused) of \(Format.plural(plan.files, "file"))" + (reused.map { ", \($0)" } ?? ""),
        ])
        if let seconds = plan.seconds {
            let range = plan.secondsUncertainty.map { " ± \(Format.duration($0))" } ?? ""
            rows.append(["time", Format.duration(seconds) + range])
        }
        return Format.table(rows)
    }
}

extension Optional where Wrapped == String {
    fileprivate var orEmpty: String { self ?? "" }
}

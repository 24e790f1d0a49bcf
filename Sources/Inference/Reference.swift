// Expected outputs of a model, computed by another implementation: golden.safetensors with golden.json beside it.

import FoundationEssentials
package import Weights

/// The prompts of one reference file and what they should give.
package struct Reference: Sendable {
    /// One prompt, `T` tokens.
    package struct Prompt: Sendable {
        /// `p0`, `p1`, …
        package var name: String
        package var tokens: [Int32]
        /// Positions whose logits are known, and these: `[positions, vocabulary]`.
        package var positions: [Int]
        package var logits: [Float]
        /// The likeliest token after each position; -1 where two are too close to tell. Empty if unknown.
        package var argmax: [Int32]
        /// Greedy continuation; empty if unknown.
        package var greedy: [Int32]
        /// Hidden states `[T, width]` by name, such as `hidden.layer.3`.
        package var states: [String: [Float]]
    }

    package var prompts: [Prompt]
    /// Prompts with pictures or sounds, which text models don't take.
    package var skipped: [String]
    /// Allowed difference of a logit.
    package var logitTolerance: Float
    /// Allowed difference of a hidden state, as a share of its largest magnitude.
    package var stateTolerance: Float

    private struct Tolerances: Decodable {
        struct Values: Decodable {
            var logits: Float?
            var states: Float?

            private enum CodingKeys: String, CodingKey {
                case logits = "logits_atol"
                case states = "hidden_atol_over_absmax"
            }
        }
        var tolerance: Values?
    }

    /// Reads a file of expected outputs.
    ///
    /// - Parameters:
    ///   - path: `golden.safetensors` or `NAME.golden.safetensors`.
    ///   - settings: `golden.json` with the tolerances; without it 1e-3 and 1e-4.
    package init(path: String, settings: String?) throws(SafetensorsError) {
        let file = try SafetensorsFile(path: path)
        let tolerances = settings.flatMap { FileManager.default.contents(atPath: $0) }
            .flatMap { try? JSONDecoder().decode(Tolerances.self, from: $0) }?.tolerance
        logitTolerance = tolerances?.logits ?? 1e-3
        stateTolerance = tolerances?.states ?? 1e-4
        prompts = []
        skipped = []
        for name in Set(file.tensors.compactMap { $0.name.split(separator: ".").first.map(String.init) }).sorted() {
            guard let tokens = file.integers(name + ".input_ids") else { continue }
            let media = ["image.", "pixel_values", "sound.", "input_features"].map { "\(name).\($0)" }
            if file.tensors.contains(where: { tensor in media.contains { tensor.name.hasPrefix($0) } }) {
                skipped.append(name)
                continue
            }
            var states: [String: [Float]] = [:]
            for tensor in file.tensors where tensor.name.hasPrefix(name + ".hidden.") {
                states[String(tensor.name.dropFirst(name.count + 1))] = tensor.floats
            }
            prompts.append(
                Prompt(
                    name: name, tokens: tokens,
                    positions: (file.integers(name + ".logit_positions") ?? []).map { Int($0) },
                    logits: file.tensor(name + ".logits")?.floats ?? [],
                    argmax: file.integers(name + ".argmax") ?? [], greedy: file.integers(name + ".greedy") ?? [],
                    states: states))
        }
    }
}

extension SafetensorsFile {
    fileprivate func integers(_ name: String) -> [Int32]? {
        guard let tensor = tensor(name) else { return nil }
        let count = tensor.elements
        switch tensor.type {
        case .i32: return (0..<count).map { (tensor.bytes + 4 * $0).loadUnaligned(as: Int32.self) }
        case .i64:
            return (0..<count).map { Int32(truncatingIfNeeded: (tensor.bytes + 8 * $0).loadUnaligned(as: Int64.self)) }
        case .u8: return (0..<count).map { Int32((tensor.bytes + $0).load(as: UInt8.self)) }
        default: return nil
        }
    }
}

extension SafetensorsTensor {
    fileprivate var floats: [Float]? {
        guard type == .f32 else { return nil }
        return (0..<elements).map { (bytes + 4 * $0).loadUnaligned(as: Float.self) }
    }
}

// Mixtures of experts: scores, choice, and the experts' feed-forward blocks on the tokens that chose them. Experts that
// nobody chose are not touched.

import Kernels
import Tensors

extension DecoderSteps {
    private var mixtureBuffers: ExpertActivations {
        guard let experts = buffers.experts else { preconditionFailure("the configuration names no experts") }
        return experts
    }

    /// Sum of the experts' outputs, `[rows, embedding]`.
    var mixture: UnsafeMutablePointer<Float> { mixtureBuffers.mixture.pointer }

    /// Chooses experts: `[rows, embedding]` -> scores `[rows, experts]`.
    ///
    /// - Parameter scale: of the scores.
    func route(_ input: UnsafePointer<Float>, _ weights: ExpertWeights, scale: Float = 1, rows: Range<Int>) -> Routing {
        let scores = mixtureBuffers.scores.pointer
        compute.matmul(weights.router, input, tokens: rows.count, into: scores)
        if scale != 1 { compute.scale(scores, by: scale, count: rows.count * weights.shape.count) }
        return Routing(scores, rows: rows.count, weights.shape)
    }

    /// mixture = Σ output scale · Wdown · (activation(Wgate · h) ⊙ Wup · h), h = input scale · input, over the chosen
    /// experts of each row: `[rows, embedding]` -> `[rows, embedding]`
    ///
    /// - Parameters:
    ///   - inputScales, outputScales: `[rows, chosen]`; empty for none.
    func mix(
        _ input: UnsafePointer<Float>, _ weights: ExpertWeights, _ routing: Routing, inputScales: [Float] = [],
        outputScales: [Float] = [], _ kind: GateKind, rows: Range<Int>
    ) {
        let buffers = mixtureBuffers
        let slots = routing.slots(experts: weights.shape.count)
        var slotScales: [Float] = []
        if !inputScales.isEmpty {
            slotScales = inputScales
            for (choice, slot) in slots.slotOfChoice.enumerated() { slotScales[slot] = inputScales[choice] }
        }
        let (inputs, outputs) = (buffers.rows.pointer, buffers.outputs.pointer)
        let (gate, up, hidden) = (buffers.gate.pointer, buffers.up.pointer, weights.shape.hidden)
        compute.gatherRows(input, rows: slots.rows, scales: slotScales, columns: width, into: inputs)
        compute.groupedMatmul(
            slots.groups.map { expert, slots in
                ProductGroup(
                    rows: slots,
                    products: [
                        Product(weights.gate(expert), into: gate + slots.lowerBound * hidden),
                        Product(weights.up(expert), into: up + slots.lowerBound * hidden),
                    ])
            }, inputs)
        compute.gatedActivation(gate: gate, up: up, count: slots.rows.count * hidden, kind: kind, into: gate)
        compute.groupedMatmul(
            slots.groups.map { expert, slots in
                ProductGroup(
                    rows: slots, products: [Product(weights.down(expert), into: outputs + slots.lowerBound * width)])
            }, gate)
        let scales = outputScales.isEmpty ? Array(repeating: 1, count: slots.rows.count) : outputScales
        compute.combineRows(
            outputs, slots: slots.slotOfChoice, weights: scales, count: rows.count, columns: width, into: mixture)
    }

    /// mixture = RMSNorm(stream): the input of router or experts, where it is not the block's.
    func normalizeStreamForExperts(_ weight: UnsafePointer<Float>, rows: Range<Int>) {
        compute.rmsNorm(
            stream(rows), weight: weight, rows: rows.count, columns: width, eps: epsilon, into: mixture)
    }

    /// mixture = RMSNorm(mixture)
    func normalizeMixture(_ weight: UnsafePointer<Float>, rows: Range<Int>) {
        compute.rmsNorm(mixture, weight: weight, rows: rows.count, columns: width, eps: epsilon, into: mixture)
    }

    /// block += mixture: `[rows, embedding]`
    func addMixture(rows: Range<Int>) {
        compute.add(mixture, to: buffers.block.pointer, count: rows.count * width)
    }
}

// Encoders keep what they learned about a text's words; a tokenizer lends one to each call.

import Synchronization

/// Text without special tokens to ids, from any thread.
protocol TextEncoder: Sendable {
    func encode(_ text: TextView, into sink: inout TokenSink)
}

/// As many encoders as calls ran at the same time.
final class EncoderPool<Model: PieceModel>: TextEncoder {
    private let model: Model
    private let idle = Mutex<[PieceEncoder<Model>]>([])

    init(_ model: Model) { self.model = model }

    func encode(_ text: TextView, into sink: inout TokenSink) {
        let encoder = idle.withLock { $0.popLast() } ?? PieceEncoder(model)
        encoder.encode(text, into: &sink)
        idle.withLock { $0.append(encoder) }
    }
}

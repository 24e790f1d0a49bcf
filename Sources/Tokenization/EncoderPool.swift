// Encoders keep what they learned about a text's words; a tokenizer lends one to each call.

import Synchronization

/// Text without special tokens to ids, from any thread.
protocol TextEncoder: Sendable {
    /// - Parameter whole: bytes of the text that this one is a part of: whoever encodes one part soon gets another.
    func encode(_ text: TextView, of whole: Int, into sink: inout TokenSink)

    /// Between these two characters no token lies, whatever stands before and after them.
    func isCut(_ left: UInt32, _ right: UInt32) -> Bool
}

/// As many encoders as calls ran at the same time.
final class EncoderPool<Model: PieceModel>: TextEncoder {
    private let model: Model
    private let idle = Mutex<[PieceEncoder<Model>]>([])

    private let window: Int

    /// - Parameter window: symbols of a long piece that are merged at a time; changes memory and speed only.
    init(_ model: Model, window: Int) {
        self.model = model
        self.window = window
    }

    func encode(_ text: TextView, of whole: Int, into sink: inout TokenSink) {
        let encoder = idle.withLock { $0.popLast() } ?? PieceEncoder(model, window: window)
        encoder.encode(text, of: whole, into: &sink)
        idle.withLock { $0.append(encoder) }
    }

    func isCut(_ left: UInt32, _ right: UInt32) -> Bool { model.isCut(left, right) }
}

import Diagnostics
import SystemPackage
import Tokenization

/// `tokenize --jsonl`: texts from standard input, their ids to standard output, a line each and in order.
struct TokenLines {
    private let tokenizer: Tokenizer
    private let mode: EncodingMode

    /// Lines that wait to be written together.
    private static let blockBytes = 1 << 18

    init(_ tokenizer: Tokenizer, mode: EncodingMode) {
        self.tokenizer = tokenizer
        self.mode = mode
    }

    /// - Throws: `DP-IN-02` with the number of a line that isn't understood; the lines before it are written.
    func run(in context: CommandContext) throws {
        var pending: [UInt8] = []
        var output: [UInt8] = []
        var number = 0
        func take(_ line: ArraySlice<UInt8>) throws {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return }
            do throws(TokenizerError) {
                let text = try TextLine(json: Array(line))
                output += text.line(tokenizer.encode(utf8: text.bytes, mode: mode))
            } catch {
                try flush()
                throw Self.failure(error, line: number)
            }
            if output.count >= Self.blockBytes { try flush() }
        }
        func flush() throws {
            if !output.isEmpty { try context.output.write(String(decoding: output, as: UTF8.self)) }
            output.removeAll(keepingCapacity: true)
        }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try FileDescriptor.standardInput.read(into: $0) }
            try Task.checkCancellation()
            if count == 0 { break }
            var start = 0
            while let end = chunk[start..<count].firstIndex(of: 0x0A) {
                if pending.isEmpty {
                    try take(chunk[start..<end])
                } else {
                    pending += chunk[start..<end]
                    try take(pending[...])
                    pending.removeAll(keepingCapacity: true)
                }
                start = end + 1
            }
            pending += chunk[start..<count]
            // Whoever waits for an answer before the next text gets it.
            try flush()
        }
        if !pending.isEmpty { try take(pending[...]) }
        try flush()
    }

    private static func failure(_ error: TokenizerError, line: Int) -> UserError {
        let reason =
            if case .malformed(_, let offset, let reason) = error { "\(reason) at byte \(offset)" } else { "\(error)" }
        return UserError(
            .inputUnreadable, "line \(line) of standard input is no text: \(reason)",
            places: [.init("line", "\(line)")],
            remedies: [.init(#"{"id": "a", "text": "…"}"#, "a line that is one")])
    }
}

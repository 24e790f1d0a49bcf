import Diagnostics
import Runs
import SystemPackage
import Tokenization

/// `tokenize --raw`: the tokens of texts as they stand, read a block at a time.
struct RawCounting {
    private let tokenizer: Tokenizer
    private let threads: Int

    /// Enough for all threads to have something to do.
    private static let blockBytes = 8 << 20
    /// A word, or what a tokenizer takes for one, may be so long.
    private static let longestWord = 1 << 30

    init(_ tokenizer: Tokenizer, threads: Int) {
        self.tokenizer = tokenizer
        self.threads = threads
    }

    /// - Throws: `DP-IN-01` for files that are not there, `DP-IN-02` for those that can't be read.
    func count(_ paths: [String], in context: CommandContext) async throws -> [TokenCount] {
        let files = paths.flatMap(FileTree.files)
        context.narrator.begin(
            Progress(stage: "count", done: 0, unit: "bytes", rateUnit: "B/s", inBytes: true))
        defer { context.narrator.end() }
        var counts: [TokenCount] = []
        for file in files {
            do {
                counts.append(TokenCount(path: file, tokens: try await tokens(of: file, context)))
            } catch let error as Errno {
                throw UserError(
                    FileFacts.exists(file) ? .inputUnreadable : .inputMissing, "the text could not be read: \(error)",
                    places: [.init("file", file)])
            }
        }
        return counts
    }

    private func tokens(of path: String, _ context: CommandContext) async throws -> Int {
        let file: FileDescriptor = path == "-" ? .standardInput : try .open(FilePath(path), .readOnly)
        defer { if path != "-" { try? file.close() } }
        var stream = TokenStream(tokenizer, threads: threads, keepsIDs: false)
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        var tokens = 0
        while true {
            try Task.checkCancellation()
            // A pipe gives little at a time.
            var filled = 0
            while filled < block.count {
                let count = try block.withUnsafeMutableBytes {
                    try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
                }
                if count == 0 { break }
                filled += count
            }
            if filled == 0 { break }
            tokens += await stream.append(block[..<filled]).count
            context.narrator.update { $0.done += filled }
            guard stream.waitingBytes < Self.longestWord else {
                throw UserError(
                    .inputUnreadable, "a stretch of more than 1 GiB has no place where a token surely ends",
                    places: [.init("file", path)])
            }
        }
        return tokens + (await stream.finish().count)
    }
}

// The loop that every worker runs, and the reading and writing of frames on its two pipes.
//
// Knows nothing of limits or formats: `prepare` sets limits for one document, `extract` reads it. The program ends
// when its input does; a broken frame ends it too, since nothing after that can be trusted.

import Glibc

/// What a worker can say while it reads a document.
package struct WorkerOutput {
    fileprivate init() {}

    /// Tells pages read so far and pages asked for.
    package func progress(done: Int, total: Int) {
        _ = WireWorker.send(WireReply.progress(done: done, total: total).frame)
    }

    /// Sends the next page, of which nothing will change.
    package func page(_ page: ExtractedPage) {
        _ = WireWorker.send(WireReply.page(page).frame)
    }
}

/// The worker's side of the wire.
package enum WireWorker {
    /// Whether standard input and output are pipes or sockets, as under a parent, and not a terminal or a file.
    package static var isUnderParent: Bool {
        [STDIN_FILENO, STDOUT_FILENO].allSatisfy { descriptor in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return false }
            return status.st_mode & S_IFMT == S_IFIFO || status.st_mode & S_IFMT == S_IFSOCK
        }
    }

    /// Answers documents on standard input until it ends; returns the exit status.
    ///
    /// `extract` reports progress as often as it has any, and may send pages as soon as they are finished; those of
    /// what it returns are sent behind them, one by one. A failure makes the pages sent before it void.
    package static func serve(
        extractor: String, inputBytes: Int, prepare: () -> Void,
        extract: (ArraySlice<UInt8>, ExtractionRequest, WorkerOutput) -> Result<ExtractedDocument, ExtractionFailure>
    ) -> Int32 {
        guard send(WireReply.ready(version: Wire.version, extractor: extractor).frame) else { return 0 }
        while true {
            guard let header = receive(4) else { return 0 }
            // Names and options before the bytes are small; a megabyte is plenty.
            guard let length = try? Wire.length(header, limit: inputBytes + (1 << 20)), let body = receive(length),
                let request = try? WireRequest(body: body[...]), case .document(let what, let bytes) = request
            else { return 3 }
            prepare()
            guard answer(extract(bytes, what, WorkerOutput())) else { return 0 }
        }
    }

    /// Sends a result; false where the parent has gone.
    private static func answer(_ result: Result<ExtractedDocument, ExtractionFailure>) -> Bool {
        switch result {
        case .success(var document):
            for page in document.pages {
                guard send(WireReply.page(page).frame) else { return false }
            }
            document.pages = []
            return send(WireReply.end(document).frame)
        case .failure(let failure):
            return send(WireReply.failure(failure).frame)
        }
    }

    private static func receive(_ count: Int) -> [UInt8]? {
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = read(STDIN_FILENO, buffer.baseAddress?.advanced(by: filled), count - filled)
                if got > 0 { filled += got } else if got == 0 || errno != EINTR { break }
            }
            initialized = filled
        }
        return filled == count ? bytes : nil
    }

    fileprivate static func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = write(STDOUT_FILENO, buffer.baseAddress?.advanced(by: sent), buffer.count - sent)
                if count > 0 { sent += count } else if count == 0 || errno != EINTR { return false }
            }
            return true
        }
    }
}

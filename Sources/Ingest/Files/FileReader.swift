// Reading one file whole, without being held up or misled: no pipes or devices, no more bytes than allowed.

import Documents
import Glibc

/// Reads files.
enum FileReader {
    /// A regular file's bytes.
    static func read(_ name: [CChar], limit: Int) -> Result<[UInt8], ExtractionFailure> {
        // Without waiting: the name could have become a pipe since it was looked at.
        let descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return .failure(failure(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(failure(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            return .failure(ExtractionFailure(.unreadable, "no regular file"))
        }
        guard status.st_size <= limit else {
            return .failure(ExtractionFailure(.tooLarge, "\(status.st_size) bytes; the limit is \(limit)"))
        }
        return readAll(descriptor, expected: Int(status.st_size), limit: limit)
    }

    /// Standard input up to its end.
    static func readStandardInput(limit: Int) -> Result<[UInt8], ExtractionFailure> {
        readAll(STDIN_FILENO, expected: 64 << 10, limit: limit)
    }

    private static func readAll(_ descriptor: Int32, expected: Int, limit: Int) -> Result<[UInt8], ExtractionFailure> {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(expected + 1)
        let size = 1 << 18
        while true {
            var code: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                var got = Glibc.read(descriptor, buffer.baseAddress, size)
                while got < 0, errno == EINTR { got = Glibc.read(descriptor, buffer.baseAddress, size) }
                if got < 0 { code = errno }
                count = max(got, 0)
            }
            if code != 0 { return .failure(failure(code)) }
            if piece.isEmpty { return .success(bytes) }
            bytes.append(contentsOf: piece)
            if bytes.count > limit {
                return .failure(ExtractionFailure(.tooLarge, "over \(limit) bytes"))
            }
        }
    }

    /// What an error of the system means for a document.
    static func failure(_ code: Int32) -> ExtractionFailure {
        let text = String(cString: strerror(code))
        return ExtractionFailure(code == ENOENT || code == ENOTDIR ? .missing : .unreadable, text)
    }
}

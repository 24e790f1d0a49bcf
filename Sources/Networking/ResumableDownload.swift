// One file from a server to disk: resumed after interruptions, retried with growing pauses, checked by hash.

import Diagnostics
import Hashing
package import SystemPackage

/// Fetches a file into `target`; until it is complete and right, its bytes are in `target.part`.
package struct ResumableDownload: Sendable {
    private let fetcher: any HTTPFetching
    private let file: IndexFile
    private let target: FilePath
    private let retry: RetryPolicy

    /// Prepares the download of a file.
    package init(_ file: IndexFile, to target: FilePath, fetcher: any HTTPFetching, retry: RetryPolicy = RetryPolicy())
    {
        self.file = file
        self.target = target
        self.fetcher = fetcher
        self.retry = retry
    }

    /// Fetches what is missing. A target that is there already and has the right hash costs no request.
    ///
    /// - Parameter progress: bytes on disk so far, and bytes in all where known.
    /// - Throws: `DP-NET-01` after the last try, `DP-DISK-01` or `-02` when the disk refuses; `CancellationError`.
    package func run(progress: @Sendable (_ done: Int, _ total: Int?) -> Void = { _, _ in }) async throws {
        if let expected = file.sha256, let hash = try? ContentHash.ofFile(target), hash.hex == expected { return }
        var failures = 0
        var wrongHashes = 0
        while true {
            try Task.checkCancellation()
            let before = size(of: part)
            do {
                try await attempt(progress: progress)
                try check()
                return
            } catch let error as WrongHash {
                // The bytes on disk are not to be trusted; a second whole fetch tells a bad part from a bad server.
                try? remove(part)
                wrongHashes += 1
                guard wrongHashes < 2 else { throw hashError(error) }
            } catch let error as HTTPFailure {
                guard error.isTransient else { throw failure(error.explanation) }
                failures = size(of: part) > before ? 1 : failures + 1
                guard failures < retry.attempts else { throw failure(error.explanation) }
                try await retry.sleep(retry.pause(after: failures))
            }
        }
    }

    private struct WrongHash: Error {
        var actual: String
    }

    private var part: FilePath { FilePath(target.string + ".part") }

    /// One request, from the first byte that is missing to the end.
    private func attempt(progress: @Sendable (Int, Int?) -> Void) async throws {
        var offset = size(of: part)
        if let size = file.size, offset > size {
            try remove(part)
            offset = 0
        }
        if let size = file.size, offset == size, size > 0 { return }
        let reply = try await fetcher.get(file.url, accept: "application/octet-stream, */*", from: offset)
        switch reply.status {
        case 206 where reply.rangeStart == offset:
            break
        case 200...299:
            // The server does not do ranges, or not this one: what is on disk is of no use.
            offset = 0
        case 416:
            try remove(part)
            throw HTTPFailure.connection("the server refused to go on where the file was cut")
        default:
            throw HTTPFailure.status(reply.status)
        }
        let total = file.size ?? reply.contentLength.map { $0 + offset }
        let descriptor = try open(part, truncate: offset == 0)
        var received = offset
        do {
            for try await piece in reply.body {
                try Task.checkCancellation()
                try descriptor.writeAll(piece)
                received += piece.count
                if let total, received > total {
                    throw HTTPFailure.connection("the server sent more than the \(total) bytes it announced")
                }
                progress(received, total)
            }
            try descriptor.close()
        } catch let error as Errno {
            try? descriptor.close()
            throw diskError(error)
        } catch {
            try? descriptor.close()
            throw error
        }
        try Task.checkCancellation()
        if let total, received < total { throw HTTPFailure.short(received: received, expected: total) }
    }

    /// Compares the hash and gives the file its name.
    private func check() throws {
        if let expected = file.sha256 {
            let actual = try ContentHash.ofFile(part) { _ in try Task.checkCancellation() }.hex
            guard actual == expected else { throw WrongHash(actual: actual) }
        }
        do {
            try FileActions.rename(part, to: target)
        } catch {
            throw diskError(error)
        }
    }

    private func open(_ path: FilePath, truncate: Bool) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                path, .writeOnly,
                options: truncate ? [.create, .truncate, .closeOnExec] : [.create, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw diskError(error as? Errno ?? .ioError)
        }
    }

    private func size(of path: FilePath) -> Int { FileActions.size(path) ?? 0 }

    private func remove(_ path: FilePath) throws {
        do { try FileActions.remove(path) } catch { throw diskError(error) }
    }

    private func hashError(_ error: WrongHash) -> UserError {
        UserError(
            .download,
            "\(file.name) arrived twice with SHA-256 \(error.actual), but the index says \(file.sha256 ?? "–")",
            places: [.init("from", file.url)],
            remedies: [.init("PIP_INDEX_URL=URL", "fetch from another index")])
    }

    private func failure(_ detail: String) -> UserError {
        UserError(
            .download, "\(file.name) could not be fetched: \(detail)", places: [.init("from", file.url)],
            remedies: [.init("the same command", "goes on where this one ended")])
    }

    private func diskError(_ error: Errno) -> UserError {
        let full = error == .noSpace || error == .diskQuotaExceeded
        return UserError(
            full ? .diskFull : .noPermission,
            full ? "the disk is full" : "the model folder cannot be written: \(error)",
            places: [.init("file", target.string)],
            remedies: [.init("DOCPROC_MODELS_DIR=DIR", "keep models elsewhere")])
    }
}

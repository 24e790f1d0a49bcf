// One file from a server to disk: resumed after interruptions, retried with growing pauses, checked by size and hash.
// Nothing that the server says is believed without need.

package import Diagnostics
package import Hashing
package import SystemPackage

/// Fetches a file into `target`; until it is complete and right, its bytes are in `target.part`.
package struct ResumableDownload: Sendable {
    private let fetcher: any HTTPFetching
    private let file: RemoteFile
    private let target: FilePath
    private let retry: RetryPolicy
    private let credential: HTTPCredential?
    private let elsewhere: UserError.Remedy?
    private let explain: @Sendable (HTTPFailure) -> UserError?

    /// Prepares the download of a file.
    ///
    /// - Parameters:
    ///   - elsewhere: the way out when the server itself is at fault.
    ///   - explain: a better error than the usual one, for failures that the caller knows the reason of.
    package init(
        _ file: RemoteFile, to target: FilePath, fetcher: any HTTPFetching, retry: RetryPolicy = RetryPolicy(),
        credential: HTTPCredential? = nil, elsewhere: UserError.Remedy? = nil,
        explain: @escaping @Sendable (HTTPFailure) -> UserError? = { _ in nil }
    ) {
        self.file = file
        self.target = target
        self.fetcher = fetcher
        self.retry = retry
        self.credential = credential
        self.elsewhere = elsewhere
        self.explain = explain
    }

    /// Fetches what is missing. A target that is there already and has the right hash, or the right size where no hash
    /// is published, costs no request.
    ///
    /// - Parameter progress: bytes on disk so far, and bytes in all where known.
    /// - Returns: the hash of what arrived, and whether it was compared with a published one.
    /// - Throws: `DP-NET-01` after the last try or for a wrong hash, `DP-DISK-01` or `-02` when the disk refuses,
    ///   `DP-RUN-01` when another process fetches it; `CancellationError`.
    @discardableResult
    package func run(
        progress: @Sendable (_ done: Int, _ total: Int?) -> Void = { _, _ in }
    ) async throws -> (hash: ContentHash, isPublished: Bool) {
        let isKnown = file.sha256 != nil || file.size != nil
        if isKnown, file.size == nil || FileActions.size(target) == file.size, let hash = try hash(ofFile: target),
            file.sha256 == nil || file.sha256 == hash.hex
        {
            return (hash, file.sha256 != nil)
        }
        let part = try PartFile(of: target)
        // Without a tag and a hash nothing would tell whether the rest belongs to the same file.
        if part.size > 0, file.sha256 == nil, part.tag == nil { try part.empty() }
        var expected = file.sha256
        var isPatched = false
        var failures = 0
        while true {
            try Task.checkCancellation()
            let before = part.size
            isPatched = isPatched || before > 0
            do {
                try await attempt(part, &expected, progress: progress)
                guard let hash = try hash(ofFile: part.bytesPath) else { throw PartFile.failure(.ioError, target) }
                if let expected, expected != hash.hex {
                    guard isPatched else {
                        part.remove()
                        throw wrongHash(hash.hex, expected)
                    }
                    // Fetched in one piece, it tells a bad part of an earlier run from a bad server.
                    try part.empty()
                    isPatched = false
                    continue
                }
                try part.finish()
                return (hash, expected != nil)
            } catch let failure as HTTPFailure {
                failures = part.size > before ? 1 : failures + 1
                do {
                    try await retry.wait(after: failure, failures: failures)
                } catch let failure as HTTPFailure {
                    if part.size == 0 { part.remove() }
                    throw explain(failure) ?? error(failure)
                }
            }
        }
    }

    /// One request, from the first byte that is missing to the end.
    private func attempt(
        _ part: PartFile, _ expected: inout String?, progress: @Sendable (Int, Int?) -> Void
    ) async throws {
        if let size = file.size, part.size > size { try part.empty() }
        if let size = file.size, part.size == size, size > 0 { return }
        let reply = try await fetcher.get(
            file.url, accept: "application/octet-stream, */*", from: part.size, ifRange: part.tag,
            credential: credential)
        try check(reply, part)
        try compare(reply, &expected)
        let announced = reply.contentLength.map { $0 + part.size }
        if let size = file.size, let announced, announced != size {
            throw HTTPFailure.unusable("the server announces \(announced) bytes, where \(size) are published")
        }
        if part.size == 0 { part.tag = reply.strongTag }
        let total = file.size ?? reply.range?.total ?? announced
        var head: [UInt8]? = part.size == 0 ? [] : nil
        for try await piece in reply.body {
            try Task.checkCancellation()
            if let total, part.size + piece.count > total {
                try part.empty()
                throw HTTPFailure.unusable("the server sends more than the \(total) bytes it announced")
            }
            if let magic = file.magic, let start = head {
                let start = start + piece.prefix(magic.utf8.count - start.count)
                guard magic.utf8.starts(with: start) else {
                    try part.empty()
                    throw HTTPFailure.unusable("what the server sends is no \(magic) file")
                }
                head = start.count < magic.utf8.count ? start : nil
            }
            try part.append(piece)
            progress(part.size, total)
        }
        try Task.checkCancellation()
        if let total, part.size < total { throw HTTPFailure.short(received: part.size, expected: total) }
    }

    /// Whether the reply goes on where the part ends; a reply that brings the whole file empties the part.
    private func check(_ reply: HTTPReply, _ part: PartFile) throws {
        switch reply.status {
        case 206 where part.size > 0 && reply.range?.start == part.size:
            let isOther = part.tag != nil && reply.strongTag != nil && part.tag != reply.strongTag
            let isOtherSize = file.size != nil && reply.range?.total != nil && file.size != reply.range?.total
            guard isOther || isOtherSize else { break }
            try part.empty()
            throw HTTPFailure.connection("the file changed on the server while it was fetched")
        case 206:
            try part.empty()
            throw HTTPFailure.connection("the server sent another part of the file than was asked for")
        case 200, 203:
            // The server does not do ranges, or has another version of the file: what is on disk is of no use.
            try part.empty()
        case 416:
            try part.empty()
            throw HTTPFailure.connection("the server refused to go on where the file was cut")
        default: throw reply.failure
        }
    }

    /// What the head of the reply says against what is published.
    private func compare(_ reply: HTTPReply, _ expected: inout String?) throws {
        if reply.contentType == "text/html" {
            throw HTTPFailure.unusable("the server sent a web page instead of the file")
        }
        if let encoding = reply.headers["content-encoding"], encoding != "identity" {
            throw HTTPFailure.unusable("the server sent the file packed as \(encoding.prefix(20))")
        }
        guard let linked = reply.linkedHash else { return }
        if let expected, expected != linked {
            throw HTTPFailure.unusable(
                "the server offers a file with SHA-256 \(linked), where \(expected) is published")
        }
        expected = linked
    }

    /// Nil when there is no such file.
    private func hash(ofFile path: FilePath) throws -> ContentHash? {
        do {
            return try ContentHash.ofFile(path) { _ in try Task.checkCancellation() }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch let error as Errno {
            throw PartFile.failure(error, target)
        }
    }

    private var places: [UserError.Place] { [.init("from", WebAddress(file.url)?.display ?? file.url)] }

    private func wrongHash(_ actual: String, _ expected: String) -> UserError {
        UserError(
            .download, "\(file.name) arrived with SHA-256 \(actual), where \(expected) is published; it was deleted",
            places: places, remedies: elsewhere.map { [$0] } ?? [])
    }

    private func error(_ failure: HTTPFailure) -> UserError {
        let again = UserError.Remedy("the same command", "goes on where this one ended")
        return UserError(
            .download, "\(file.name) could not be fetched: \(failure.explanation)", places: places,
            remedies: (failure.isTransient ? [again] : []) + (elsewhere.map { [$0] } ?? []))
    }
}

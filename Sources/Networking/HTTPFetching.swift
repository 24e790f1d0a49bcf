// The little of HTTP that downloads need, so that what decides (resume, retry, hashes) is tested without a socket.

/// A reply whose body arrives in pieces.
package struct HTTPReply: Sendable {
    /// The status code.
    package var status: Int
    /// `Content-Type`, lower case, without parameters.
    package var contentType: String
    /// Bytes that the body will have, where the server says.
    package var contentLength: Int?
    /// The first byte of the range that a 206 reply carries.
    package var rangeStart: Int?
    /// The address after redirections: relative links count from it.
    package var url: String
    /// The body in pieces; ends early by throwing `HTTPFailure`.
    package var body: AsyncThrowingStream<[UInt8], any Error>

    /// Describes a reply.
    package init(
        status: Int, contentType: String = "", contentLength: Int? = nil, rangeStart: Int? = nil, url: String,
        body: AsyncThrowingStream<[UInt8], any Error>
    ) {
        self.status = status
        self.contentType = contentType
        self.contentLength = contentLength
        self.rangeStart = rangeStart
        self.url = url
        self.body = body
    }
}

/// What went wrong between here and a server.
package enum HTTPFailure: Error, Sendable, Equatable {
    /// No connection, a broken one, or silence for too long.
    case connection(String)
    /// A status that is no success.
    case status(Int)
    /// The body ended before its announced length.
    case short(received: Int, expected: Int)

    /// Whether trying again makes sense.
    package var isTransient: Bool {
        switch self {
        case .connection, .short: true
        case .status(let code): code == 408 || code == 429 || (500...599).contains(code)
        }
    }

    /// One phrase for people.
    package var explanation: String {
        switch self {
        case .connection(let detail): detail
        case .status(let code): "the server answered with status \(code)"
        case .short(let received, let expected): "the connection ended after \(received) of \(expected) bytes"
        }
    }
}

/// Something that can GET.
package protocol HTTPFetching: Sendable {
    /// Starts a request; the reply comes with its head.
    ///
    /// - Parameters:
    ///   - accept: the `Accept` header.
    ///   - offset: the first byte wanted; above 0 it is asked for as a range.
    func get(_ url: String, accept: String, from offset: Int) async throws -> HTTPReply
}

extension HTTPFetching {
    /// A small body at once, after a status of success.
    package func text(_ url: String, accept: String, limit: Int = 64 << 20) async throws -> (
        reply: HTTPReply, text: String
    ) {
        let reply = try await get(url, accept: accept, from: 0)
        guard (200...299).contains(reply.status) else { throw HTTPFailure.status(reply.status) }
        var bytes: [UInt8] = []
        for try await piece in reply.body {
            bytes += piece
            guard bytes.count <= limit else { throw HTTPFailure.connection("the reply is longer than \(limit) bytes") }
        }
        if let length = reply.contentLength, bytes.count < length {
            throw HTTPFailure.short(received: bytes.count, expected: length)
        }
        return (reply, String(decoding: bytes, as: UTF8.self))
    }
}

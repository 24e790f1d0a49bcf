// The little of HTTP that downloads need, so that what decides (resume, retry, redirections, hashes) is tested without
// a socket.

/// One request, without a body.
package struct HTTPRequest: Sendable {
    /// The address.
    package var url: String
    /// The `Accept` header.
    package var accept: String
    /// The first byte wanted; above 0 it is asked for as a range.
    package var offset = 0
    /// The file that the range is of; another one comes whole.
    package var ifRange: String?
    /// A secret for this server.
    package var bearer: String?
    /// Ask for the head of the reply alone.
    package var isHead = false
}

/// A reply whose body arrives in pieces.
package struct HTTPReply: Sendable {
    /// The status code.
    package var status: Int
    /// By lower-case name.
    package var headers: [String: String]
    /// The address after redirections: relative links count from it.
    package var url: String
    /// The body in pieces; ends early by throwing `HTTPFailure`.
    package var body: AsyncThrowingStream<[UInt8], any Error>
    /// What the hub says of a large file before it sends us elsewhere for it.
    package var linkedHash: String?

    /// Describes a reply.
    package init(
        status: Int, headers: [String: String] = [:], url: String, body: AsyncThrowingStream<[UInt8], any Error>
    ) {
        self.status = status
        self.headers = headers
        self.url = url
        self.body = body
        linkedHash = headers["x-linked-etag"].flatMap(Self.hash)
    }

    /// `Content-Type`, lower case, without parameters.
    package var contentType: String {
        String((headers["content-type"] ?? "").lowercased().prefix { $0 != ";" && $0 != " " })
    }

    /// Bytes that the body will have, where the server says.
    package var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }

    /// `Content-Range: bytes FIRST-LAST/TOTAL`: the first byte that a 206 reply carries, and bytes in all.
    package var range: (start: Int, total: Int?)? {
        guard let value = headers["content-range"]?.lowercased(), value.hasPrefix("bytes ") else { return nil }
        let halves = value.dropFirst(6).split(separator: "/", maxSplits: 1)
        guard let start = halves.first.flatMap({ Int($0.prefix { $0.isNumber }) }) else { return nil }
        return (start, halves.count > 1 ? Int(halves[1]) : nil)
    }

    /// An `ETag` that stands for exact bytes.
    package var strongTag: String? {
        headers["etag"].flatMap { $0.hasPrefix("\"") && $0.hasSuffix("\"") && $0.utf8.count <= 300 ? $0 : nil }
    }

    /// Seconds that the server wants to be left alone. Dates, the other form of `Retry-After`, are not read.
    package var retryAfter: Double? {
        headers["retry-after"].flatMap { Int($0) }.flatMap { $0 >= 0 ? Double($0) : nil }
    }

    /// A failure for any status but success.
    package var failure: HTTPFailure { .status(status, retryAfter: retryAfter) }

    /// The SHA-256 in a tag, if it is one.
    private static func hash(_ tag: String) -> String? {
        let digits = tag.filter { $0 != "\"" }.lowercased()
        return digits.utf8.count == 64 && digits.allSatisfy(\.isHexDigit) ? digits : nil
    }
}

/// What went wrong between here and a server.
package enum HTTPFailure: Error, Sendable, Equatable {
    /// No connection, a broken one, or silence for too long.
    case connection(String)
    /// A status that is no success.
    case status(Int, retryAfter: Double? = nil)
    /// The body ended before its announced length.
    case short(received: Int, expected: Int)
    /// An answer that makes no sense and will not get better by asking again.
    case unusable(String)

    /// Whether trying again makes sense.
    package var isTransient: Bool {
        switch self {
        case .connection, .short: true
        case .status(let code, _): code == 408 || code == 429 || (500...599).contains(code)
        case .unusable: false
        }
    }

    /// One phrase for people.
    package var explanation: String {
        switch self {
        case .connection(let detail), .unusable(let detail): detail
        case .status(429, let seconds):
            "the server is asked too often" + (seconds.map { "; it wants a pause of \(Int($0)) seconds" } ?? "")
        case .status(let code, _): "the server answered with status \(code)"
        case .short(let received, let expected): "the connection ended after \(received) of \(expected) bytes"
        }
    }
}

/// A secret, and the one place that may get it. Printing it shows nothing.
package struct HTTPCredential: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    fileprivate let secret: String
    fileprivate let origin: String

    /// - Parameter origin: `WebAddress.origin` of the server that it is for.
    package init(secret: String, origin: String) {
        self.secret = secret
        self.origin = origin
    }

    package var description: String { "(secret for \(origin))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Something that can GET.
package protocol HTTPFetching: Sendable {
    /// Sends one request; the reply comes with its head. Redirections are replies like others.
    func send(_ request: HTTPRequest) async throws -> HTTPReply
}

extension HTTPFetching {
    /// Sends a request and follows redirections, as long as they make sense.
    ///
    /// - Parameter credential: goes to its own server alone, wherever the redirections lead.
    package func get(
        _ url: String, accept: String, from offset: Int = 0, ifRange: String? = nil, credential: HTTPCredential? = nil,
        isHead: Bool = false
    ) async throws -> HTTPReply {
        guard var address = WebAddress(url) else { throw HTTPFailure.unusable("this is no http or https address") }
        var linkedHash: String?
        var seen: Set<String> = []
        while true {
            guard seen.insert(address.text).inserted, seen.count <= 10 else {
                throw HTTPFailure.unusable("the server redirects in a circle")
            }
            var reply = try await send(
                HTTPRequest(
                    url: address.text, accept: accept, offset: offset, ifRange: ifRange,
                    bearer: credential.flatMap { $0.origin == address.origin ? $0.secret : nil }, isHead: isHead))
            reply.url = address.text
            linkedHash = linkedHash ?? reply.linkedHash
            reply.linkedHash = linkedHash
            guard [301, 302, 303, 307, 308].contains(reply.status) else { return reply }
            guard let next = reply.headers["location"].flatMap({ address.resolving($0) }) else {
                throw HTTPFailure.unusable("the server redirects to no address")
            }
            if next.isPlain, !address.isPlain || (address.isLoopback && !next.isLoopback) {
                throw HTTPFailure.unusable(
                    "the server redirects to \(next.display), where others could read and change what is sent")
            }
            address = next
        }
    }

    /// A small body at once, after a status of success.
    package func text(
        _ url: String, accept: String, limit: Int = 64 << 20, credential: HTTPCredential? = nil
    ) async throws -> (reply: HTTPReply, text: String) {
        let reply = try await get(url, accept: accept, credential: credential)
        guard (200...299).contains(reply.status) else { throw reply.failure }
        return (reply, try await reply.text(limit: limit))
    }
}

extension HTTPReply {
    /// The whole body, which must not be longer than `limit` bytes.
    package func text(limit: Int) async throws -> String {
        var bytes: [UInt8] = []
        for try await piece in body {
            bytes += piece
            guard bytes.count <= limit else {
                throw HTTPFailure.unusable("the reply is longer than \(limit) bytes")
            }
        }
        if let length = contentLength, bytes.count < length {
            throw HTTPFailure.short(received: bytes.count, expected: length)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// The only place where docproc opens a connection of its own; absent from builds without the trait `Network`.

package import Diagnostics

#if Network
    import AsyncHTTPClient
    import NIOCore
    import NIOHTTP1
    import NIOSSL

    /// GET over AsyncHTTPClient, with the certificates and the proxy that pip would use.
    final class HTTPFetcher: HTTPFetching {
        private let client: HTTPClient
        /// For this machine's own servers, which no proxy can reach.
        private let direct: HTTPClient?

        init(environment: [String: String], silence: Double) throws(UserError) {
            // Where redirections may lead is decided in HTTPFetching, when to try again in RetryPolicy.
            var configuration = HTTPClient.Configuration(
                redirectConfiguration: .disallow,
                timeout: .init(connect: .seconds(15), read: .milliseconds(Int64(silence * 1000))))
            configuration.connectionPool.retryConnectionEstablishment = false
            if let file = ["PIP_CERT", "SSL_CERT_FILE"].lazy.compactMap({ environment[$0] }).first(where: {
                !$0.isEmpty
            }) {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .file(file)
                configuration.tlsConfiguration = tls
            }
            if let proxy = try Self.proxy(environment) {
                direct = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
                configuration.proxy = proxy
            } else {
                direct = nil
            }
            client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        }

        deinit {
            client.shutdown { _ in }
            direct?.shutdown { _ in }
        }

        func send(_ request: HTTPRequest) async throws -> HTTPReply {
            var outgoing = HTTPClientRequest(url: request.url)
            if request.isHead { outgoing.method = .HEAD }
            outgoing.headers.add(name: "Accept", value: request.accept)
            outgoing.headers.add(name: "Accept-Encoding", value: "identity")
            outgoing.headers.add(name: "User-Agent", value: "docproc")
            if let bearer = request.bearer { outgoing.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
            if request.offset > 0 {
                outgoing.headers.add(name: "Range", value: "bytes=\(request.offset)-")
                if let tag = request.ifRange { outgoing.headers.add(name: "If-Range", value: tag) }
            }
            let isLocal = WebAddress(request.url)?.isLoopback == true
            let response: HTTPClientResponse
            do {
                response = try await ((isLocal ? direct : nil) ?? client).execute(outgoing, deadline: .distantFuture)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                try Task.checkCancellation()
                throw HTTPFailure.connection(Self.explanation(error, "there is no connection"))
            }
            var headers: [String: String] = [:]
            for (name, value) in response.headers where headers[name.lowercased()] == nil {
                headers[name.lowercased()] = value
            }
            return HTTPReply(
                status: Int(response.status.code), headers: headers, url: request.url,
                body: Self.pieces(of: response.body))
        }

        /// A phrase for what the client reports.
        fileprivate static func explanation(_ error: any Error, _ event: String) -> String {
            switch error as? HTTPClientError {
            case .readTimeout: "the server fell silent"
            case .connectTimeout: "the server does not answer"
            case .remoteConnectionClosed: "the server closed the connection"
            default: "\(event): \(error)"
            }
        }

        private static func pieces(of body: HTTPClientResponse.Body) -> AsyncThrowingStream<[UInt8], any Error> {
            // Pulled, not pushed: the next piece is read when the last one is on disk.
            let iterator = BodyIterator(body.makeAsyncIterator())
            return AsyncThrowingStream { try await iterator.next() }
        }

        private static func proxy(_ environment: [String: String]) throws(UserError) -> HTTPClient.Configuration.Proxy?
        {
            let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            guard let text = names.lazy.compactMap({ environment[$0] }).first(where: { !$0.isEmpty }) else {
                return nil
            }
            let address = text.hasPrefix("http://") ? text.dropFirst(7) : text[...]
            let parts = address.prefix { $0 != "/" }.split(separator: ":")
            guard parts.count == 2, let port = Int(parts[1]), !text.hasPrefix("https://"), !text.hasPrefix("socks")
            else {
                throw UserError(
                    .download, "the proxy \"\(text)\" is not of the form http://HOST:PORT",
                    remedies: [.init("HTTPS_PROXY=http://HOST:PORT", "name a proxy, or unset it")])
            }
            return .server(host: String(parts[0]), port: port)
        }
    }

    /// One body's pieces; errors become `HTTPFailure`.
    private actor BodyIterator {
        private var iterator: HTTPClientResponse.Body.AsyncIterator

        init(_ iterator: HTTPClientResponse.Body.AsyncIterator) { self.iterator = iterator }

        func next() async throws -> [UInt8]? {
            var current = iterator
            do {
                let buffer = try await current.next(isolation: self)
                iterator = current
                return buffer.map { Array($0.readableBytesView) }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                try Task.checkCancellation()
                throw HTTPFailure.connection(HTTPFetcher.explanation(error, "the connection broke"))
            }
        }
    }
#endif

/// The door to the network.
package enum Network {
    /// Whether this build can open connections.
    package static var isAvailable: Bool {
        #if Network
            true
        #else
            false
        #endif
    }

    /// Something that fetches over HTTP.
    ///
    /// - Parameters:
    ///   - environment: PIP_CERT, SSL_CERT_FILE and HTTPS_PROXY are honoured.
    ///   - silence: seconds without a byte after which a connection counts as broken.
    /// - Throws: `DP-NET-02` in a build without the trait `Network`.
    package static func fetcher(environment: [String: String], silence: Double = 30) throws(UserError)
        -> any HTTPFetching
    {
        #if Network
            return try HTTPFetcher(environment: environment, silence: silence)
        #else
            throw UserError(
                .networkOff, "this docproc was built without networking",
                remedies: [
                    .init("docproc models import FILE", "take a model file that is here already"),
                    .init("swift build -c release", "build with the trait Network, the default"),
                ])
        #endif
    }
}

import Foundation
import Networking
import Synchronization

/// A server that exists only in memory: each request takes the next answer of a script.
final class ScriptedFetcher: HTTPFetching {
    enum Answer: Sendable {
        /// The bytes from the offset asked for, as 206, or 200 from the start.
        case all([UInt8])
        /// As `all`, but the connection breaks after some bytes.
        case cut([UInt8], after: Int)
        /// Ignores the range.
        case whole([UInt8])
        case status(Int, [String: String] = [:])
        case text(String, type: String)
    }

    private let script: Mutex<[Answer]>
    /// The offsets of the requests so far.
    let offsets = Mutex<[Int]>([])
    let addresses = Mutex<[String]>([])
    let secrets = Mutex<[String?]>([])

    init(_ script: [Answer]) { self.script = Mutex(script) }

    func send(_ request: HTTPRequest) async throws -> HTTPReply {
        let offset = request.offset
        let url = request.url
        offsets.withLock { $0.append(offset) }
        addresses.withLock { $0.append(url) }
        secrets.withLock { $0.append(request.bearer) }
        let answer = script.withLock { $0.isEmpty ? .status(500) : $0.removeFirst() }
        switch answer {
        case .all(let bytes):
            return reply(Array(bytes[min(offset, bytes.count)...]), from: offset, url: url, failsAfter: nil)
        case .cut(let bytes, let after):
            return reply(Array(bytes[min(offset, bytes.count)...]), from: offset, url: url, failsAfter: after)
        case .whole(let bytes): return reply(bytes, from: 0, url: url, failsAfter: nil)
        case .status(let code, let headers):
            return HTTPReply(status: code, headers: headers, url: url, body: AsyncThrowingStream { $0.finish() })
        case .text(let text, let type):
            return HTTPReply(
                status: 200, headers: ["content-type": type], url: url,
                body: AsyncThrowingStream { stream in
                    stream.yield(Array(text.utf8))
                    stream.finish()
                })
        }
    }

    private func reply(_ bytes: [UInt8], from offset: Int, url: String, failsAfter: Int?) -> HTTPReply {
        var headers = ["content-length": "\(bytes.count)"]
        if offset > 0 { headers["content-range"] = "bytes \(offset)-\(offset + bytes.count - 1)/*" }
        return HTTPReply(
            status: offset > 0 ? 206 : 200, headers: headers, url: url,
            body: AsyncThrowingStream { stream in
                stream.yield(Array(bytes.prefix(failsAfter ?? bytes.count)))
                stream.finish(throwing: failsAfter == nil ? nil : HTTPFailure.connection("cut"))
            })
    }
}

/// A folder that is removed at the end of a test.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/docproc-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path + "/" + name).map { Array($0) }
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }
}

/// Bytes that look random and are always the same (xorshift).
func sampleBytes(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}

/// Tries without waiting.
let impatient = RetryPolicy(attempts: 4, sleep: { _ in })

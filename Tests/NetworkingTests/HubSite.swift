// A hub in small: the listing, small files from the hub itself, large files from another host.

import Foundation
import Hashing
import Synchronization

@testable import Networking

/// The repository `org/tiny` of a hub, and the host of its large files; both misbehave as told.
final class HubSite: Sendable {
    /// What happens to one request of a large file.
    enum Trick: Sendable {
        case cut, stall, unavailable, busy, ignoresRange, wrongRange, otherVersion, otherTotal, tooLong, announcesMore
        case announcesLess, page, packed, loop, downgrade, forbidden, otherMagic, flipped, refusesRange
    }

    struct State: Sendable {
        var files: [String: [UInt8]]
        /// Each is used once, in order.
        var tricks: [Trick] = []
        /// What the hub and the other host were asked.
        var hubQueries: [HubQuery] = []
        var blobQueries: [HubQuery] = []
        /// Fields of the listing beside or instead of the honest ones.
        var fields = #""tags": ["license:mit"]"#
        /// A listing that is none.
        var listing: HubAnswer?
        var repositories = #"[{"id": "org/tiny"}]"#
        /// The token without which nothing is shown.
        var token: String?
        /// Hashes that the listing states instead of the true ones.
        var hashes: [String: String] = [:]
        /// Answers before the listing works.
        var failures: [HubAnswer] = []
    }

    static let commit = String(repeating: "a1", count: 20)
    let state: Mutex<State>

    init(_ files: [String: [UInt8]]) { state = Mutex(State(files: files)) }

    /// Files whose names end so are kept outside of git.
    static func isLarge(_ name: String) -> Bool { name.hasSuffix(".gguf") || name.hasSuffix(".safetensors") }

    /// The hub itself.
    func hub(_ query: HubQuery, blobs: String) -> HubAnswer {
        let state = state.withLock { state in
            state.hubQueries.append(query)
            return state
        }
        let isKnown = state.token == nil || query.headers["authorization"] == state.token.map { "Bearer \($0)" }
        if query.path.hasPrefix("/api/models?author=org") { return .text(state.repositories) }
        if query.path.hasPrefix("/api/models/org/tiny/revision/") {
            guard isKnown else { return refusal(401, "GatedRepo") }
            if let failure = self.state.withLock({ $0.failures.isEmpty ? nil : $0.failures.removeFirst() }) {
                return failure
            }
            guard query.path.hasSuffix("/main?blobs=true") || query.path.hasSuffix("/v%2F1?blobs=true") else {
                return refusal(404, "RevisionNotFound")
            }
            return state.listing ?? listing(state)
        }
        let prefix = "/org/tiny/resolve/\(Self.commit)/"
        guard query.path.hasPrefix(prefix) else { return refusal(401, "RepoNotFound") }
        guard isKnown else { return refusal(403, "GatedRepo") }
        let name = String(query.path.dropFirst(prefix.count)).removingPercentEncoding ?? ""
        guard let bytes = state.files[name] else { return refusal(404, "EntryNotFound") }
        guard Self.isLarge(name) else {
            return HubAnswer(headers: ["ETag": "\"git-\(bytes.count)\"", "Content-Type": "text/plain"], body: bytes)
        }
        let hash = state.hashes[name] ?? ContentHash(of: bytes).hex
        let trick = self.state.withLock { state -> Trick? in
            guard let first = state.tricks.first, first == .loop || first == .downgrade || first == .forbidden else {
                return nil
            }
            return state.tricks.removeFirst()
        }
        switch trick {
        case .loop: return HubAnswer(status: 302, headers: ["Location": query.path])
        case .downgrade: return HubAnswer(status: 302, headers: ["Location": "http://192.0.2.1/x"])
        case .forbidden: return refusal(403, "GatedRepo")
        default:
            return HubAnswer(
                status: 302,
                headers: [
                    "Location": "\(blobs)/blob/\(WebAddress.encoded(name))?X-Signature=abc",
                    "X-Linked-Etag": "\"\(hash)\"", "X-Linked-Size": "\(bytes.count)",
                ])
        }
    }

    private func refusal(_ status: Int, _ code: String) -> HubAnswer {
        HubAnswer(status: status, headers: ["X-Error-Code": code], body: Array("no".utf8))
    }

    private func listing(_ state: State) -> HubAnswer {
        let files = state.files.keys.sorted().map { name -> String in
            let bytes = state.files[name] ?? []
            let hash = state.hashes[name] ?? ContentHash(of: bytes).hex
            let lfs =
                Self.isLarge(name)
                ? #", "lfs": {"sha256": "\#(hash)", "size": \#(bytes.count), "pointerSize": 130}"# : ""
            return #"{"rfilename": "\#(name)", "size": \#(bytes.count), "blobId": "00"\#(lfs)}"#
        }
        return .text(
            #"{"id": "org/tiny", "sha": "\#(Self.commit)", "gated": false, \#(state.fields), "siblings": [\#(files.joined(separator: ", "))]}"#
        )
    }

    /// The host of large files.
    func blob(_ query: HubQuery) -> HubAnswer {
        let (file, trick) = state.withLock { state in
            state.blobQueries.append(query)
            let name = query.path.dropFirst(6).prefix { $0 != "?" }.removingPercentEncoding() ?? ""
            return (state.files[name], state.tricks.isEmpty ? nil : state.tricks.removeFirst())
        }
        guard var bytes = file else { return HubAnswer(status: 404) }
        var tag = "\"v1\""
        if trick == .otherVersion { tag = "\"v2\"" }
        if trick == .flipped { bytes[bytes.count / 3] ^= 1 }
        var start = query.offset ?? 0
        // RFC 9110: a range of another version than the one asked for is answered with the whole.
        if let wanted = query.headers["if-range"], wanted != tag { start = 0 }
        if trick == .ignoresRange { start = 0 }
        if trick == .wrongRange, start > 0 { start -= 100 }
        var answer = HubAnswer(
            status: start > 0 ? 206 : 200, headers: ["ETag": tag, "Content-Type": "application/octet-stream"],
            body: Array(bytes[start...]))
        let total = trick == .otherTotal ? bytes.count + 1 : bytes.count
        if start > 0 { answer.headers["Content-Range"] = "bytes \(start)-\(bytes.count - 1)/\(total)" }
        let half = answer.body.count / 2
        switch trick {
        case .cut: answer.sent = half
        case .stall:
            answer.sent = half
            answer.stalls = true
        case .unavailable: return HubAnswer(status: 503)
        case .busy: return HubAnswer(status: 429, headers: ["Retry-After": "3"])
        case .refusesRange where query.offset != nil: return HubAnswer(status: 416)
        case .tooLong:
            answer.body += [1, 2, 3]
            answer.announced = -1
        case .announcesMore: answer.announced = answer.body.count + 10
        case .announcesLess: answer.announced = answer.body.count - 10
        case .page: return .text("<html>sign in</html>", type: "text/html; charset=utf-8")
        case .packed: answer.headers["Content-Encoding"] = "gzip"
        case .otherMagic: answer.body.replaceSubrange(0..<4, with: Array("ZIP!".utf8))
        default: break
        }
        return answer
    }
}

extension Substring {
    fileprivate func removingPercentEncoding() -> String? { String(self).removingPercentEncoding }
}

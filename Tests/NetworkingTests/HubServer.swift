// A small HTTP server on this machine, over plain sockets, that answers as told: also too little, too much, or not.

import Foundation
import Glibc
import Synchronization

/// What was asked.
struct HubQuery: Sendable {
    var method: String
    var path: String
    /// By lower-case name.
    var headers: [String: String]

    /// The first byte of the range asked for.
    var offset: Int? {
        headers["range"].flatMap { $0.hasPrefix("bytes=") ? Int($0.dropFirst(6).prefix { $0.isNumber }) : nil }
    }
}

/// What is sent back.
struct HubAnswer: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    /// `Content-Length` where it is not the truth; below 0: none is sent, and the end of the connection ends the body.
    var announced: Int?
    /// Only so many bytes of the body are sent.
    var sent: Int?
    /// The connection stays open and silent afterwards.
    var stalls = false

    static func text(_ text: String, type: String = "application/json", status: Int = 200) -> HubAnswer {
        HubAnswer(status: status, headers: ["Content-Type": type], body: Array(text.utf8))
    }
}

/// Listens on 127.0.0.1; every connection carries one request.
final class HubServer: Sendable {
    let port: Int
    private let listener: Int32
    private let answer: @Sendable (HubQuery) -> HubAnswer

    /// `http://127.0.0.1:PORT`.
    var url: String { "http://127.0.0.1:\(port)" }

    struct NoSocket: Error {}

    init(_ answer: @escaping @Sendable (HubQuery) -> HubAnswer) throws {
        self.answer = answer
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        listener = descriptor
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isOpen else { throw NoSocket() }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread {
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else {
                    // Here and not in `deinit`: the next server may get the number of a closed descriptor at once, and
                    // this thread would take its connections.
                    close(descriptor)
                    return
                }
                Thread.detachNewThread {
                    Self.serve(connection, answer)
                    close(connection)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func serve(_ connection: Int32, _ answer: (HubQuery) -> HubAnswer) {
        var head: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            head += buffer[..<count]
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n").map(String.init)
        let words = (lines.first ?? "").split(separator: " ").map(String.init)
        guard words.count == 3 else { return }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        let reply = answer(HubQuery(method: words[0], path: words[1], headers: headers))
        var text = "HTTP/1.1 \(reply.status) Told\r\nConnection: close\r\n"
        for (name, value) in reply.headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
        let announced = reply.announced ?? reply.body.count
        if announced >= 0 { text += "Content-Length: \(announced)\r\n" }
        let body = words[0] == "HEAD" ? [] : Array(reply.body.prefix(reply.sent ?? reply.body.count))
        send(Array("\(text)\r\n".utf8) + body, on: connection)
        // Until the other side gives up; it says nothing more.
        if reply.stalls { _ = recv(connection, &buffer, buffer.count, 0) }
    }

    private static func send(_ bytes: [UInt8], on connection: Int32) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { rest in
                Glibc.send(connection, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            done += count
        }
    }
}

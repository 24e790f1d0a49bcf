// Addresses, taken apart as far as safety needs: where they lead, whether on the way others can read along.

import FoundationEssentials

/// An http or https address.
package struct WebAddress: Sendable, Equatable {
    /// In full.
    package let text: String
    /// Lower case; without the brackets of IPv6.
    package let host: String
    /// Scheme, host and port: who gets to see a password.
    package let origin: String
    /// Whether it is `http:`, which anyone on the way can read and change.
    package let isPlain: Bool
    /// Whether it carries a name or password.
    package let hasCredentials: Bool
    /// The last component of the path, decoded.
    package let fileName: String
    /// Without query, fragment and credentials: what may be shown and stored.
    package let display: String

    /// Takes an address apart; nil unless it is http or https with a host.
    package init?(_ text: String) {
        guard text.utf8.count <= 16_384, text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 }),
            let url = URL(string: text), let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let name = url.host?.lowercased(), !name.isEmpty
        else { return nil }
        self.text = text
        host = name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
        isPlain = scheme == "http"
        let port = url.port ?? (isPlain ? 80 : 443)
        origin = "\(scheme)://\(host):\(port)"
        hasCredentials = url.user != nil || url.password != nil
        fileName = url.lastPathComponent
        let shown = host.contains(":") ? "[\(host)]" : host
        let path = text.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" && $0 != "?" && $0 != "#" }
            .prefix { $0 != "?" && $0 != "#" }
        display = "\(scheme)://\(shown)\(url.port.map { ":\($0)" } ?? "")\(path)"
    }

    /// Whether it leads to this machine.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }

    /// Another address as this one's page would write it.
    package func resolving(_ link: String) -> WebAddress? {
        guard let base = URL(string: text), let url = URL(string: link, relativeTo: base)?.absoluteURL else {
            return nil
        }
        return WebAddress(url.absoluteString)
    }

    /// Percent-encodes a path, or one component of it.
    package static func encoded(_ path: String, keepingSlashes: Bool = true) -> String {
        let digits = Array("0123456789ABCDEF")
        return path.utf8.map { byte -> String in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: String(UnicodeScalar(byte))
            case 0x2F where keepingSlashes: "/"
            default: "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }.joined()
    }
}

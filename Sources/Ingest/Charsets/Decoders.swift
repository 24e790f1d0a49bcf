// Converters from character sets to UTF-8, kept open.
//
// glibc loads a converter's code from a file when it is first opened. A worker therefore opens all of them before it
// gives up its right to open files.

import CHTML

/// Converters by character set. Belongs to one thread at a time.
final class Decoders {
    private var open: [Charset: OpaquePointer] = [:]

    init() {}

    /// Opens every converter that the system has.
    func preload() {
        for charset in Charset.allCases { _ = converter(charset) }
    }

    private func converter(_ charset: Charset) -> OpaquePointer? {
        if let known = open[charset] { return known }
        let fresh = ch_decoder_open(charset.converterName)
        open[charset] = fresh
        return fresh
    }

    /// Converts bytes; what fits nowhere becomes U+FFFD and is counted. Nil where the system lacks the converter.
    func decode(_ bytes: ArraySlice<UInt8>, from charset: Charset) -> (text: [UInt8], errors: Int)? {
        guard let converter = converter(charset) else { return nil }
        var out: UnsafeMutablePointer<UInt8>?
        var count = 0
        var errors = 0
        let status = bytes.withUnsafeBufferPointer {
            ch_decode(converter, $0.baseAddress, $0.count, &out, &count, &errors)
        }
        guard status == 0, let out else { return nil }
        defer { ch_bytes_free(out) }
        return (Array(UnsafeBufferPointer(start: out, count: count)), errors)
    }

    deinit {
        for converter in open.values { ch_decoder_close(converter) }
    }
}

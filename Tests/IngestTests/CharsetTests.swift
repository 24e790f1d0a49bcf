// Character sets: detection and conversion against bytes made by another implementation.

import Documents
import Foundation
import Testing

@testable import Ingest

struct CharsetSample: Codable, Sendable, CustomTestStringConvertible {
    var charset: String
    var text: String
    var hex: String

    var bytes: [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }
    var testDescription: String { "\(charset): \(text.prefix(12))" }

    static let all: [CharsetSample] = {
        let file = WorkerTest.root.appending(path: "Tests/IngestTests/Fixtures/charsets.json")
        guard let data = try? Data(contentsOf: file) else { return [] }
        return (try? JSONDecoder().decode([CharsetSample].self, from: data)) ?? []
    }()
}

@Suite struct CharsetTests {
    @Test func samplesAreThere() {
        #expect(CharsetSample.all.count > 20)
    }

    @Test(arguments: CharsetSample.all)
    func undeclaredTextIsRecognized(_ sample: CharsetSample) {
        let decoded = Decoders().decode(sample.bytes, declared: nil)
        #expect(String(decoding: decoded.utf8, as: UTF8.self) == sample.text)
        #expect(decoded.isGuessed == (sample.charset != "utf-8"))
        #expect(decoded.errors == 0)
    }

    @Test(arguments: CharsetSample.all)
    func aRightLabelIsBelieved(_ sample: CharsetSample) {
        let decoded = Decoders().decode(sample.bytes, declared: Charset(label: sample.charset))
        #expect(String(decoding: decoded.utf8, as: UTF8.self) == sample.text)
        #expect(!decoded.isGuessed || sample.charset.hasPrefix("utf-16"))
    }

    @Test(arguments: CharsetSample.all)
    func aWrongLabelIsNot(_ sample: CharsetSample) {
        // ISO-2022-JP is ASCII with escapes: a label of UTF-8 fits it perfectly, and a browser believes that.
        let lie: Charset = sample.charset == "utf-8" ? .windows1252 : .utf8
        let decoded = Decoders().decode(sample.bytes, declared: lie)
        #expect(String(decoding: decoded.utf8, as: UTF8.self) == sample.text)
    }

    @Test(arguments: CharsetSample.all)
    func offsetsLeadToTheFilesBytes(_ sample: CharsetSample) throws {
        let bytes = sample.bytes
        let decoded = Decoders().decode(bytes, declared: Charset(label: sample.charset))
        let map = decoded.fileOffsets(bytes)
        try #require(sample.charset != "iso-2022-jp" || map.raw(0) == 0)
        guard let charset = Charset(label: sample.charset), charset != .iso2022JP else { return }
        let decoders = Decoders()
        var at = 0
        for character in sample.text.unicodeScalars {
            let length = UTF8.width(character)
            let raw = map.raw(at..<at + length)
            let back = decoders.decode(bytes[raw], from: charset)?.text ?? []
            #expect(String(decoding: back, as: UTF8.self).unicodeScalars.elementsEqual([character]))
            at += length
        }
    }

    @Test func labelsMeanWhatBrowsersMean() {
        #expect(Charset(label: "ISO-8859-1") == .windows1252)
        #expect(Charset(label: " gb2312 ") == .gb18030)
        #expect(Charset(label: "KS_C_5601-1987") == .eucKR)
        #expect(Charset(label: "x-sjis") == .shiftJIS)
        #expect(Charset(label: "no-such-set") == nil)
    }

    @Test(arguments: [
        ("<meta charset=\"EUC-KR\">", Charset.eucKR),
        ("<meta http-equiv='Content-Type' content='text/html; charset=koi8-r'>", .koi8R),
        ("<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><html>", .shiftJIS),
        ("<!-- <meta charset=nothing> --><META CHARSET=big5>", .big5),
    ])
    func labelsAreFoundInPages(_ page: String, _ charset: Charset) {
        #expect(HTMLCharsetLabel.find(in: Array(page.utf8)) == charset)
    }

    @Test func badUTF8IsReplacedBySequence() {
        // The examples of the Unicode Standard, table 3-8.
        let bytes: [UInt8] = [0x61, 0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2, 0x62, 0x80, 0x63, 0x80, 0xBF, 0x64]
        let (utf8, errors) = UTF8Repair.repaired(bytes[...])
        #expect(String(decoding: utf8, as: UTF8.self) == "a\u{FFFD}\u{FFFD}\u{FFFD}b\u{FFFD}c\u{FFFD}\u{FFFD}d")
        #expect(errors == 6)
    }
}

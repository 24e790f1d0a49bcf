// Which addresses may be shown, and the way from raw text back to a document's own.

import Documents
import Testing

@Suite struct LinkTests {
    @Test(arguments: [
        "http://example.org", "HTTPS://example.org/a?b=c#d", "mailto:a@b.org", "ftp://x/y", "doi:10.1000/182",
        "https://例え.jp/頁", "https://example.org/\u{1F600}", "tel:+1-201-555-0123",
    ]) func addressesAreKept(_ address: String) {
        #expect(LinkTarget(address: address) == .address(address))
        #expect(LinkTarget(address: " \n\(address)\t ") == .address(address))
    }

    @Test(arguments: [
        "", ":", "https", "https:", "javascript:alert(1)", "JavaScript:x", "data:text/html,x", "file:///etc/passwd",
        "/relative", "#top", "www.example.org", "https://a b", "https://a\nb", "https://a\u{202E}gpj.exe",
        "https://a\u{0}b", "https://a\u{200B}b", "https://a\u{A0}b", "https\u{1F600}://x", " javascript:x",
    ]) func othersAreNot(_ address: String) {
        #expect(LinkTarget(address: address) == nil)
    }

    @Test func longAddressesAreLeftOut() {
        let most = "http://" + String(repeating: "a", count: LinkLimits.addressBytes - 7)
        #expect(LinkTarget(address: most) == .address(most))
        #expect(LinkTarget(address: most + "a") == nil)
        #expect(LinkTarget(address: most + String(repeating: " ", count: 10)) == .address(most))
    }

    /// `ﬁne termi-\nnate` as `fine terminate`.
    @Test func rawOffsetsLeadBack() {
        var map = OffsetMap()
        map.append(text: 0, raw: 100, count: 0)
        map.append(text: 2, raw: 103, count: 8)
        map.append(text: 10, raw: 113, count: 4)
        #expect([100, 103, 106, 111, 112, 113, 117].map(map.text) == [0, 2, 5, 10, 10, 10, 14])
        for text in [2, 5, 9, 10, 13] { #expect(map.text(map.raw(text)) == text) }
    }
}

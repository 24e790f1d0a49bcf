// The wire between docproc and its workers: what is written is read back, and no bytes do more than fail.

import Documents
import Testing

@testable import Ingest

@Suite struct WorkerWireTests {
    static let linked: ExtractedLine = {
        let box = Box(x0: 72, y0: 100, x1: 200.25, y1: 112)
        let words = WordPlaces(
            [.init(end: 3, lower: 72, upper: 100), .init(end: 8, lower: 110, upper: 200)], in: box, isVertical: false)
        var line = ExtractedLine(text: "see page", box: box, words: words, fontSize: 9.5)
        line.links = [
            ExtractedLink(range: 0..<3, target: .address("https://example.org/ä")),
            ExtractedLink(range: 4..<8, target: .page(12)),
        ]
        return line
    }()
    static let page = ExtractedPage(
        number: 7, label: "vii", width: 612, height: 792.5,
        blocks: [
            ExtractedBlock(
                kind: .heading(level: 3),
                lines: [
                    ExtractedLine(text: "Größe – 크기", box: Box(x0: 1, y0: -2, x1: 3.25, y1: 4), fontSize: 14),
                    ExtractedLine(text: "", rawRange: 10..<25), linked,
                ], path: "html/body/h3", isHidden: true),
            ExtractedBlock(kind: .pageFooter, lines: []),
        ], notes: [.scan, .twoColumn], failure: ExtractionFailure(.malformed, "broken"))
    static let document = ExtractedDocument(
        extractor: "x 1", title: "T", metadata: ["author": "A", "date": "2024-02-29"], pageCount: 12,
        outline: [OutlineEntry(level: 2, title: "Part", page: 4), OutlineEntry(level: 1, title: "")],
        notes: [.encrypted])
    static let replies: [WireReply] = [
        .ready(version: 1, extractor: "docproc-pdf"), .progress(done: 0, total: 1_000_000), .page(page),
        .end(document), .failure(ExtractionFailure(.timeout, "too slow")),
    ]

    @Test(arguments: replies) func repliesComeBack(_ reply: WireReply) throws {
        let frame = reply.frame
        #expect(try Wire.length(frame, limit: 1 << 20) == frame.count - 4)
        #expect(try WireReply(body: frame[4...]) == reply)
    }

    @Test func everyKindComesBack() throws {
        let kinds: [Element.Kind] = [
            .heading(level: 1), .paragraph, .listItem, .tableRow, .code, .quote, .caption, .footnote, .pageHeader,
            .pageFooter, .image,
        ]
        let page = ExtractedPage(blocks: kinds.map { ExtractedBlock(kind: $0, lines: []) })
        #expect(try WireReply(body: WireReply.page(page).frame[4...]) == .page(page))
    }

    @Test func requestsComeBack() throws {
        let bytes: [UInt8] = [1, 2, 3, 0, 255]
        let request = ExtractionRequest(
            format: .html, pages: [1...3, 9...9], password: "pässword", options: ["html": "main", "charset": "x"])
        let frame = WireRequest.header(request, byteCount: bytes.count) + bytes
        #expect(try Wire.length(frame, limit: 1 << 20) == frame.count - 4)
        #expect(try WireRequest(body: frame[4...]) == .document(request, bytes: bytes[...]))
    }

    @Test func limitsReachTheWorker() {
        var limits = WorkerLimits(memoryBytes: 123 << 20, cpuSeconds: 7, inputBytes: 99)
        #expect(WorkerLimits(arguments: limits.arguments) == limits)
        limits.documentSeconds = 3  // the parent's own affair
        #expect(WorkerLimits(arguments: limits.arguments)?.documentSeconds == WorkerLimits().documentSeconds)
        for wrong in [
            [], ["--memory", "1"], ["--worker", "--memory"], ["--worker", "--cpu", "-1"], ["--worker", "x", "1"],
        ] {
            #expect(WorkerLimits(arguments: wrong) == nil)
        }
    }

    /// Cut anywhere, a message is refused: every byte of it counts.
    @Test(arguments: replies) func cutMessagesAreRefused(_ reply: WireReply) {
        let frame = reply.frame
        for end in 5..<frame.count {
            #expect(throws: WireError.self) { try WireReply(body: frame[4..<end]) }
        }
        #expect(throws: WireError.trailingBytes(1)) { try WireReply(body: (frame + [0])[4...]) }
    }

    /// Changed and random bytes give a message or a typed error, quickly, whatever sizes they announce.
    @Test func randomBytesDoNoHarm() {
        var random = SplitMix(seed: 0x5eed)
        var refused = 0
        for round in 0..<4000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 2) {
                bytes = Array(Self.replies[round / 2 % Self.replies.count].frame[4...])
                for _ in 0...Int(random.next() % 4) {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
            } else {
                bytes = (0..<Int(random.next() % 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if !bytes.isEmpty { bytes[0] = UInt8(random.next() % 6) }
            }
            do throws(WireError) {
                _ = try WireReply(body: bytes[...])
                _ = try WireRequest(body: bytes[...])
            } catch {
                refused += 1
            }
        }
        #expect(refused > 2500)
    }

    /// A worker that was taken over can't make anybody see what no link may be.
    @Test func linksThatMayNotBeAreRefused() {
        var line = Self.linked
        for target in [LinkTarget.address("javascript:alert(1)"), .address("https://a\u{202E}b"), .page(0)] {
            line.links = [ExtractedLink(range: 0..<3, target: target)]
            let page = ExtractedPage(blocks: [ExtractedBlock(kind: .paragraph, lines: [line])])
            #expect(throws: WireError.self) { try WireReply(body: WireReply.page(page).frame[4...]) }
        }
        line.links = [ExtractedLink(range: 4..<9, target: .page(1))]
        let page = ExtractedPage(blocks: [ExtractedBlock(kind: .paragraph, lines: [line])])
        #expect(throws: WireError.self) { try WireReply(body: WireReply.page(page).frame[4...]) }
    }

    @Test func announcedSizesAreNotBelieved() {
        // A page with 2^62 blocks, a string of 2^62 bytes, a number of more than 63 bits.
        let huge: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]
        #expect(throws: WireError.self) { try WireReply(body: [5] + huge) }
        #expect(throws: WireError.self) {
            try WireReply(body: [3, 1, 0] + [UInt8](repeating: 0, count: 16) + huge)
        }
        #expect(throws: WireError.outOfRange(offset: 1)) {
            try WireReply(body: [1] + [UInt8](repeating: 0xff, count: 12))
        }
        #expect(throws: WireError.frameTooLarge(0xffff_ffff)) { try Wire.length([255, 255, 255, 255], limit: 1000) }
        #expect(throws: WireError.self) { try Wire.length([0, 0, 0, 0], limit: 1000) }
    }

    @Test func framesAreFoundInPiecesOfAnySize() throws {
        let stream = Self.replies.flatMap(\.frame)
        for size in [1, 2, 3, 5, 64, 1000, stream.count] {
            var frames = WorkerFrames()
            var got: [WireReply] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                frames.append(Array(stream[start..<min(start + size, stream.count)]))
                while let body = try frames.next(limit: 1 << 16) { got.append(try WireReply(body: body)) }
            }
            #expect(got == Self.replies)
        }
    }

    @Test func aFrameOverTheLimitIsRefusedBeforeItArrives() {
        var frames = WorkerFrames()
        frames.append([0, 0, 0, 1])
        #expect(throws: WireError.frameTooLarge(1 << 24)) { try frames.next(limit: 1 << 20) }
    }
}

/// Vigna's SplitMix64: the same bytes in every run.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

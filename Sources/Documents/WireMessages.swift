// The messages between docproc and its workers, and the frames that they travel in.
//
// A frame is four bytes of length (little-endian, of what follows), one byte of tag, and the fields. The worker sends
// `ready` once; then for each `document` any number of `progress` and `page`, and one `end` or `failure`.

/// What a parent sends.
package enum WireRequest: Sendable, Equatable {
    /// A document to read. The bytes stand last, so that the worker needs no second copy of them.
    case document(ExtractionRequest, bytes: ArraySlice<UInt8>)
}

/// What a worker sends.
package enum WireReply: Sendable, Equatable {
    /// The worker limits itself from now on and waits for documents.
    case ready(version: Int, extractor: String)
    /// It is alive: pages read so far, and pages asked for.
    case progress(done: Int, total: Int)
    /// The next page.
    case page(ExtractedPage)
    /// All pages were sent; this is the document without them.
    case end(ExtractedDocument)
    /// The document could not be read.
    case failure(ExtractionFailure)
}

/// The frames around messages.
package enum Wire {
    /// Raised with every change of a message.
    package static let version = 4
    /// Bytes before the fields: length and tag.
    package static let headerBytes = 5

    /// Puts a length and a tag before fields.
    package static func frame(tag: UInt8, _ fields: WireWriter) -> [UInt8] {
        let length = fields.bytes.count + 1
        precondition(length <= Int(UInt32.max), "message too long for a frame")
        var frame = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        frame.reserveCapacity(length + 4)
        frame.append(tag)
        frame.append(contentsOf: fields.bytes)
        return frame
    }

    /// The announced length of a frame from its first four bytes, of tag and fields.
    package static func length(_ header: some Collection<UInt8>, limit: Int) throws(WireError) -> Int {
        var length = 0
        for (index, byte) in header.prefix(4).enumerated() { length |= Int(byte) << (8 * index) }
        guard length >= 1 else { throw .truncated(offset: 0) }
        guard length <= limit else { throw .frameTooLarge(length) }
        return length
    }
}

extension WireRequest {
    /// The frame up to the document's bytes; send those right behind it.
    package static func header(_ request: ExtractionRequest, byteCount: Int) -> [UInt8] {
        var fields = WireWriter()
        fields.write(request)
        var frame = Wire.frame(tag: 1, fields)
        let length = frame.count - 4 + byteCount
        precondition(length <= Int(UInt32.max), "document too long for a frame")
        for index in 0..<4 { frame[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        return frame
    }

    /// Reads what stands behind a frame's length: tag and fields.
    package init(body: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(body)
        let tag = try reader.byte()
        guard tag == 1 else { throw .unknownTag(tag, offset: body.startIndex) }
        let request = try reader.extractionRequest()
        self = .document(request, bytes: reader.rest)
    }
}

extension WireReply {
    /// The whole frame.
    package var frame: [UInt8] {
        var fields = WireWriter()
        switch self {
        case .ready(let version, let extractor):
            fields.integer(version)
            fields.string(extractor)
            return Wire.frame(tag: 1, fields)
        case .progress(let done, let total):
            fields.integer(done)
            fields.integer(total)
            return Wire.frame(tag: 2, fields)
        case .page(let page):
            fields.write(page)
            return Wire.frame(tag: 3, fields)
        case .end(let document):
            fields.write(document)
            return Wire.frame(tag: 4, fields)
        case .failure(let failure):
            fields.write(failure)
            return Wire.frame(tag: 5, fields)
        }
    }

    /// Reads what stands behind a frame's length: tag and fields.
    package init(body: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(body)
        let tag = try reader.byte()
        switch tag {
        case 1: self = .ready(version: try reader.integer(), extractor: try reader.string())
        case 2: self = .progress(done: try reader.integer(), total: try reader.integer())
        case 3: self = .page(try reader.page())
        case 4: self = .end(try reader.document())
        case 5: self = .failure(try reader.failure())
        default: throw .unknownTag(tag, offset: body.startIndex)
        }
        try reader.finish()
    }
}

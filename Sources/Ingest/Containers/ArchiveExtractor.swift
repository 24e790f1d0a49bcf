// What the worker does with an archive: it unpacks one member at a time.

import Documents

/// Unpacks what archives hold.
enum ArchiveExtractor {
    /// Name and version.
    static let name = "archive/1"

    /// What is asked for.
    enum Task: String {
        /// A member of a zip file; the request's bytes are its packed ones.
        case member
        /// A gzip file.
        case gunzip
    }

    /// Answers a request. Options: `task`; `name`: what the content is called; `limit`: most bytes that may come out;
    /// for a member `method`, `size` and `checksum`.
    ///
    /// Content of a kind that is not read is not unpacked: the answer then has `skip` in its metadata, with the reason.
    static func extract(
        _ bytes: ArraySlice<UInt8>, _ request: ExtractionRequest
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        let options = request.options
        let limits = ArchiveLimits(
            memberBytes: number(options["limit"]) ?? 0, ratio: max(1, number(options["ratio"]) ?? 1))
        switch options["task"].flatMap(Task.init(rawValue:)) {
        case .member:
            let entry = ZipDirectory.Entry(options, packed: bytes.count)
            return unpack(called: options["name"] ?? "", head: head(bytes, entry, limits)) {
                ZipFile.unpack(bytes, entry, limits: limits, limit: limits.memberBytes)
            }
        case .gunzip:
            let head = try? Inflater.gunzip(bytes, limits: limits, limit: .max, extent: .head(FileKind.headBytes)).get()
            return unpack(called: options["name"] ?? "", head: head) {
                Inflater.gunzip(bytes, limits: limits, limit: limits.memberBytes)
            }
        case nil: return .failure(ExtractionFailure(.unsupported, "an unknown task for an archive"))
        }
    }

    private static func number(_ text: String?) -> Int? { text.flatMap { Int($0) } }

    private static func unpack(
        called name: String, head: [UInt8]?, all: () -> Result<[UInt8], ExtractionFailure>
    ) -> Result<ExtractedDocument, ExtractionFailure> {
        if let head, !head.isEmpty, case .other(let reason) = FileKind.recognize(head: head[...], name: name) {
            return .success(ExtractedDocument(extractor: Self.name, metadata: ["skip": reason.rawValue], pageCount: 0))
        }
        return all().map { ExtractedDocument(extractor: Self.name, pageCount: 0, content: $0) }
    }

    /// The first bytes of a member; nil where only unpacking all of it says what is wrong.
    private static func head(
        _ packed: ArraySlice<UInt8>, _ entry: ZipDirectory.Entry, _ limits: ArchiveLimits
    ) -> [UInt8]? {
        if entry.isEncrypted { return nil }
        switch entry.method {
        case 0: return Array(packed.prefix(FileKind.headBytes))
        case 8:
            let head = Inflater.inflate(packed, .raw, limits: limits, limit: .max, extent: .head(FileKind.headBytes))
            return try? head.get().bytes
        default: return nil
        }
    }
}

extension ZipDirectory.Entry {
    /// A member as a request describes it; its data are all of the request's bytes.
    fileprivate init(_ options: [String: String], packed: Int) {
        self.init(
            name: "", data: 0..<packed, size: options["size"].flatMap { Int($0) } ?? 0,
            checksum: options["checksum"].flatMap { UInt32($0) } ?? 0,
            method: options["method"].flatMap { Int($0) } ?? -1, isEncrypted: options["encrypted"] != nil,
            isLink: false, header: 0)
    }
}

// One zip file in memory whose members are read by name: office documents and e-books. Runs inside the worker process.

import Documents

/// Parts of a document.
struct ZipFile {
    private let bytes: ArraySlice<UInt8>
    private let limits: ArchiveLimits
    private var entries: [String: ZipDirectory.Entry] = [:]
    private var budget: Int

    /// Reads the directory. Of two members with one name the first counts.
    init(_ bytes: ArraySlice<UInt8>, limits: ArchiveLimits = ArchiveLimits()) throws(ExtractionFailure) {
        self.bytes = bytes
        self.limits = limits
        budget = limits.totalBytes
        for entry in try ZipDirectory(bytes, limits: limits).entries where entries[entry.name] == nil {
            entries[entry.name] = entry
        }
    }

    /// Whether there is such a member.
    func contains(_ name: String) -> Bool { entries[name] != nil }

    /// A member's bytes; nil if there is none of that name.
    mutating func part(_ name: String) throws(ExtractionFailure) -> [UInt8]? {
        guard let entry = entries[name] else { return nil }
        let packed = bytes[bytes.startIndex + entry.data.lowerBound..<bytes.startIndex + entry.data.upperBound]
        let content = try Self.unpack(packed, entry, limits: limits, limit: min(limits.memberBytes, budget)).get()
        budget -= content.count
        return content
    }

    /// Unpacks one member and checks its size and sum.
    static func unpack(
        _ packed: ArraySlice<UInt8>, _ entry: ZipDirectory.Entry, limits: ArchiveLimits, limit: Int
    ) -> Result<[UInt8], ExtractionFailure> {
        if entry.isEncrypted { return .failure(ExtractionFailure(.encrypted, "it is packed with a password")) }
        guard entry.size <= limit else {
            return .failure(ExtractionFailure(.tooLarge, "\(entry.size) bytes when unpacked; the limit is \(limit)"))
        }
        let content: [UInt8]
        switch entry.method {
        case 0: content = Array(packed)
        case 8:
            switch Inflater.inflate(packed, .raw, limits: limits, limit: entry.size) {
            case .success(let result): content = result.bytes
            case .failure(let failure): return .failure(failure)
            }
        default: return .failure(ExtractionFailure(.unsupported, "packed with method \(entry.method)"))
        }
        guard content.count == entry.size, Inflater.checksum(content) == entry.checksum else {
            return .failure(ExtractionFailure(.malformed, "its bytes are not what the archive promises"))
        }
        return .success(content)
    }
}

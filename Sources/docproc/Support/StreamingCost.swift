import Diagnostics
import Glibc
import Inference
import Models
import Runs
import SystemPackage

/// What it costs to run a model whose weights have no room in memory.
struct StreamingCost: Sendable, Equatable {
    /// Weights that stay in memory.
    var residentBytes: Int
    /// Weights that are read again for each chunk of a prompt and each output token.
    var streamedBytes: Int
    /// Tokens of a chunk.
    var chunkTokens: Int
    /// Bytes per second from the model's disk; nil where it could not be measured.
    var readRate: Double?

    /// Nil where all weights have room. Reads some of the model's file to see how fast that is.
    init?(_ plan: MemoryPlan, files: ModelFiles, options: EngineOptions) {
        guard plan.streamedBytes > 0 else { return nil }
        residentBytes = plan.weightBytes
        streamedBytes = plan.streamedBytes
        chunkTokens = min(options.prefillChunk, plan.contextTokens)
        readRate = DiskReadSpeed.measure(files.path)
    }

    /// Reading alone, in seconds: as slow as it gets, where the system keeps nothing of the file in memory.
    var secondsPerPass: Double? { readRate.map { Double(streamedBytes) / $0 } }

    /// The words of the plan.
    var text: String {
        let pace =
            zip(readRate, secondsPerPass).map { rate, seconds in
                "; the disk gives \(Format.decimal(rate / 1e9, 1)) GB/s: up to \(Format.duration(seconds)) each, "
                    + "less where the system keeps the file in memory"
            } ?? "; how fast the disk is could not be measured"
        return
            "\(Format.bytes(residentBytes)) of weights stay in memory, \(Format.bytes(streamedBytes)) are read again "
            + "for every \(Format.count(chunkTokens)) tokens of prompt and every output token" + pace
    }

    /// The member of `docproc.plan/1`.
    var json: JSONValue {
        .fields([
            "resident_bytes": .int(residentBytes), "streamed_bytes": .int(streamedBytes),
            "chunk_tokens": .int(chunkTokens), "read_bytes_per_second": readRate.map { .double($0.rounded()) } ?? .null,
            "seconds_per_pass": secondsPerPass.map { .double(($0 * 1000).rounded() / 1000) } ?? .null,
        ])
    }

    private func zip(_ first: Double?, _ second: Double?) -> (Double, Double)? {
        guard let first, let second else { return nil }
        return (first, second)
    }
}

extension RunPlan {
    /// The record with what streaming costs.
    func json(with streaming: StreamingCost?) -> JSONValue {
        guard let streaming, case .object(let members) = json else { return json }
        return .object(members + [.init("streaming", streaming.json)])
    }
}

/// How fast a file comes from its disk.
enum DiskReadSpeed {
    private static let bytes = 64 << 20
    private static let piece = 4 << 20

    /// Bytes per second of a stretch in the middle, which the system is asked to forget before; nil when it cannot be
    /// read. The largest file of a folder.
    static func measure(_ path: String) -> Double? {
        let sizes = FileTree.files(below: path).map { ($0, size($0)) }
        guard let (file, length) = sizes.max(by: { $0.1 < $1.1 }), length > 0,
            let descriptor = try? FileDescriptor.open(FilePath(file), .readOnly, options: .closeOnExec)
        else { return nil }
        defer { try? descriptor.close() }
        let count = min(bytes, length)
        let start = (length - count) / 2 & ~(piece - 1)
        posix_fadvise(descriptor.rawValue, off_t(start), off_t(count), Int32(POSIX_FADV_DONTNEED))
        var buffer = [UInt8](repeating: 0, count: piece)
        let began = ContinuousClock.now
        var done = 0
        while done < count {
            let read = buffer.withUnsafeMutableBytes { bytes in
                try? descriptor.read(fromAbsoluteOffset: Int64(start + done), into: bytes)
            }
            guard let read, read > 0 else { break }
            done += read
        }
        let seconds = (ContinuousClock.now - began).inSeconds
        return done > 0 && seconds > 0 ? Double(done) / seconds : nil
    }

    private static func size(_ path: String) -> Int {
        var information = stat()
        return stat(path, &information) == 0 ? Int(information.st_size) : 0
    }
}

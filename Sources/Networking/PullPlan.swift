// What a pull from a hub or an address will do, known before anything large is fetched: files, sizes, licence.

import Diagnostics
import Hashing
import SystemPackage
package import Weights

/// A model to fetch, file by file, into a folder of the model store.
package struct PullPlan: Sendable {
    /// `OWNER/NAME:Q4_K_M`, or the file's name without its ending.
    package var name: String
    package var licence: HubLicence
    /// Where the files go.
    package var folder: String
    package var files: [RemoteFile]
    /// What will be noted beside them.
    package var manifest: PulledManifest
    /// The model among the files.
    package var model: PulledManifest.Model
    let credential: HTTPCredential?
    let explain: @Sendable (HTTPFailure) -> UserError?

    /// Bytes of all files; nil where a server did not say.
    package var byteCount: Int? {
        let sizes = files.compactMap(\.size)
        return sizes.count == files.count ? sizes.reduce(0, +) : nil
    }

    /// Bytes that an earlier pull has left here.
    package var bytesHere: Int {
        files.reduce(0) { sum, file in
            let path = "\(folder)/\(file.name)"
            return sum + max(FileActions.size(FilePath(path)) ?? 0, FileActions.size(FilePath(path + ".part")) ?? 0)
        }
    }

    /// The model, if all of it is here and noted.
    package func stored(in store: ModelStore) -> ModelStore.Stored? {
        store.list().first { stored in
            guard let pulled = stored.pulled, pulled.folder == folder, pulled.model.file == model.file else {
                return false
            }
            return Set(pulled.model.files) == Set(files.map(\.name))
                && pulled.files.allSatisfy { FileActions.size(FilePath("\(folder)/\($0.name)")) == $0.bytes }
        }
    }
}

extension PullPlan {
    /// Plans the fetching of a repository's model.
    ///
    /// - Throws: `UserError`, or `CancellationError`.
    package init(_ reference: HubReference, from hub: Hub, into store: ModelStore) async throws {
        let repository = try await hub.repository(reference)
        let selection = try await HubSelection.choose(reference.selector, of: repository) { file in
            try await hub.text(of: file, in: repository)
        }
        let page = hub.page(repository.name)
        name = repository.name + (selection.quantization.map { ":" + $0 } ?? "")
        licence = repository.licence
        folder = store.folder(ofRepository: repository.name, commit: repository.commit)
        files = selection.files.map { file in
            RemoteFile(
                name: file.name, url: hub.address(of: file.name, in: repository), sha256: file.sha256, size: file.size,
                magic: file.name.lowercased().hasSuffix(".gguf") ? "GGUF" : nil)
        }
        manifest = PulledManifest(
            name: repository.name, source: page, revision: reference.revision ?? "main", commit: repository.commit,
            licence: repository.licence.name, licenceURL: repository.licence.url)
        model = PulledManifest.Model(
            quantization: selection.quantization, file: selection.entry, files: selection.files.map(\.name))
        credential = hub.credential
        explain = { hub.explain($0, repository.name) }
    }

    /// Plans the fetching of a GGUF file from any address, all parts if it is one of a split.
    ///
    /// - Throws: `DP-CLI-01` for an address that is not to be trusted with a model.
    package init(_ text: String, fetcher: any HTTPFetching, into store: ModelStore) async throws {
        guard let address = WebAddress(text) else { throw Self.bad("this is no address of a file") }
        guard !address.isPlain || address.isLoopback else {
            throw Self.bad("http: lets others change the model on its way; https: does not")
        }
        guard !address.hasCredentials else { throw Self.bad("the address has a name or a password in it") }
        guard SafeName.isRelativePath(address.fileName), !address.fileName.contains("/"),
            !address.fileName.hasPrefix("."), let file = ModelFileName(address.fileName)
        else { throw Self.bad("the address does not end in the name of a GGUF file") }
        let encoded = WebAddress.encoded(address.fileName)
        // Only the name differs between the parts of a split; a query may be a signature of one of them.
        let isSplit = file.partCount > 1
        guard !isSplit || address.display == text && text.hasSuffix("/" + encoded) else {
            throw Self.bad("the parts of a split model can't be fetched from an address with a query")
        }
        var planned: [RemoteFile] = []
        for number in 1...file.partCount {
            let part = file.sibling(part: number)
            let url = isSplit ? String(text.dropLast(encoded.utf8.count)) + WebAddress.encoded(part) : text
            // A server that does not answer this shows what is wrong when the file is asked for.
            let reply = try? await fetcher.get(url, accept: "application/octet-stream, */*", isHead: true)
            let head = reply?.status == 200 && reply?.contentType != "text/html" ? reply : nil
            planned.append(
                RemoteFile(name: part, url: url, sha256: head?.linkedHash, size: head?.contentLength, magic: "GGUF"))
        }
        try Task.checkCancellation()
        let host = address.host.filter { $0.isLetter || $0.isNumber || "-.:_".contains($0) }
        name = file.stem
        files = planned
        folder = store.folder(ofHost: host, name: file.stem)
        licence = HubLicence(name: nil, url: address.display, acceptanceKey: host)
        manifest = PulledManifest(name: file.stem, source: address.display)
        model = PulledManifest.Model(quantization: nil, file: planned[0].name, files: planned.map(\.name))
        credential = nil
        explain = { _ in nil }
    }

    private static func bad(_ cause: String) -> UserError {
        UserError(
            .badFlag, cause,
            remedies: [.init("docproc models pull https://HOST/FILE.gguf", "fetches a file by its address")])
    }

    /// Plans whatever a reference means; an address of a hub's file is a file of its repository.
    package init(
        _ reference: ModelReference, hub: Hub, into store: ModelStore
    ) async throws {
        switch reference {
        case .repository(let repository): try await self.init(repository, from: hub, into: store)
        case .address(let text):
            if let repository = WebAddress(text).flatMap(hub.reference) {
                try await self.init(repository, from: hub, into: store)
            } else {
                try await self.init(text, fetcher: hub.fetcher, into: store)
            }
        }
    }
}

/// Carries a plan out.
package struct PlannedPull: Sendable {
    /// What happens while a model is fetched.
    package enum Event: Sendable, Equatable {
        /// A file begins.
        case file(index: Int, of: Int, name: String)
        /// Bytes of all files that are here.
        case bytes(Int)
    }

    private let plan: PullPlan
    private let hub: Hub
    private let store: ModelStore

    package init(_ plan: PullPlan, hub: Hub, store: ModelStore) {
        self.plan = plan
        self.hub = hub
        self.store = store
    }

    /// Fetches what is missing, then notes the model.
    ///
    /// - Throws: `UserError` (network, disk, hash) or `CancellationError`; what has arrived is kept.
    package func run(progress: @escaping @Sendable (Event) -> Void = { _ in }) async throws -> ModelStore.Stored {
        var done = 0
        var described: [PulledManifest.File] = []
        for (index, file) in plan.files.enumerated() {
            progress(.file(index: index, of: plan.files.count, name: file.name))
            let target = FilePath("\(plan.folder)/\(file.name)")
            do {
                try FileActions.makeFolder(target.removingLastComponent())
            } catch {
                throw PartFile.failure(error, target)
            }
            let before = done
            let (hash, isPublished) = try await ResumableDownload(
                file, to: target, fetcher: hub.fetcher, retry: hub.retry, credential: plan.credential,
                explain: plan.explain
            ).run { here, _ in progress(.bytes(before + here)) }
            let size = FileActions.size(target) ?? 0
            done += size
            progress(.bytes(done))
            described.append(.init(name: file.name, bytes: size, sha256: hash.hex, published: isPublished))
        }
        try store.record(plan.model, files: described, as: plan.manifest, in: plan.folder)
        guard let stored = plan.stored(in: store) else {
            throw UserError(
                .modelDamaged, "\(plan.name) changed while it was stored", places: [.init("folder", plan.folder)])
        }
        return stored
    }
}

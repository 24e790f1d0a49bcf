// A server with the Hugging Face hub's interface: which one, with which secret, what it says of a repository, and what
// its refusals mean.

package import Diagnostics
import FoundationEssentials
import SystemPackage
import Weights

/// A hub and how to talk to it.
package struct Hub: Sendable {
    /// Without a slash at the end.
    let endpoint: WebAddress
    let credential: HTTPCredential?
    let fetcher: any HTTPFetching
    let retry: RetryPolicy

    /// A listing of a hundred thousand files is shorter.
    static let longestListing = 32 << 20

    /// - Parameter environment: HF_ENDPOINT says where the hub is; HF_TOKEN, else the hub's own token file, what to
    ///   show it.
    /// - Throws: `DP-CLI-02` for an endpoint that others could listen to, or a token that can be none.
    package init(
        environment: [String: String], fetcher: any HTTPFetching, retry: RetryPolicy = RetryPolicy()
    ) throws(UserError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var text = value("HF_ENDPOINT") ?? "https://huggingface.co"
        while text.hasSuffix("/") { text.removeLast() }
        guard let endpoint = WebAddress(text), !endpoint.isPlain || endpoint.isLoopback, !endpoint.hasCredentials,
            endpoint.display == text
        else {
            throw UserError(
                .badSetting, "HF_ENDPOINT is not the https address of a hub",
                remedies: [.init("HF_ENDPOINT=https://HOST", "names another hub; without it huggingface.co is asked")])
        }
        self.endpoint = endpoint
        self.fetcher = fetcher
        self.retry = retry
        let home = value("HF_HOME") ?? (value("XDG_CACHE_HOME") ?? (value("HOME") ?? "") + "/.cache") + "/huggingface"
        let stored = FileActions.text(FilePath(value("HF_TOKEN_PATH") ?? home + "/token"))
        let token = (value("HF_TOKEN") ?? stored).map { String($0.filter { !$0.isWhitespace }) } ?? ""
        guard token.utf8.allSatisfy({ (33...126).contains($0) }) else {
            throw UserError(
                .badSetting, "the token of the hub has characters that no token has",
                places: [.init("from", value("HF_TOKEN") == nil ? "the hub's token file" : "HF_TOKEN")])
        }
        credential = token.isEmpty ? nil : HTTPCredential(secret: token, origin: endpoint.origin)
    }

    /// The page of a repository, for people.
    func page(_ repository: String) -> String { "\(endpoint.text)/\(repository)" }

    /// The address of a file.
    func address(of file: String, in repository: HubRepository) -> String {
        "\(endpoint.text)/\(repository.name)/resolve/\(repository.commit)/\(WebAddress.encoded(file))"
    }

    /// A repository of this hub and a file in it, if that is what an address of `…/resolve/…` or `…/blob/…` means.
    func reference(_ address: WebAddress) -> HubReference? {
        guard address.origin == endpoint.origin, address.display.hasPrefix(endpoint.text + "/") else { return nil }
        let words = address.display.dropFirst(endpoint.text.count + 1).split(separator: "/").map(String.init)
        guard words.count >= 5, words[2] == "resolve" || words[2] == "blob" else { return nil }
        let file = words[4...].joined(separator: "/")
        return HubReference(
            "\(words[0])/\(words[1])@\(words[3]):\(URL(string: "x:/" + file)?.path.dropFirst() ?? file[...])")
    }

    /// Asks for a repository's commit, files and licence.
    ///
    /// - Throws: `UserError`, or `CancellationError`.
    func repository(_ reference: HubReference) async throws -> HubRepository {
        let revision = WebAddress.encoded(reference.revision ?? "main", keepingSlashes: false)
        let url = "\(endpoint.text)/api/models/\(reference.repository)/revision/\(revision)?blobs=true"
        do {
            let (reply, text) = try await json(url)
            switch reply.status {
            case 200:
                return try HubRepository(json: text, reference: reference, page: page(reference.repository))
            case 401, 403: throw try await refusal(reference, reply)
            default: throw try await missing(reference, reply.headers["x-error-code"])
            }
        } catch let failure as HTTPFailure {
            throw UserError(
                .download, "the hub could not be asked for \(reference.repository): \(failure.explanation)",
                places: [.init("hub", endpoint.display)],
                remedies: [.init("HF_ENDPOINT=https://HOST", "asks another hub")])
        }
    }

    /// A small text file of a repository.
    func text(of file: HubFile, in repository: HubRepository) async throws -> String {
        do {
            return try await retry.run {
                try await fetcher.text(
                    address(of: file.name, in: repository), accept: "*/*", limit: Self.longestListing,
                    credential: credential
                ).text
            }
        } catch let failure as HTTPFailure {
            if let error = explain(failure, repository.name) { throw error }
            throw UserError(
                .download, "\(file.name) could not be fetched: \(failure.explanation)",
                places: [.init("page", page(repository.name))])
        }
    }

    /// The reasons of a file's refusal that the hub's rules give.
    func explain(_ failure: HTTPFailure, _ repository: String) -> UserError? {
        switch failure {
        case .status(401, _), .status(403, _): gated(repository)
        default: nil
        }
    }

    /// A reply of the hub's interface: success, or a refusal of one of the kinds that have a meaning.
    private func json(_ url: String) async throws -> (reply: HTTPReply, text: String) {
        try await retry.run {
            let reply = try await fetcher.get(url, accept: "application/json", credential: credential)
            switch reply.status {
            case 200:
                guard reply.contentType != "text/html" else {
                    throw HTTPFailure.unusable("it sent a web page instead of a list of files")
                }
                return (reply, try await reply.text(limit: Self.longestListing))
            case 400, 401, 403, 404: return (reply, "")
            default: throw reply.failure
            }
        }
    }

    /// The names of an owner's repositories; none if the hub does not say.
    private func repositories(of owner: String) async throws -> [String] {
        struct Entry: Decodable { var id: String }
        do {
            let (reply, text) = try await json("\(endpoint.text)/api/models?author=\(owner)&limit=200")
            guard reply.status == 200 else { return [] }
            let entries = (try? JSONDecoder().decode([Entry].self, from: Data(text.utf8))) ?? []
            return entries.map(\.id).filter { HubReference($0) != nil }
        } catch is HTTPFailure {
            return []
        }
    }

    /// The hub says "unauthorized" of what does not exist too, so that nobody can tell that from a private repository.
    private func refusal(_ reference: HubReference, _ reply: HTTPReply) async throws -> UserError {
        let code = reply.headers["x-error-code"]
        guard reply.status == 401, code != "GatedRepo" else { return gated(reference.repository) }
        let others = try await repositories(of: reference.owner)
        let isListed = others.contains { $0.lowercased() == reference.repository.lowercased() }
        return others.isEmpty || isListed
            ? gated(reference.repository) : missing(reference, among: others)
    }

    private func gated(_ repository: String) -> UserError {
        UserError(
            .licenceNotAccepted,
            credential == nil
                ? "the hub shows \(repository) only to people who have accepted its licence, or it does not exist"
                : "the hub does not show \(repository) to the owner of the token, or it does not exist",
            places: [.init("page", page(repository))],
            remedies: [
                .init("open \(page(repository))", "accept the licence there, signed in"),
                .init("HF_TOKEN=TOKEN", "a read token of that account; \(endpoint.display)/settings/tokens makes one"),
            ])
    }

    private func missing(_ reference: HubReference, _ code: String?) async throws -> UserError {
        if let revision = reference.revision, code == "RevisionNotFound" {
            return UserError(
                .modelMissing, "\(reference.repository) has no branch, tag or commit \"\(revision)\"",
                places: [.init("page", page(reference.repository))],
                remedies: [.init("docproc models pull hf:\(reference.repository)", "fetches its main branch")])
        }
        return missing(reference, among: try await repositories(of: reference.owner))
    }

    private func missing(_ reference: HubReference, among others: [String]) -> UserError {
        let near = Nearest.names(to: reference.repository, in: others)
        return UserError(
            .modelMissing,
            "the hub has no repository \(reference.repository)" + (near.first.map { "; did you mean \($0)?" } ?? ""),
            places: [.init("hub", endpoint.display)],
            remedies: near.map { .init("docproc models pull hf:\($0)", "fetches that one") }
                + [.init("docproc models list", "shows the models of the catalogue")])
    }
}

/// Which of some names were probably meant.
enum Nearest {
    /// The three nearest by edits, if they are near at all.
    static func names(to wanted: String, in names: [String]) -> [String] {
        let bytes = Array(wanted.lowercased().utf8)
        return names.map { ($0, editDistance(bytes, Array($0.lowercased().utf8))) }
            .filter { $0.1 <= max(2, bytes.count / 3) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
    }
}

// What a hub says of a repository: its commit, files with sizes and hashes, and licence. Read from JSON that a server
// wrote, so nothing in it is taken on trust.

import FoundationEssentials
package import Weights

/// A file of a repository.
package struct HubFile: Sendable, Equatable {
    /// Its path in the repository; safe to use below a folder.
    package var name: String
    package var size: Int?
    /// Known for large files; the hub keeps those outside of git.
    package var sha256: String?
}

/// The terms of a model as its publisher states them.
package struct HubLicence: Sendable, Equatable {
    /// `apache-2.0`, `llama4`; nil where nothing is stated.
    package var name: String?
    package var url: String
    /// The word for `DOCPROC_ACCEPT_LICENSES`; nil for licences that are known not to restrict use.
    package var acceptanceKey: String?

    /// Licences, by the hub's names, under which anybody may use a model for anything.
    static let unrestricted: Set<String> = [
        "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
        "bsd-3-clause-clear", "bsl-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0",
        "cdla-permissive-1.0", "cdla-permissive-2.0", "ecl-2.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "gpl", "gpl-2.0",
        "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl", "ncsa", "ofl-1.1", "osl-3.0",
        "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
    ]
}

/// A repository at one commit.
package struct HubRepository: Sendable, Equatable {
    /// `OWNER/NAME` as the hub writes it.
    package var name: String
    package var commit: String
    package var files: [HubFile]
    package var licence: HubLicence

    /// The most files that a listing may have.
    static let maximumFiles = 100_000

    /// Reads the hub's answer.
    ///
    /// - Parameter page: the address of the repository's page, for links.
    /// - Throws: `HTTPFailure.unusable` when it is no listing or names files that no honest repository has.
    package init(json: String, reference: HubReference, page: String) throws(HTTPFailure) {
        guard let listing = try? JSONDecoder().decode(Listing.self, from: Data(json.utf8)) else {
            throw .unusable("the hub's answer is no list of files")
        }
        guard let commit = listing.sha, (7...64).contains(commit.utf8.count), commit.allSatisfy(\.isHexDigit) else {
            throw .unusable("the hub's answer names no commit")
        }
        guard listing.siblings.count <= Self.maximumFiles else {
            throw .unusable("the hub lists \(listing.siblings.count) files")
        }
        var names: Set<String> = []
        for file in listing.siblings {
            guard SafeName.isRelativePath(file.rfilename), names.insert(file.rfilename).inserted else {
                throw .unusable("the hub lists a file with the name \"\(SafeName.printable(file.rfilename))\"")
            }
            guard (file.size ?? 0) >= 0, (file.lfs?.size ?? 0) >= 0 else {
                throw .unusable("the hub lists \(file.rfilename) with a size below 0")
            }
        }
        // The name decides about folders: it must be the one that was asked for, up to its case.
        name =
            listing.id.flatMap { $0.lowercased() == reference.repository.lowercased() ? $0 : nil }
            ?? reference.repository
        self.commit = commit.lowercased()
        files = listing.siblings.map { file in
            let hash = (file.lfs?.sha256 ?? file.lfs?.oid)?.lowercased()
            return HubFile(
                name: file.rfilename, size: file.lfs?.size ?? file.size,
                sha256: hash.flatMap { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) ? $0 : nil })
        }.sorted { $0.name < $1.name }
        licence = Self.licence(
            listing, files: names, page: page, commit: self.commit, repository: name)
    }

    private static func licence(
        _ listing: Listing, files: Set<String>, page: String, commit: String, repository: String
    ) -> HubLicence {
        let tag = listing.tags.first { $0.hasPrefix("license:") }.map { String($0.dropFirst(8)) }
        var stated = (listing.card?.license ?? tag).map { SafeName.printable($0.lowercased(), limit: 80) }
        if stated == "other" || stated == nil, let own = listing.card?.licenseName {
            stated = SafeName.printable(own.lowercased(), limit: 80)
        }
        if stated?.isEmpty == true || stated == "unknown" { stated = nil }
        let link = listing.card?.licenseLink
        let text = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"].first(where: files.contains)
        let url: String
        if let link, let address = WebAddress(link), !address.isPlain || address.isLoopback {
            url = SafeName.printable(address.text, limit: 500)
        } else if let link, files.contains(link) {
            url = "\(page)/blob/\(commit)/\(WebAddress.encoded(link))"
        } else if let text {
            url = "\(page)/blob/\(commit)/\(text)"
        } else {
            url = page
        }
        let isOpen = stated.map { HubLicence.unrestricted.contains($0) } ?? false
        let key = stated.map { $0 == "other" ? repository.lowercased() : $0 } ?? repository.lowercased()
        return HubLicence(name: stated, url: url, acceptanceKey: isOpen ? nil : key)
    }

    /// The file of that path.
    package func file(_ name: String) -> HubFile? { files.first { $0.name == name } }
}

/// The fields of the hub's answer that matter here. Ones of an unexpected kind count as absent.
private struct Listing: Decodable {
    struct Sibling: Decodable {
        struct Large: Decodable {
            var sha256: String?
            var oid: String?
            var size: Int?
        }
        var rfilename: String
        var size: Int?
        var lfs: Large?
    }

    struct Card: Decodable {
        var license: String?
        var licenseName: String?
        var licenseLink: String?

        enum CodingKeys: String, CodingKey {
            case license
            case licenseName = "license_name"
            case licenseLink = "license_link"
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            func text(_ key: CodingKeys) -> String? {
                (try? fields.decode(String.self, forKey: key))
                    ?? (try? fields.decode([String].self, forKey: key))?.joined(separator: ", ")
            }
            license = text(.license)
            licenseName = text(.licenseName)
            licenseLink = text(.licenseLink)
        }
    }

    var id: String?
    var sha: String?
    var tags: [String]
    var card: Card?
    var siblings: [Sibling]

    enum CodingKeys: String, CodingKey {
        case id, sha, tags, siblings
        case card = "cardData"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try? fields.decode(String.self, forKey: .id)
        sha = try? fields.decode(String.self, forKey: .sha)
        tags = (try? fields.decode([String].self, forKey: .tags)) ?? []
        card = try? fields.decode(Card.self, forKey: .card)
        siblings = try fields.decode([Sibling].self, forKey: .siblings)
    }
}

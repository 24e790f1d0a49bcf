// What unpacking may cost. Deflate turns one byte into a thousand at most, so a small file can hold a very large one,
// and zip files in zip files multiply that.

/// Bounds on archives and on office documents, which are zip files too.
package struct ArchiveLimits: Sendable, Equatable {
    /// Members of one archive.
    package var members: Int
    /// Bytes of one member, unpacked.
    package var memberBytes: Int
    /// Bytes of all members of one file together, archives inside it included.
    package var totalBytes: Int
    /// Unpacked bytes for one packed byte, where there are many of them.
    package var ratio: Int
    /// Archives inside each other; 1 reads archives, but none inside.
    package var depth: Int

    /// Chooses bounds.
    package init(
        members: Int = 100_000, memberBytes: Int = 192 << 20, totalBytes: Int = 2 << 30, ratio: Int = 300,
        depth: Int = 3
    ) {
        self.members = members
        self.memberBytes = memberBytes
        self.totalBytes = totalBytes
        self.ratio = ratio
        self.depth = depth
    }

    /// Below this many bytes any ratio is fine: tables of zeros exist.
    static let ratioFrom = 32 << 20
}

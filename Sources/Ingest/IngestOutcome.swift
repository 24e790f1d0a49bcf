// What became of each file: the coverage ledger. Every path that was found has exactly one outcome, every page of a
// file that was read has one too, and `IngestReport.isBalanced` says that the sums agree.

package import Diagnostics
package import Documents

/// What became of one file.
package struct IngestOutcome: Sendable, Equatable {
    /// The path as the user would write it; `-` is standard input. An ignored directory is one outcome.
    package var path: String
    /// Size in bytes; 0 where unknown.
    package var size: Int
    /// SHA-256 of the content in hexadecimal, where the content was read.
    package var sha256: String?
    /// Read, skipped or failed.
    package var status: Status
    /// Pages read, skipped and failed.
    package var pages: PageCounts
    /// Characters (Unicode scalars) of the document's text; 0 where none was read.
    package var characters = 0
    /// The part of the document's pages that can be read, from 0 to 1; nil where nothing is on them.
    package var quality: Double?
    /// Whether the document came from the cache.
    package var cached: Bool
    /// Things worth telling that cost no text: an unreachable cache, a malformed ignore file.
    package var warnings: [String]

    /// Read, skipped or failed.
    package enum Status: Sendable, Equatable {
        case read(Document)
        case skipped(SkipReason)
        case failed(ExtractionFailure)
    }

    /// Describes an outcome.
    package init(
        path: String, size: Int = 0, sha256: String? = nil, status: Status, pages: PageCounts = PageCounts(),
        cached: Bool = false, warnings: [String] = []
    ) {
        self.path = path
        self.size = size
        self.sha256 = sha256
        self.status = status
        self.pages = pages
        self.cached = cached
        self.warnings = warnings
    }

    /// The document, if the file was read.
    package var document: Document? {
        if case .read(let document) = status { document } else { nil }
    }

    /// Leaves of the document what tells about it: no text, pages or elements.
    mutating func dropText() {
        guard var document else { return }
        document.text = ""
        document.pages = []
        document.elements = []
        document.offsets = OffsetMap()
        document.outline = []
        document.links = []
        status = .read(document)
    }
}

/// Why a file was not read although nothing went wrong.
package enum SkipReason: String, Sendable, Hashable, Codable, CaseIterable {
    case image, audio, video, office, archive, database, program, binary
    /// No bytes.
    case empty
    /// Pages without text: a scan, or a page that has none.
    case noText = "no-text"
    /// Named by an ignore file.
    case ignored
    /// Begins with a dot and was not named by the user.
    case hidden
    /// Outside `--include`, or inside `--exclude`.
    case excluded
    /// None of the wanted pages exists.
    case pagesOutside = "pages-outside"
    /// A device, pipe or socket.
    case special
    /// A link that leads back into its own path, or a file already listed under another name.
    case loop, duplicate
    /// The ingestion stopped before.
    case notReached = "not-reached"

    /// One sentence for people.
    package var explanation: String {
        switch self {
        case .image: "an image; images are not read yet"
        case .audio: "an audio file; sound is not read yet"
        case .video: "a video file"
        case .office: "an office document of a kind that is not read; DOCX is"
        case .archive: "an archive of a kind that is not unpacked; zip and gzip are"
        case .database: "a database"
        case .program: "a program or library"
        case .binary: "binary data of no known kind"
        case .empty: "an empty file"
        case .noText: "no text in it: a scan, or an empty page"
        case .ignored: "named by .gitignore or .docprocignore"
        case .hidden: "hidden: its name begins with a dot"
        case .excluded: "not selected by --include or --exclude"
        case .pagesOutside: "has none of the pages asked for"
        case .special: "a device, pipe or socket"
        case .loop: "a link that leads back into its own path"
        case .duplicate: "the same file was already listed under another name"
        case .notReached: "the ingestion stopped before this file"
        }
    }
}

/// Pages of a file, by what became of them.
package struct PageCounts: Sendable, Hashable, Codable {
    /// Pages whose text is in the document, blank ones included.
    package var read: Int
    /// Pages left out for a reason: not asked for, a scan without text.
    package var skipped: Int
    /// Pages that the extractor could not read.
    package var failed: Int

    /// Describes counts.
    package init(read: Int = 0, skipped: Int = 0, failed: Int = 0) {
        self.read = read
        self.skipped = skipped
        self.failed = failed
    }

    /// All pages.
    package var total: Int { read + skipped + failed }

    /// Adds page by page.
    package static func += (left: inout PageCounts, right: PageCounts) {
        left.read += right.read
        left.skipped += right.skipped
        left.failed += right.failed
    }
}

/// The whole ledger of one ingestion.
package struct IngestReport: Sendable, Equatable {
    /// Paths found, before anything was read.
    package var found: Int
    /// One outcome for each path found, in the order of discovery: by argument, then bytewise by path.
    package var outcomes: [IngestOutcome]
    /// A fault of the installation that kept files from being read, such as a missing worker program.
    package var fault: UserError?

    /// Describes a report.
    package init(found: Int, outcomes: [IngestOutcome], fault: UserError? = nil) {
        self.found = found
        self.outcomes = outcomes
        self.fault = fault
    }

    /// The documents that were read, in order.
    package var documents: [Document] { outcomes.compactMap(\.document) }

    /// Files read.
    package var read: Int {
        outcomes.count { if case .read = $0.status { true } else { false } }
    }

    /// Files skipped.
    package var skipped: Int {
        outcomes.count { if case .skipped = $0.status { true } else { false } }
    }

    /// Files failed.
    package var failed: Int {
        outcomes.count { if case .failed = $0.status { true } else { false } }
    }

    /// Pages of all files.
    package var pages: PageCounts {
        outcomes.reduce(into: PageCounts()) { $0 += $1.pages }
    }

    /// Whether each path found has exactly one outcome.
    package var isBalanced: Bool {
        found == outcomes.count && read + skipped + failed == found && Set(outcomes.map(\.path)).count == found
    }
}

/// Progress of an ingestion, in the order in which things happen.
package enum IngestEvent: Sendable, Equatable {
    /// The paths are known.
    case found(total: Int)
    /// Work on a file began.
    case started(path: String)
    /// A file reached its outcome.
    case finished(IngestOutcome)
    /// All files did; the last event.
    case completed(IngestReport)
}

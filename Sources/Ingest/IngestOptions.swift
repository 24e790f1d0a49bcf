// What the caller of the ingestor can choose. Values only; nothing here touches a file.

/// Settings of one ingestion; the defaults are those of the command line.
package struct IngestOptions: Sendable, Equatable {
    /// Only files that match one of these globs are read; empty means all. Relative to the named directory; an archive
    /// counts as a directory, see `FileSelection`.
    package var include: [String]
    /// Files that match one of these globs are skipped, whatever `include` says.
    package var exclude: [String]
    /// 1-based page numbers of paged formats to read; nil means all.
    package var pages: [ClosedRange<Int>]?
    /// How much of a web page is its text.
    package var html: HTMLMode
    /// What happens after a file that can't be read.
    package var onUnreadable: OnUnreadable
    /// What happens to text that a reader of the page can't see.
    package var hiddenText: HiddenText
    /// Whether `.gitignore` and `.docprocignore` are honoured.
    package var honoursIgnoreFiles: Bool
    /// Files extracted at the same time.
    package var workers: Int
    /// Bounds on what one file may cost.
    package var limits: IngestLimits

    /// How much of a web page is its text.
    package enum HTMLMode: String, Sendable, Codable, CaseIterable {
        /// The main content: no navigation, footers, banners.
        case main
        /// Everything a reader sees.
        case full
    }

    /// What happens after a file that can't be read.
    package enum OnUnreadable: String, Sendable, Codable, CaseIterable {
        /// Stop: files not yet begun are skipped with the reason `notReached`.
        case fail
        /// Go on; the caller warns.
        case warn
        /// Go on quietly.
        case skip
    }

    /// What happens to text that a reader of the page can't see.
    package enum HiddenText: String, Sendable, Codable, CaseIterable {
        /// Left out, with the note `hidden-text` on the document.
        case flag
        /// Left out.
        case drop
        /// Kept; its elements say `hidden`.
        case keep
    }

    /// Chooses settings.
    package init(
        include: [String] = [], exclude: [String] = [], pages: [ClosedRange<Int>]? = nil, html: HTMLMode = .main,
        onUnreadable: OnUnreadable = .warn, hiddenText: HiddenText = .flag, honoursIgnoreFiles: Bool = true,
        workers: Int = 2, limits: IngestLimits = IngestLimits()
    ) {
        self.include = include
        self.exclude = exclude
        self.pages = pages
        self.html = html
        self.onUnreadable = onUnreadable
        self.hiddenText = hiddenText
        self.honoursIgnoreFiles = honoursIgnoreFiles
        self.workers = workers
        self.limits = limits
    }
}

/// Bounds on what one file may cost.
package struct IngestLimits: Sendable, Equatable {
    /// Largest file that is opened, in bytes.
    package var fileBytes: Int
    /// Largest text or Markdown file, which is read in this process, in bytes.
    package var textBytes: Int
    /// Seconds a worker may take for one file.
    package var seconds: Int
    /// Address space of a worker in bytes.
    package var workerBytes: Int
    /// Files and directories one ingestion looks at.
    package var files: Int
    /// What unpacking an archive may cost.
    package var archives: ArchiveLimits

    /// Chooses bounds.
    package init(
        fileBytes: Int = 512 << 20, textBytes: Int = 128 << 20, seconds: Int = 60, workerBytes: Int = 4 << 30,
        files: Int = 2_000_000, archives: ArchiveLimits = ArchiveLimits()
    ) {
        self.fileBytes = fileBytes
        self.textBytes = textBytes
        self.seconds = seconds
        self.workerBytes = workerBytes
        self.files = files
        self.archives = archives
    }
}

// What goes into packing and what comes out of it, all plain values.

package import Documents

/// A document with its segments: what the packer takes.
package struct SegmentedDocument: Sendable, Equatable {
    /// The document.
    package var document: Document
    /// Its segments in order.
    package var segments: [Segment]

    /// Puts the two together.
    package init(document: Document, segments: [Segment]) {
        self.document = document
        self.segments = segments
    }
}

/// How many tokens a prompt and its answer may take together.
package struct TokenBudget: Sendable, Hashable {
    /// Tokens of prompt and answer together.
    package var window: Int
    /// Tokens kept free for the answer.
    package var answer: Int

    /// Tokens that the prompt may take.
    package var prompt: Int { window - answer }

    /// Describes a budget.
    package init(window: Int, answer: Int) {
        self.window = window
        self.answer = answer
    }
}

/// Why nothing could be packed.
package enum PackingError: Error, Sendable, Equatable {
    /// Template, instructions and question alone leave no room for a document.
    case frameTooLarge(frame: Int, prompt: Int)
}

/// What became of each segment: every one that went in stands in at least one window.
package struct PackingLedger: Sendable, Equatable {
    /// One segment's way.
    package struct Entry: Sendable, Equatable, Codable {
        /// `Document.path`.
        package var path: String
        /// `Document.sha256`.
        package var sha256: String
        /// `Segment.index`.
        package var segment: Int
        /// Where it stands, in order; one place unless it is longer than a window or repeated for overlap.
        package var places: [Place]
    }

    /// A place in a window.
    package struct Place: Sendable, Equatable, Codable {
        /// `ContextWindow.index`.
        package var window: Int
        /// `NumberedSegment.number`.
        package var number: Int
    }

    /// The entries in the order of documents and segments.
    package var entries: [Entry]
    /// Segments that were longer than a window, or than local layers see, and stand in parts.
    package var split: Int

    package init(entries: [Entry], split: Int) {
        self.entries = entries
        self.split = split
    }
}

/// Windows and the proof that nothing was lost between them.
package struct PackedCorpus: Sendable, Equatable {
    /// The windows in order.
    package var windows: [ContextWindow]
    /// Where each segment went.
    package var ledger: PackingLedger

    package init(windows: [ContextWindow], ledger: PackingLedger) {
        self.windows = windows
        self.ledger = ledger
    }

    /// What the edges of chunks cut in all windows; nil where no layer sees chunks.
    package var cuts: ChunkCuts? {
        let cuts = windows.compactMap(\.cuts)
        return cuts.isEmpty ? nil : cuts.reduce(ChunkCuts(), +)
    }

    /// The part of all windows' room that is used: 1 where every prompt is as long as it may be.
    package func fillRate(_ budget: TokenBudget) -> Double {
        let used = windows.reduce(0) { $0 + $1.tokens.count }
        return windows.isEmpty ? 0 : Double(used) / (Double(budget.prompt) * Double(windows.count))
    }
}

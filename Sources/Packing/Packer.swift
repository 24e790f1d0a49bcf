import Documents

/// Fills windows under an exact token budget.
///
/// A plain value: the same documents, frame and budget give the same windows. A window's tokens are counted on the
/// whole prompt as the model gets it, never as a sum of parts, since joining text can change its tokens; estimates only
/// decide what is tried first. Document text is always tokenized as plain text.
package struct Packer: Sendable {
    let tokenizer: any PromptTokenizing
    let budget: TokenBudget
    /// Whether a segment repeats the heading above it: for windows of passages torn from their place.
    let headings: Bool
    /// Segments of a divided document that its next window repeats.
    let overlap: Int
    /// What the model's local layers see.
    let view: LocalView

    /// How documents come into windows.
    package enum Arrangement: Sendable {
        /// In the order given: what is added at the end changes no window before.
        case given
        /// Documents where they leave least room, so that there are fewer windows.
        case bestFit
    }

    /// Prepares for a tokenizer and a budget.
    package init(
        tokenizer: any PromptTokenizing, budget: TokenBudget, headings: Bool = false, overlap: Int = 0,
        view: LocalView = LocalView()
    ) {
        self.tokenizer = tokenizer
        self.budget = budget
        self.headings = headings
        self.overlap = overlap
        self.view = view
    }

    /// Puts all segments of all documents into windows.
    ///
    /// A document is not divided unless it is longer than a window; a segment is not divided unless it is, or longer than
    /// local layers see. In a window documents stand in the order given, and windows in that of their first documents.
    /// With chunks and best fit the documents of a window are put in an order that fills chunks; in either arrangement
    /// filler keeps passages from lying across edges. It adds no window in best fit, and never divides a document that
    /// fits without it.
    package func pack(
        _ documents: [SegmentedDocument], frame: PromptFrame, arrangement: Arrangement = .given
    ) throws(PackingError) -> PackedCorpus {
        try checkFrame(frame)
        let pieces = documents.enumerated().map { document, source in
            source.segments.enumerated().flatMap { index, segment in
                inSight(piece(SegmentReference(document: document, segment: index), segment.textRange, source), source)
            }
        }
        let groups =
            switch arrangement {
            case .given: try inOrder(pieces.flatMap(\.self), documents, frame)
            case .bestFit: try bestFitting(pieces, documents, frame)
            }
        var windows: [ContextWindow] = []
        var places: [[[PackingLedger.Place]]] = documents.map { $0.segments.map { _ in [] } }
        var divided: Set<SegmentReference> = []
        for pieces in groups {
            let window = build(pieces, documents, frame, index: windows.count)
            precondition(window.tokens.count <= budget.prompt, "a window exceeds its budget")
            for (offset, piece) in pieces.enumerated() {
                places[piece.document][piece.segment].append(
                    PackingLedger.Place(window: window.index, number: offset + 1))
                if piece.textRange != documents[piece.document].segments[piece.segment].textRange {
                    divided.insert(SegmentReference(document: piece.document, segment: piece.segment))
                }
            }
            windows.append(window)
        }
        let entries = documents.enumerated().flatMap { document, source in
            source.segments.enumerated().map { index, segment in
                PackingLedger.Entry(
                    path: source.document.path, sha256: source.document.sha256, segment: segment.index,
                    places: places[document][index])
            }
        }
        precondition(entries.allSatisfy { !$0.places.isEmpty }, "a segment stands in no window")
        return PackedCorpus(windows: windows, ledger: PackingLedger(entries: entries, split: divided.count))
    }

    /// One window of chosen segments: as many from the front of `ranked` as fit, in the order that `arrange` gives them.
    ///
    /// Segments that do not fit any more are left out, which is for the caller to report.
    package func packRanked(
        _ ranked: [SegmentReference], of documents: [SegmentedDocument], frame: PromptFrame,
        arrange: ([SegmentReference]) -> [SegmentReference]
    ) throws(PackingError) -> ContextWindow {
        try checkFrame(frame)
        var known: [SegmentReference: WindowBody.Piece] = [:]
        func pieces(_ references: [SegmentReference]) -> [WindowBody.Piece] {
            arrange(references).map { reference in
                let source = documents[reference.document]
                let piece = known[reference] ?? piece(reference, source.segments[reference.segment].textRange, source)
                known[reference] = piece
                return piece
            }
        }
        var chosen: [SegmentReference] = []
        var refused = 0
        for reference in ranked where !chosen.contains(reference) {
            if count(pieces(chosen + [reference]), documents, frame) <= budget.prompt {
                chosen.append(reference)
            } else {
                // A long one may be followed by a short one that still fits, but not for ever.
                refused += 1
                if refused == 4 { break }
            }
        }
        return build(pieces(chosen), documents, frame, index: 0)
    }

    private func checkFrame(_ frame: PromptFrame) throws(PackingError) {
        let own = frameTokens(frame)
        guard own < budget.prompt else { throw .frameTooLarge(frame: own, prompt: budget.prompt) }
    }

    // MARK: Choosing

    /// Windows filled one after the other.
    private func inOrder(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) throws(PackingError) -> [[WindowBody.Piece]] {
        var queue = Array(pieces.reversed())  // taken from the end
        var windows: [[WindowBody.Piece]] = []
        while !queue.isEmpty {
            let window = try nextWindow(&queue, documents, frame)
            windows.append(window)
            // What is repeated has to leave room for something new.
            guard overlap > 0, let next = queue.last, next.document == window.last?.document else { continue }
            var again = window.suffix(overlap).filter { $0.document == next.document }
            while !again.isEmpty, !fits(again + [next], documents, frame) { again.removeFirst() }
            if again.count < window.count { queue += again.reversed() }
        }
        return windows
    }

    /// Windows that are counted out for a document before it gets one of its own.
    private static let mostTries = 16

    /// Whole documents, and the ends of those that fill more than a window, by best-fit decreasing.
    ///
    /// Sizes are those of documents in a window of their own; where they turn out larger together than alone, the
    /// smallest ones are taken out again and placed by counting.
    private func bestFitting(
        _ pieces: [[WindowBody.Piece]], _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) throws(PackingError) -> [[WindowBody.Piece]] {
        let own = frameTokens(frame)
        var full: [[WindowBody.Piece]] = []
        var items: [[WindowBody.Piece]] = []
        var sizes: [Int] = []
        for document in pieces where !document.isEmpty {
            var windows = [document]
            if !fits(document, documents, frame) { windows = try inOrder(document, documents, frame) }
            full += windows.dropLast()
            items.append(windows[windows.count - 1])
            sizes.append(count(windows[windows.count - 1], documents, frame) - own)
        }
        var bins = bins(sizes, capacity: budget.prompt - own)
        func joined(_ bin: [Int]) -> [WindowBody.Piece] { bin.sorted().flatMap { items[$0] } }
        var homeless: [Int] = []
        for index in bins.indices {
            while bins[index].count > 1, !fits(joined(bins[index]), documents, frame),
                let smallest = bins[index].min(by: { (sizes[$0], $1) < (sizes[$1], $0) })
            {
                bins[index].removeAll { $0 == smallest }
                homeless.append(smallest)
            }
        }
        func home(_ item: Int, in bins: [[Int]]) -> Int? {
            let room = bins.map { budget.prompt - own - $0.reduce(0) { $0 + sizes[$1] } }
            let slack = budget.prompt / 50
            return bins.indices.filter { room[$0] + slack >= sizes[item] }.sorted { (room[$0], $0) < (room[$1], $1) }
                .prefix(Self.mostTries).first { fits(joined(bins[$0] + [item]), documents, frame) }
        }
        for item in homeless.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
            if let bin = home(item, in: bins) { bins[bin].append(item) } else { bins.append([item]) }
        }
        // What was taken out may have opened a window that the others have room for.
        while !homeless.isEmpty, bins.count > 1,
            let emptiest = bins.indices.min(by: {
                bins[$0].reduce(0) { $0 + sizes[$1] } < bins[$1].reduce(0) { $0 + sizes[$1] }
            })
        {
            var others = bins
            let items = others.remove(at: emptiest).sorted { (sizes[$1], $0) < (sizes[$0], $1) }
            let isPlaced = items.allSatisfy { item in
                guard let bin = home(item, in: others) else { return false }
                others[bin].append(item)
                return true
            }
            guard isPlaced else { break }
            bins = others
        }
        let start = frameTokens(PromptFrame(before: frame.before, after: []))
        func ordered(_ bin: [Int]) -> [WindowBody.Piece] {
            let bin = bin.sorted()
            guard let chunk = view.chunk, view.isAligned, start + bin.reduce(0, { $0 + sizes[$1] }) > chunk else {
                return joined(bin)
            }
            // The blank line between two documents is a token at most.
            return ChunkOrder.order(bin.map { sizes[$0] + 1 }, chunk: chunk, start: start).flatMap { items[bin[$0]] }
        }
        func place(_ window: [WindowBody.Piece]) -> (Int, Int, Int) {
            window.map { ($0.document, $0.segment, $0.textRange.lowerBound) }.min(by: <) ?? (0, 0, 0)
        }
        return (full + bins.map(ordered)).map { (place($0), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// Best fit; where that takes no more windows, with some room for filler in each.
    private func bins(_ sizes: [Int], capacity: Int) -> [[Int]] {
        let bins = BestFit.bins(sizes, capacity: capacity)
        guard let chunk = view.chunk, view.isAligned else { return bins }
        let edges = (budget.window - 1) / chunk
        let less = capacity - edges * ChunkAlignment.most(chunk: chunk) / 2
        guard edges > 0, less >= sizes.max() ?? 0 else { return bins }
        let roomy = BestFit.bins(sizes, capacity: less)
        return roomy.count <= bins.count ? roomy : bins
    }

    private func fits(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) -> Bool {
        count(pieces, documents, frame) <= budget.prompt
    }

    /// Whether there is room for the filler as well that keeps passages from lying across edges.
    private func fitsAligned(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) -> Bool {
        let tokens = count(pieces, documents, frame)
        return tokens <= budget.prompt
            && tokens + (alignment(pieces, documents, frame)?.added ?? 0) <= budget.prompt
    }

    /// Takes the pieces of one window off the end of the queue.
    private func nextWindow(
        _ queue: inout [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) throws(PackingError) -> [WindowBody.Piece] {
        func first(_ count: Int) -> [WindowBody.Piece] { queue.suffix(count).reversed() }
        func fits(_ pieces: [WindowBody.Piece]) -> Bool { self.fits(pieces, documents, frame) }
        func fitsAligned(_ pieces: [WindowBody.Piece]) -> Bool { self.fitsAligned(pieces, documents, frame) }

        // How many might fit, from estimates; then the exact count decides, in steps that grow and shrink again.
        var taken = 0
        var estimate = frameTokens(frame)
        for piece in queue.reversed() {
            estimate += piece.estimate
            if estimate > budget.prompt { break }
            taken += 1
        }
        taken = max(taken, 1)
        var step = 1
        while taken > 1, !fitsAligned(first(taken)) {
            taken = max(1, taken - step)
            step *= 2
        }
        step = max(1, step / 2)
        while step > 0 {
            if taken + step <= queue.count, fitsAligned(first(taken + step)) {
                taken += step
                step *= 2
            } else {
                step /= 2
            }
        }
        if taken == 1, let piece = queue.last, !fits([piece]) {
            try split(piece, &queue, documents, frame)
            taken = 1
        }
        // A document that would be divided here but fits a window of its own waits for the next one.
        let pieces = first(taken)
        if taken < queue.count, let last = pieces.last, queue[queue.count - 1 - taken].document == last.document,
            let begin = pieces.firstIndex(where: { $0.document == last.document })
        {
            let whole = queue.reversed().filter { $0.document == last.document }
            // One that has a window of its own and still no room for filler does without.
            if fits(whole) { taken = begin > 0 ? begin : whole.count }
        }
        let result = first(taken)
        queue.removeLast(taken)
        return result
    }

    /// Divides the piece at the end of the queue, which is longer than a window, so that its first part fits.
    private func split(
        _ piece: WindowBody.Piece, _ queue: inout [WindowBody.Piece], _ documents: [SegmentedDocument],
        _ frame: PromptFrame
    ) throws(PackingError) {
        let source = documents[piece.document]
        let base = piece.textRange.lowerBound
        func part(_ end: Int) -> WindowBody.Piece {
            self.piece(piece.reference, base..<base + end, source)
        }
        let end = Self.longest(source.document.text(in: piece.textRange)) {
            count([part($0)], documents, frame) <= budget.prompt
        }
        guard let end else {
            throw .frameTooLarge(frame: count([part(0)], documents, frame), prompt: budget.prompt)
        }
        queue.removeLast()
        queue.append(self.piece(piece.reference, base + end..<piece.textRange.upperBound, source))
        queue.append(part(end))
    }

    /// A segment or a part of it, with its tokens alone and some for its number and the line end.
    private func piece(
        _ reference: SegmentReference, _ range: Range<Int>, _ source: SegmentedDocument
    ) -> WindowBody.Piece {
        let content = WindowBody.escape(source.document.text(in: range))
        return WindowBody.Piece(
            document: reference.document, segment: reference.segment, textRange: range, content: content,
            estimate: tokenizer.plainTokens(content).count + 4)
    }

    /// A piece in parts that local layers see whole.
    private func inSight(_ piece: WindowBody.Piece, _ source: SegmentedDocument) -> [WindowBody.Piece] {
        var rest = piece
        var parts: [WindowBody.Piece] = []
        guard let most = [view.window, view.chunk].compactMap(\.self).min() else { return [piece] }
        while rest.estimate > most {
            let base = rest.textRange.lowerBound
            let end = Self.longest(source.document.text(in: rest.textRange)) {
                self.piece(piece.reference, base..<base + $0, source).estimate <= most
            }
            guard let end else { break }
            parts.append(self.piece(piece.reference, base..<base + end, source))
            rest = self.piece(piece.reference, base + end..<rest.textRange.upperBound, source)
        }
        return parts + [rest]
    }

    /// The longest beginning of a text, but not all of it, that fits: at the end of a sentence, else of a word, else of
    /// a character.
    private static func longest(_ text: String, fits: (Int) -> Bool) -> Int? {
        func longest(_ ends: [Int]) -> Int? {
            var low = 0
            var high = ends.count
            while low < high {
                let middle = (low + high) / 2
                if fits(ends[middle]) { low = middle + 1 } else { high = middle }
            }
            // Counts are not quite monotonic: step back over the rare one that does not fit after all.
            while low > 0, !fits(ends[low - 1]) { low -= 1 }
            return low > 0 ? ends[low - 1] : nil
        }
        let whole = text.utf8.count
        return longest(SentenceSplitter.sentences(of: text).map(\.upperBound).filter { $0 < whole })
            ?? longest(ends(of: text, where: \.isWhitespace).filter { $0 < whole })
            ?? longest(ends(of: text, where: { _ in true }).filter { $0 < whole })
    }

    private static func ends(of text: String, where isEnd: (Character) -> Bool) -> [Int] {
        var offset = 0
        var ends: [Int] = []
        for character in text {
            offset += character.utf8.count
            if isEnd(character) { ends.append(offset) }
        }
        return ends
    }
}

/// A segment by its position: which document of a list, which segment of it.
package struct SegmentReference: Sendable, Hashable {
    /// Position in the list of documents.
    package var document: Int
    /// Position in `SegmentedDocument.segments`.
    package var segment: Int

    /// Names a segment.
    package init(document: Int, segment: Int) {
        self.document = document
        self.segment = segment
    }
}

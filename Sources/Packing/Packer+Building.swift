import Documents

// From passages to the prompt's text and tokens, and from tokens back to passages.

extension Packer {
    /// The prompt of a window under another frame, such as the next question over the same documents.
    package func tokens(of window: ContextWindow, frame: PromptFrame) -> [Int32] {
        tokens(body: window.body, frame).ids
    }

    /// How many of a prompt's tokens it shares with the prompts of other questions over the same window.
    ///
    /// - Parameter tokens: the prompt under `frame`.
    package func sharedTokens(of window: ContextWindow, frame: PromptFrame, _ tokens: [Int32]) -> Int {
        let without = self.tokens(of: window, frame: PromptFrame(before: frame.before, after: []))
        return zip(tokens, without).prefix { $0 == $1 }.count
    }

    /// The tokens of a prompt without documents.
    package func frameTokens(_ frame: PromptFrame) -> Int {
        tokens(body: "", frame).ids.count
    }

    private func body(_ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument]) -> WindowBody {
        var body = WindowBody()
        for piece in pieces { body.append(piece, of: documents[piece.document], headings: headings) }
        return body
    }

    /// The same with filler and repeated headers.
    private func body(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ alignment: ChunkAlignment
    ) -> WindowBody {
        var body = WindowBody()
        for (piece, before) in zip(pieces, alignment.before) {
            body.append(
                piece, of: documents[piece.document], headings: headings, filler: filler(before.filler),
                isHeaded: before.isHeaded)
        }
        body.fill(filler(alignment.last))
        return body
    }

    /// A line of so many tokens, or a few more with an unusual tokenizer.
    private func filler(_ count: Int) -> String {
        guard count > 0 else { return "" }
        var low = 1
        var high = 4 * count
        while low < high {
            let middle = (low + high) / 2
            let isEnough = tokenizer.plainTokens(WindowBody.filler(dots: middle)).count >= count
            (low, high) = isEnough ? (low, middle) : (middle + 1, high)
        }
        return WindowBody.filler(dots: low)
    }

    func count(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame
    ) -> Int {
        tokens(body: body(pieces, documents).text, frame).ids.count
    }

    /// Where filler is wanted; nil where there is no edge.
    ///
    /// - Parameter room: tokens that it may take.
    func alignment(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame, room: Int = .max
    ) -> ChunkAlignment? {
        guard let chunk = view.chunk, view.isAligned, budget.window > chunk else { return nil }
        let body = body(pieces, documents)
        let prompt = tokens(body: body.text, frame)
        guard prompt.ids.count + budget.answer > chunk else { return nil }
        let places = places(of: body.starts + [body.text.utf8.count], prompt)
        var passages: [ChunkAlignment.Passage] = []
        var first = 0
        var header = 0
        for index in pieces.indices {
            let isFirst = index == 0 || pieces[index].document != pieces[index - 1].document
            if isFirst {
                first = index
                header =
                    tokenizer.plainTokens(
                        WindowBody.header(documents[pieces[index].document].document, isContinued: true)
                    ).count
            }
            passages.append(
                ChunkAlignment.Passage(
                    tokens: places[index + 1] - places[index], document: isFirst ? 0 : nil, header: header))
            passages[first].document = places[index + 1] - places[first]
        }
        return ChunkAlignment(
            chunk: chunk, start: places[0], passages,
            tail: prompt.ids.count - places[pieces.count] + budget.answer, room: room)
    }

    /// The tokens that begin at or behind offsets of the body, which ascend.
    private func places(of offsets: [Int], _ prompt: Prompt) -> [Int] {
        let located = tokenizer.plainTokensWithRanges(prompt.text)
        var cursor = 0
        return offsets.map { offset in
            while cursor < located.count, located[cursor].range.lowerBound < offset + prompt.bodyOffset { cursor += 1 }
            return prompt.firstToken + cursor
        }
    }

    /// A prompt's tokens, and where the text that holds the body begins: its first token and the body's offset in it.
    private struct Prompt {
        var ids: [Int32]
        var text = ""
        var firstToken = 0
        var bodyOffset = 0
    }
    private func tokens(body: String, _ frame: PromptFrame) -> Prompt {
        var result = Prompt(ids: tokenizer.promptStart)
        var pending = ""  // adjacent plain text is tokenized as one, or the seam would have other tokens
        var holdsBody = false
        func flush() {
            if holdsBody {
                result.text = pending
                result.firstToken = result.ids.count
                holdsBody = false
            }
            if !pending.isEmpty { result.ids += tokenizer.plainTokens(pending) }
            pending = ""
        }
        func add(_ pieces: [PromptPiece]) {
            for piece in pieces {
                switch piece {
                case .text(let text): pending += text
                case .control(let text):
                    flush()
                    result.ids += tokenizer.controlTokens(text)
                }
            }
        }
        add(frame.before)
        result.bodyOffset = pending.utf8.count
        holdsBody = true
        pending += body
        add(frame.after)
        flush()
        return result
    }

    func build(
        _ pieces: [WindowBody.Piece], _ documents: [SegmentedDocument], _ frame: PromptFrame, index: Int
    ) -> ContextWindow {
        var body = body(pieces, documents)
        var prompt = tokens(body: body.text, frame)
        // Should joining cost more than was counted on, some filler is left out.
        let plain = prompt.ids.count
        var padding = 0
        var room = budget.prompt - plain
        while room > 0, let alignment = alignment(pieces, documents, frame, room: room), alignment.added > 0 {
            let aligned = self.body(pieces, documents, alignment)
            let tokens = tokens(body: aligned.text, frame)
            if tokens.ids.count <= budget.prompt {
                (body, prompt, padding) = (aligned, tokens, tokens.ids.count - plain)
                break
            }
            room = min(room, alignment.added) - (tokens.ids.count - budget.prompt)
        }
        let located = tokenizer.plainTokensWithRanges(prompt.text)
        var cursor = 0
        var segments: [NumberedSegment] = []
        var parts: [WindowDocument] = []
        for (offset, piece) in pieces.enumerated() {
            let source = documents[piece.document]
            let segment = source.segments[piece.segment]
            let bytes =
                body.ranges[offset].lowerBound + prompt.bodyOffset..<body.ranges[offset].upperBound + prompt.bodyOffset
            while cursor < located.count, located[cursor].range.lowerBound < bytes.lowerBound { cursor += 1 }
            let first = cursor
            while cursor < located.count, located[cursor].range.lowerBound < bytes.upperBound { cursor += 1 }
            segments.append(
                NumberedSegment(
                    number: offset + 1,
                    span: SourceSpan(
                        sha256: source.document.sha256, path: source.document.path, textRange: piece.textRange,
                        page: segment.page),
                    segmentIndex: segment.index, text: source.document.text(in: piece.textRange),
                    tokenRange: prompt.firstToken + first..<prompt.firstToken + cursor))
            if let last = parts.last, last.sha256 == source.document.sha256, last.path == source.document.path {
                parts[parts.count - 1].numbers = last.numbers.lowerBound...offset + 1
            } else {
                parts.append(
                    WindowDocument(
                        sha256: source.document.sha256, path: source.document.path, numbers: offset + 1...offset + 1))
            }
        }
        return ContextWindow(
            index: index, documents: parts, segments: segments, body: body.text, tokens: prompt.ids,
            cuts: cuts(body, prompt, pieces, padding: padding))
    }

    /// What edges of chunks cut.
    private func cuts(
        _ body: WindowBody, _ prompt: Prompt, _ pieces: [WindowBody.Piece], padding: Int
    ) -> ChunkCuts? {
        guard let chunk = view.chunk else { return nil }
        var cuts = ChunkCuts(edges: (prompt.ids.count + budget.answer - 1) / chunk, padding: padding)
        guard cuts.edges > 0 else { return cuts }
        func isCut(_ tokens: Range<Int>) -> Bool {
            tokens.count <= chunk && !tokens.isEmpty && tokens.lowerBound / chunk != (tokens.upperBound - 1) / chunk
        }
        let starts = places(of: body.starts, prompt)
        let ends = places(of: body.ranges.map(\.upperBound), prompt)
        var first = 0
        for index in pieces.indices {
            if isCut(starts[index]..<ends[index]) { cuts.passages += 1 }
            if pieces[index].document != pieces[first].document { first = index }
            let isLast = index + 1 == pieces.count || pieces[index + 1].document != pieces[index].document
            if isLast, isCut(starts[first]..<ends[index]) { cuts.documents += 1 }
        }
        let end = places(of: [body.text.utf8.count], prompt)[0]
        if isCut(end..<prompt.ids.count + budget.answer) { cuts.questions = 1 }
        return cuts
    }
}

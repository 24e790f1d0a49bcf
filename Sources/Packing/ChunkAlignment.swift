/// Moves passages and documents behind the edges of aligned chunks, by numbers alone.
///
/// A local layer of chunked attention sees nothing across an edge: of a passage with an edge inside it sees two halves,
/// and behind an edge it doesn't see whose text it reads. So filler stands before a passage, or before a document that
/// fits a chunk, that an edge would cut, and the first passage behind an edge gets its document's header again.
/// Filler costs room: before one edge it is a sixteenth of a chunk at most, and none where the window has no room left.
///
/// What stands before an edge depends on nothing behind the passage that it moves, so that a document added at the end
/// changes none of it while there is room.
struct ChunkAlignment: Equatable {
    /// A passage with what stands before it in a window without filler.
    struct Passage: Equatable {
        /// Tokens of the passage, header and blank line included.
        var tokens: Int
        /// Where it is the first of its document: the tokens of all of the document's passages.
        var document: Int?
        /// Tokens of its document's header.
        var header: Int
    }

    /// What is put before a passage.
    struct Before: Equatable {
        var filler = 0
        var isHeaded = false
    }

    /// By passage.
    private(set) var before: [Before] = []
    /// Filler behind the last passage, so that question and answer share a chunk.
    private(set) var last = 0
    /// Tokens that were put in, headers included.
    private(set) var added = 0

    /// Most filler before one edge.
    static func most(chunk: Int) -> Int { chunk / 16 }

    /// Plans filler.
    ///
    /// - Parameters:
    ///   - start: tokens before the first passage.
    ///   - tail: tokens behind the last passage and room for the answer.
    ///   - room: tokens that may be put in.
    init(chunk: Int, start: Int, _ passages: [Passage], tail: Int, room: Int) {
        var at = start
        func toEdge(_ position: Int) -> Int { (chunk - position % chunk) % chunk }
        func isCut(_ count: Int) -> Bool { count > 1 && at / chunk != (at + count - 1) / chunk }
        func mayFill(_ count: Int, header: Int = 0) -> Bool {
            isCut(count) && count <= chunk && toEdge(at) <= Self.most(chunk: chunk)
                && added + toEdge(at) + header <= room
        }
        /// The chunk of the latest header.
        var headed = -1
        for passage in passages {
            var before = Before()
            if let document = passage.document {
                if mayFill(document) || mayFill(passage.tokens) { before.filler = toEdge(at) }
                at += before.filler
                added += before.filler
                headed = at / chunk
            } else {
                // A header that is due already moves with its passage.
                let isDue = at / chunk != headed
                if mayFill(passage.tokens + (isDue ? passage.header : 0), header: passage.header) {
                    before.filler = toEdge(at)
                }
                at += before.filler
                added += before.filler
                if at / chunk != headed, added + passage.header <= room {
                    before.isHeaded = true
                    headed = at / chunk
                    at += passage.header
                    added += passage.header
                }
            }
            at += passage.tokens
            self.before.append(before)
        }
        if mayFill(tail) {
            last = toEdge(at)
            added += last
        }
    }
}

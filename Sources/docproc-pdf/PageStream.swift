// What pages are to each other, settled while they stream by: a page leaves once enough of those behind it were seen.
//
// Furniture asks for the nearest pages only. Headings ask for the whole file; of a long one they know what came so far
// and at least `window` pages more. A file of at most `2 * window` pages is judged as a whole.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import Documents

struct PageStream {
    /// Pages that are seen at least before a page leaves.
    private static let window = 128

    private var furniture: Furniture
    private var headings = Headings()
    /// Pages whose furniture waits for those within reach.
    private var fresh: [LaidOutPage] = []
    /// Pages whose headings wait for more to be seen.
    private var waiting: [LaidOutPage] = []

    /// A stream of so many pages.
    init(count: Int) {
        furniture = Furniture(count: count)
        waiting.reserveCapacity(min(count, 2 * Self.window))
    }

    /// Adds the next page and sends those that are finished.
    mutating func add(_ page: LaidOutPage, _ send: (ExtractedPage) -> Void) {
        furniture.add(page)
        fresh.append(page)
        if fresh.count > Furniture.reach { settle(send) }
    }

    /// Sends the rest.
    mutating func finish(_ send: (ExtractedPage) -> Void) {
        while !fresh.isEmpty { settle(send) }
        release(waiting.count, send)
    }

    private mutating func settle(_ send: (ExtractedPage) -> Void) {
        var page = fresh.removeFirst()
        furniture.mark(&page)
        if waiting.count == 2 * Self.window { release(Self.window, send) }
        headings.add(page)
        waiting.append(page)
    }

    private mutating func release(_ count: Int, _ send: (ExtractedPage) -> Void) {
        headings.mark(&waiting, count: count)
        for page in waiting[..<count] { send(page.extracted) }
        waiting.removeFirst(count)
    }
}

// From the links of lines to those of the document: the same places, counted in its text.

import Documents

/// Collects the links of a document in order, no more than it may have.
struct LinkList {
    private(set) var links: [Link] = []

    /// Adds the links of a block that became an element.
    ///
    /// - Parameter rawStart: where the block's raw text begins in formats whose raw text is made of lines.
    mutating func add(
        _ block: ExtractedBlock, _ element: Range<Int>, _ folder: TextFolder, _ format: DocumentFormat, rawStart: Int
    ) {
        guard links.count < LinkLimits.document, block.lines.contains(where: { !$0.links.isEmpty }) else { return }
        var offset = rawStart
        for line in block.lines {
            for link in line.links {
                let raw: Range<Int>
                if format == .pdf || format == .docling {
                    raw = offset + link.range.lowerBound..<offset + link.range.upperBound
                } else if let own = line.rawRange {
                    let isExact = own.count == line.text.utf8.count
                    raw =
                        isExact ? own.lowerBound + link.range.lowerBound..<own.lowerBound + link.range.upperBound : own
                } else {
                    continue
                }
                var lower = max(folder.map.text(raw.lowerBound), element.lowerBound)
                var upper = min(folder.map.text(raw.upperBound), element.upperBound)
                while lower < upper, folder.utf8[lower] <= 0x20 { lower += 1 }
                while lower < upper, folder.utf8[upper - 1] <= 0x20 { upper -= 1 }
                if lower < upper { add(lower..<upper, in: element, link.target) }
            }
            offset += line.text.utf8.count + 1
        }
    }

    /// Adds a link; one that goes on behind a line end or a change of letters goes on here.
    private mutating func add(_ range: Range<Int>, in element: Range<Int>, _ target: LinkTarget) {
        guard links.count < LinkLimits.document else { return }
        if let last = links.last, last.target == target, last.textRange.lowerBound >= element.lowerBound,
            range.lowerBound >= last.textRange.lowerBound, range.lowerBound <= last.textRange.upperBound + 1
        {
            let upper = max(range.upperBound, last.textRange.upperBound)
            links[links.count - 1].textRange = last.textRange.lowerBound..<upper
        } else {
            links.append(Link(textRange: range, target: target))
        }
    }
}

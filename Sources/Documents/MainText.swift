extension Document {
    /// What a reader sees in the running text: no running heads, page numbers, hidden text or words that stand for
    /// images. Blocks are parted by empty lines, items of a list and rows of a table by line ends.
    package var mainText: String {
        let utf8 = Array(text.utf8)
        var main: [UInt8] = []
        main.reserveCapacity(utf8.count + elements.count + 1)
        var last: Element.Kind?
        for element in elements where !element.hidden && !element.textRange.isEmpty {
            guard ![.pageHeader, .pageFooter, .image].contains(element.kind) else { continue }
            if let last {
                main.append(0x0A)
                if last != element.kind || ![.listItem, .tableRow, .code].contains(last) { main.append(0x0A) }
            }
            main += utf8[element.textRange]
            last = element.kind
        }
        if !main.isEmpty { main.append(0x0A) }
        return String(decoding: main, as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    /// Where some ASCII text stands first. The standard library's search is made for any collection, and takes a
    /// hundred times as long.
    func range(of text: StaticString) -> Range<Int>? {
        text.withUTF8Buffer { text in
            guard let first = text.first else { return nil }
            var from = startIndex
            while let at = self[from...].firstIndex(of: first), at + text.count <= endIndex {
                if self[at..<at + text.count].elementsEqual(text) { return at..<at + text.count }
                from = at + 1
            }
            return nil
        }
    }
}

// The way from decoded text back to the file's bytes, for texts that were not plain UTF-8.

import Documents

extension DecodedText {
    /// From offsets of `utf8` to offsets of the file; exact at each character, except in stateful sets (ISO-2022-JP),
    /// where it is exact at each line start.
    func fileOffsets(_ bytes: [UInt8]) -> OffsetMap {
        if charset == .utf8, errors == 0 {
            var map = OffsetMap()
            map.append(text: 0, raw: markLength, count: utf8.count)
            return map
        }
        var map = OffsetMap()
        let body = bytes[min(markLength, bytes.count)...]
        var source = body.startIndex
        var text = 0
        while source < body.endIndex, text < utf8.count {
            // Lines pair up: no character set here has a line feed inside another character.
            let textEnd = utf8[text...].firstIndex(of: 0x0A).map { $0 + 1 } ?? utf8.count
            while text < textEnd, source < body.endIndex {
                let length = sourceLength(body, at: source)
                let width = max(1, UTF8Repair.validLength(utf8[...], at: text))
                let isEqual = length == width && body[source..<source + length].elementsEqual(utf8[text..<text + width])
                map.append(text: text, raw: source, count: isEqual ? width : 0)
                text += width
                source += length
            }
            guard text >= textEnd else { break }
            source = resynchronized(body, source)
        }
        map.append(text: utf8.count, raw: body.endIndex, count: 0)
        return map
    }

    private func sourceLength(_ body: ArraySlice<UInt8>, at index: Int) -> Int {
        guard charset == .utf8 else { return charset.length(of: body, at: index) }
        return abs(UTF8Repair.validLength(body, at: index))
    }

    /// Where the source's line ends, if the walk through its characters lost count.
    private func resynchronized(_ body: ArraySlice<UInt8>, _ source: Int) -> Int {
        guard [.iso2022JP, .big5, .shiftJIS, .windows1255, .windows1258].contains(charset), source > body.startIndex,
            body[source - 1] != 0x0A
        else { return source }
        if let line = body[source...].firstIndex(of: 0x0A) { return line + 1 }
        return body.endIndex
    }
}

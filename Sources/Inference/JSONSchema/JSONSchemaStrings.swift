// Characters inside JSON strings as grammars of the bytes that write them.

/// A set of characters: some ASCII ones, and all others or none of them.
struct JSONCharacterSet: Equatable {
    var ascii: ByteClass
    var others: Bool

    static let all = JSONCharacterSet(ascii: ByteClass(0x00...0x7F), others: true)

    var inverted: JSONCharacterSet {
        JSONCharacterSet(ascii: ByteClass(0x00...0x7F).subtracting(ascii), others: !others)
    }

    func union(_ other: JSONCharacterSet) -> JSONCharacterSet {
        JSONCharacterSet(ascii: [ascii, other.ascii], others: others || other.others)
    }

    /// One character of the set as it stands in a JSON string. Each has one spelling: itself where it may stand for
    /// itself, else its escape.
    var grammar: Grammar {
        var plain: ByteClass = []
        // Escapes that differ in their last character only, by what stands before it.
        var escapes: [(head: Substring, tails: ByteClass)] = []
        for byte in 0x00...0x7F as ClosedRange<UInt8> where ascii.contains(byte) {
            guard let escape = JSONSchemaValue.escape(byte), let last = escape.utf8.last else {
                plain = [plain, ByteClass(byte)]
                continue
            }
            if let known = escapes.firstIndex(where: { $0.head == escape.dropLast() }) {
                escapes[known].tails = [escapes[known].tails, ByteClass(last)]
            } else {
                escapes.append((escape.dropLast(), ByteClass(last)))
            }
        }
        var alternatives = escapes.map { Grammar.sequence([.literal(String($0.head)), .bytes($0.tails)]) }
        if others {
            alternatives.append(.character(excluding: ByteClass(0x00...0x7F).subtracting(plain)))
        } else if !plain.isEmpty {
            alternatives.append(.bytes(plain))
        }
        return .choice(alternatives)
    }
}

extension Grammar {
    /// `"`, the content, `"`.
    static func quoted(_ content: Grammar) -> Grammar { .sequence([.literal("\""), content, .literal("\"")]) }

    /// A JSON string of `min` to `max` characters.
    static func jsonString(min: Int = 0, max: Int? = nil) -> Grammar {
        .quoted(.repeat(JSONCharacterSet.all.grammar, min: min, max: max))
    }

    /// A key that is none of `names`: a JSON string without escapes, at least one character long.
    static func jsonKey(excluding names: [String]) -> Grammar {
        let plain = ByteClass(0x20...0x7E).subtracting(ByteClass("\"\\"))
        let letter = Grammar.character(excluding: ByteClass(0x00...0x7F).subtracting(plain))
        /// What may follow a beginning that all `rests` share; they are what is left of the names.
        func key(_ rests: [ArraySlice<Unicode.Scalar>], isEmpty: Bool) -> Grammar {
            var children: [(first: Unicode.Scalar, rests: [ArraySlice<Unicode.Scalar>])] = []
            for rest in rests {
                guard let first = rest.first else { continue }
                if let index = children.firstIndex(where: { $0.first == first }) {
                    children[index].rests.append(rest.dropFirst())
                } else {
                    children.append((first, [rest.dropFirst()]))
                }
            }
            if children.isEmpty, isEmpty { return .repeat(letter, min: 1) }
            let taken = children.reduce(into: ByteClass()) { set, child in
                if child.first.isASCII { set = [set, ByteClass(UInt8(child.first.value))] }
            }
            // Beside another name's letter beyond ASCII only ASCII letters part from it.
            let free: Grammar =
                children.contains { !$0.first.isASCII }
                ? .bytes(plain.subtracting(taken))
                : .character(excluding: [ByteClass(0x00...0x7F).subtracting(plain), taken])
            var alternatives = [Grammar.sequence([free, .repeat(letter)])]
            for child in children {
                let literal = Grammar.literal(String(Character(child.first)))
                alternatives.append(.sequence([literal, key(child.rests, isEmpty: false)]))
            }
            if !isEmpty, !rests.contains(where: \.isEmpty) { alternatives.append(.sequence([])) }
            return .choice(alternatives)
        }
        // A name that needs an escape is no key of this kind anyway.
        let possible = names.filter { JSONSchemaValue.quoted($0).utf8.count == $0.utf8.count + 2 }
        return .quoted(key(possible.map { ArraySlice(Array($0.unicodeScalars)) }, isEmpty: true))
    }
}

/// The formats that are enforced, as patterns. Years have four digits and begin in 1000.
enum JSONStringFormat {
    static let known = ["date", "date-time", "email", "time", "uuid"]

    static func pattern(_ name: String) -> String? {
        switch name {
        case "date": "^\(date)$"
        case "time": "^\(time)$"
        case "date-time": "^\(date)T\(time)$"
        case "email":
            #"^[A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,16}){0,3}@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}"#
                + "[A-Za-z]{2,16}$"
        case "uuid": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
        default: nil
        }
    }

    private static let day28 = "(0[1-9]|1[0-9]|2[0-8])"
    private static let time =
        #"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"#
    /// RFC 3339, with the days that each month has.
    private static let date =
        "([1-9][0-9]{3}-((0[1-9]|1[0-2])-\(day28)|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
        + "|([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)"
}

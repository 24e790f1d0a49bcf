// Whether two schemas can be told to have no value in common: what `oneOf` rests on. No means "not for sure".

/// Compares schemas of one document.
struct JSONSchemaExclusion {
    private static let deepest = 16

    let root: JSONSchemaValue

    /// No value satisfies both.
    func exclude(_ left: JSONSchemaValue, _ right: JSONSchemaValue) -> Bool {
        exclude(left, right, depth: 0)
    }

    private func exclude(_ left: JSONSchemaValue, _ right: JSONSchemaValue, depth: Int) -> Bool {
        guard depth < Self.deepest else { return false }
        if left == .bool(false) || right == .bool(false) { return true }
        for (one, other) in [(left, right), (right, left)] {
            if case .string(let reference)? = one["$ref"] {
                return root.target(of: reference).map { exclude($0, other, depth: depth + 1) } ?? false
            }
            for keyword in ["anyOf", "oneOf", "allOf"] {
                guard case .array(let parts)? = one[keyword] else { continue }
                return parts.allSatisfy { exclude($0, other, depth: depth + 1) }
            }
        }
        let (leftValues, rightValues) = (values(left), values(right))
        if let leftValues, let rightValues {
            return !leftValues.contains { value in rightValues.contains { $0.equals(value) } }
        }
        if !haveTypeInCommon(left, leftValues, right, rightValues) { return true }
        return members(left, right, depth: depth)
    }

    /// The only values that a schema allows.
    private func values(_ schema: JSONSchemaValue) -> [JSONSchemaValue]? {
        if let value = schema["const"] { return [value] }
        if case .array(let values)? = schema["enum"] { return values }
        return nil
    }

    private func haveTypeInCommon(
        _ left: JSONSchemaValue, _ leftValues: [JSONSchemaValue]?, _ right: JSONSchemaValue,
        _ rightValues: [JSONSchemaValue]?
    ) -> Bool {
        func types(_ schema: JSONSchemaValue, _ values: [JSONSchemaValue]?) -> Set<String>? {
            var names: Set<String>
            switch (values, schema["type"]) {
            case (let values?, _): names = Set(values.map(\.typeName))
            case (nil, .string(let name)): names = [name]
            case (nil, .array(let list)):
                names = Set(list.compactMap { if case .string(let name) = $0 { name } else { nil } })
            default: return nil
            }
            // A whole number is a number too.
            if names.contains("number") { names.insert("integer") }
            return names
        }
        guard let left = types(left, leftValues), let right = types(right, rightValues) else { return true }
        return !left.isDisjoint(with: right)
    }

    /// Objects that must both hold a key whose values exclude each other.
    private func members(_ left: JSONSchemaValue, _ right: JSONSchemaValue, depth: Int) -> Bool {
        func mustBeObject(_ schema: JSONSchemaValue) -> Bool { schema["type"] == .string("object") }
        guard mustBeObject(left), mustBeObject(right), case .object(let properties)? = left["properties"],
            case .array(let leftRequired)? = left["required"], case .array(let rightRequired)? = right["required"]
        else { return false }
        return properties.contains { member in
            let key = JSONSchemaValue.string(member.key)
            guard leftRequired.contains(key), rightRequired.contains(key),
                let other = right["properties"]?[member.key]
            else { return false }
            return exclude(member.value, other, depth: depth + 1)
        }
    }
}

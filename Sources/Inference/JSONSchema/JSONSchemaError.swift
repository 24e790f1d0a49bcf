/// Why a schema cannot be turned into a grammar.
package enum JSONSchemaError: Error, Sendable, Equatable {
    /// The text is no JSON; `offset` is in bytes.
    case syntax(offset: Int, reason: String)
    /// A keyword, or a use of it, that we do not enforce. `pointer` leads to the schema that holds it (RFC 6901).
    case unsupported(pointer: String, keyword: String, reason: String)
    /// A keyword's value is not what the specification asks for.
    case invalid(pointer: String, keyword: String, reason: String)
    /// Bounds and references expand to more than a grammar may hold, or no text satisfies the schema.
    case unusable(String)
}

extension JSONSchemaError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let offset, let reason): "The schema is no JSON: \(reason) at byte \(offset)."
        case .unsupported(let pointer, let keyword, let reason):
            "'\(keyword)' at \(pointer) of the schema is not supported: \(reason)"
        case .invalid(let pointer, let keyword, let reason): "'\(keyword)' at \(pointer) of the schema: \(reason)"
        case .unusable(let reason): "The schema cannot be used: \(reason)"
        }
    }
}

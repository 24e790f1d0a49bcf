/// Why a file, or a page of it, gave no text. A value, not an error: one bad file costs itself alone.
public struct ExtractionFailure: Error, Sendable, Equatable, Codable {
    /// The reasons.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        case encrypted, malformed, timeout, memoryLimit, crashed, unsupported, empty, missing, unreadable, tooLarge,
            binary
    }

    /// Which reason.
    public var reason: Reason
    /// A sentence with what the parser said.
    public var detail: String

    /// Describes a failure.
    public init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

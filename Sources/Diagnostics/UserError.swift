/// What a user sees when something goes wrong, in one shape for every part of the program.
///
/// Leaves throw their own closed enums; whoever knows the file, flag or document turns them into a `UserError`.
/// Text and JSON rendering live in the program, not here.
public struct UserError: Error, Sendable, Equatable, Codable {
    /// Stable identifier such as `DP-GGUF-03`; `docproc explain` has a page for each.
    public var code: ErrorCode
    /// One sentence: what happened, with the numbers that matter.
    public var cause: String
    /// Labelled places such as `("file", "a.pdf")`, in display order.
    public var places: [Place]
    /// Ways out, most useful first: a flag or command and what it does.
    public var remedies: [Remedy]

    /// A labelled place: a file, a flag, a line.
    public struct Place: Sendable, Equatable, Codable {
        /// What kind of place, one word.
        public var label: String
        /// The place itself.
        public var value: String

        /// Names a place.
        public init(_ label: String, _ value: String) {
            self.label = label
            self.value = value
        }
    }

    /// A way out.
    public struct Remedy: Sendable, Equatable, Codable {
        /// A flag or command to type.
        public var action: String
        /// What it does; may be empty.
        public var effect: String

        /// Describes a way out.
        public init(_ action: String, _ effect: String = "") {
            self.action = action
            self.effect = effect
        }
    }

    /// Describes a failure.
    public init(_ code: ErrorCode, _ cause: String, places: [Place] = [], remedies: [Remedy] = []) {
        self.code = code
        self.cause = cause
        self.places = places
        self.remedies = remedies
    }

    /// The exit status of a program that ends with this error.
    public var exit: ExitStatus { code.exit }
}

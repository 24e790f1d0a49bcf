import Conversion

/// A weight matrix in the making.
struct RecallMatrix {
    let rows: Int
    let columns: Int
    /// `[rows, columns]`
    private(set) var values: [Float]

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = Array(repeating: 0, count: rows * columns)
    }

    /// Elements are half-precision numbers, so that files of either precision hold the same model.
    subscript(row: Int, column: Int) -> Double {
        get { Double(values[row * columns + column]) }
        set { values[row * columns + column] = HalfPrecision.float(HalfPrecision.bits(Float(newValue))) }
    }

    /// Makes a row of a matrix over the normalized stream read a place.
    mutating func read(_ place: Int, into row: Int, times amount: Double = 1) {
        self[row, place] = RecallStream.reading(amount, at: place)
    }
}

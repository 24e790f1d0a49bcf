// Which instruction set computes. The choice is made once, from what the processor can do; nothing else in the program
// knows about instruction sets.

import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How products with quantized weights are computed.
package enum Numerics: String, Sendable, CaseIterable {
    /// Inputs are rounded to 8 bits with one scale per 32 values; products of quants are summed as integers. Inputs of
    /// BF16 weights are rounded to BF16 where the processor multiplies such.
    case fast
    /// Weights become 32-bit floats and everything is summed in those: slower, for comparison with references.
    case exact
}

/// The arithmetic of one instruction set.
@safe
package struct KernelSet: Sendable {
    /// Never written and never freed, hence safe to share.
    nonisolated(unsafe) let table: UnsafePointer<ck_table>

    /// "portable"; "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16"; "neon", "neondot".
    package var name: String { unsafe String(cString: table.pointee.name) }

    /// Everything this processor can run, the fastest first, "portable" last.
    package static let available: [KernelSet] = {
        var tables: [UnsafePointer<ck_table>?] = unsafe Array(repeating: nil, count: 8)
        let count = unsafe ck_tables(&tables)
        return unsafe tables.prefix(count).compactMap { unsafe $0.map { unsafe KernelSet(table: $0) } }
    }()

    /// The set named, unless this processor can't run it.
    package static func named(_ name: String) -> KernelSet? {
        available.first { $0.name == name }
    }

    /// What `DOCPROC_KERNELS` names, so that one machine can test all levels; otherwise the fastest.
    package static func best() -> KernelSet {
        if let wanted = unsafe getenv("DOCPROC_KERNELS"), let set = unsafe named(String(cString: wanted)) { return set }
        return available[0]
    }
}

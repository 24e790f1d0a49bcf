// Memory for activations, caches and scratch: one owner, aligned to cache lines, freed when the owner goes.

/// Owns aligned memory for `count` plain values. Contents start as zero bytes.
@safe
package struct Buffer<Element: BitwiseCopyable>: ~Copyable {
    /// Number of elements.
    package let count: Int
    /// The first element, aligned to 64 bytes. Valid as long as the buffer lives.
    package let pointer: UnsafeMutablePointer<Element>

    /// Allocates; the memory is zeroed.
    package init(count: Int) {
        precondition(count >= 0, "size of a buffer")
        let bytes = Swift.max(count, 1) * MemoryLayout<Element>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        unsafe raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        self.count = count
        unsafe pointer = raw.bindMemory(to: Element.self, capacity: Swift.max(count, 1))
    }

    deinit {
        unsafe pointer.deallocate()
    }

    /// Bytes owned.
    package var byteCount: Int { count * MemoryLayout<Element>.stride }

    /// One element; meant for tests and single values. Loops take `pointer` and go to Kernels.
    package subscript(_ index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "index outside the buffer")
            return unsafe pointer[index]
        }
        set {
            precondition(index >= 0 && index < count, "index outside the buffer")
            unsafe pointer[index] = newValue
        }
    }

    /// Sets every element.
    package func fill(_ value: Element) {
        unsafe pointer.update(repeating: value, count: count)
    }

    /// Copies the elements out.
    package func array() -> [Element] {
        unsafe Array(UnsafeBufferPointer(start: pointer, count: count))
    }
}

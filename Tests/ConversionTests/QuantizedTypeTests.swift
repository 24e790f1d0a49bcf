import Conversion
import Tensors
import Testing

@Suite struct QuantizedTypeTests {
    @Test func namesAreThoseOfTheTypes() {
        for type in QuantizedType.allCases { #expect(type.dataType.name.lowercased() == type.rawValue) }
    }
}

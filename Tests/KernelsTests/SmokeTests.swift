import Kernels
import Testing

@Test func everyProcessorHasThePortableLevel() {
    #expect(KernelSet.named("portable") != nil)
}

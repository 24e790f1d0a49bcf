// swift-tools-version: 6.2
import PackageDescription

// Arrows point one way: see "Layout and imports" in README.md. The Makefile builds so that others are refused.

let swift: [SwiftSetting] = [
    .treatAllWarnings(as: .error), .treatWarning("DeprecatedDeclaration", as: .warning),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    // Tests run in the configuration that users build; this costs some symbols and no speed.
    .unsafeFlags(["-enable-testing"], .when(configuration: .release)),
]
/// Targets that touch raw memory say so at every place.
let unsafeMemory = swift + [.strictMemorySafety()]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(
    name: "AsyncHTTPClient", package: "async-http-client", condition: .when(traits: ["Network"]))
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let nioCore: Target.Dependency = .product(
    name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Network"]))
let nioHTTP1: Target.Dependency = .product(
    name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Network"]))
let nioSSL: Target.Dependency = .product(
    name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Network"]))
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "docproc",
    products: [
        .executable(name: "docproc", targets: ["docproc"]),
        .executable(name: "docproc-pdf", targets: ["docproc-pdf"]),
    ],
    traits: [.trait(name: "Network"), .default(enabledTraits: ["Network"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // C
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .systemLibrary(
            name: "CPopplerGlib", pkgConfig: "poppler-glib", providers: [.apt(["libpoppler-glib-dev"])]),
        .systemLibrary(
            name: "CTCMalloc", pkgConfig: "libtcmalloc_minimal", providers: [.apt(["libgoogle-perftools-dev"])]),
        .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CTextScan", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "CSandbox", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CPDF", dependencies: ["CPopplerGlib", "CTCMalloc"], cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CHTML", dependencies: ["CLibXML2"], cSettings: [.unsafeFlags(["-O2"])]),

        // Base
        .target(name: "Diagnostics", swiftSettings: swift),
        .target(name: "Hashing", dependencies: [crypto, system], swiftSettings: swift),

        // Inference, bottom to top
        .target(name: "Tensors", swiftSettings: unsafeMemory),
        .target(
            name: "Weights", dependencies: ["Diagnostics", "Hashing", "Tensors", "CZlib", system],
            swiftSettings: unsafeMemory),
        .target(name: "Kernels", dependencies: ["Tensors", "CKernels"], swiftSettings: unsafeMemory),
        .target(
            name: "KVCache", dependencies: ["Hashing", "Tensors", "Kernels", system], swiftSettings: unsafeMemory),
        .target(
            name: "Models", dependencies: ["Diagnostics", "Tensors", "Weights", "Kernels", "KVCache", system],
            swiftSettings: swift),
        .target(
            name: "Conversion", dependencies: ["Diagnostics", "Kernels", "Tensors", "Weights", system],
            swiftSettings: unsafeMemory),
        .target(name: "Tokenization", dependencies: ["CTextScan"], swiftSettings: swift),
        .target(
            name: "Inference",
            dependencies: [
                "Diagnostics", "Hashing", "Tensors", "Weights", "Kernels", "KVCache", "Models", "Tokenization", system,
            ],
            swiftSettings: swift),

        // Documents, bottom to top
        .target(name: "Documents", swiftSettings: swift),
        .target(
            name: "Ingest",
            dependencies: ["Diagnostics", "Documents", "Hashing", "CHTML", "CSandbox", "CZlib", system],
            swiftSettings: swift),
        .target(name: "Packing", dependencies: ["Diagnostics", "Documents", "Tokenization"], swiftSettings: swift),
        .target(
            name: "Store", dependencies: ["Diagnostics", "Documents", "Hashing", grdb, system], swiftSettings: swift),

        // Both together
        .target(
            name: "Answering",
            dependencies: ["Diagnostics", "Documents", "Hashing", "Packing", "Store", "Tokenization", "Inference"],
            swiftSettings: swift),
        .target(
            name: "Runs", dependencies: ["Diagnostics", "Documents", "Hashing", "Store", system], swiftSettings: swift),
        .target(
            name: "Pipeline", dependencies: ["Diagnostics", "Runs", yams],
            swiftSettings: swift),
        .target(
            name: "Networking",
            dependencies: [
                "Diagnostics", "Hashing", "Weights", subprocess, system, asyncHTTPClient, nioCore, nioHTTP1,
                nioSSL,
            ],
            swiftSettings: swift),
        .target(
            name: "Benchmarks",
            dependencies: [
                "Conversion", "Diagnostics", "Inference", "Kernels", "KVCache", "Models", "Tensors", "Tokenization",
                "Weights", subprocess, system,
            ],
            swiftSettings: swift),

        // Programs
        .executableTarget(
            name: "docproc",
            dependencies: [
                "Answering", "Benchmarks", "Conversion", "Diagnostics", "Documents", "Hashing", "Inference", "Ingest",
                "Kernels", "KVCache", "Models", "Networking", "Packing",
                "Pipeline", "Runs", "Store", "Tokenization", "Weights", argumentParser, system, yams,
            ],
            swiftSettings: swift),
        .executableTarget(
            name: "docproc-pdf", dependencies: ["Documents", "CPDF", "CSandbox"], exclude: ["COPYING"],
            swiftSettings: swift),

        // Tests
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "Tensors", "CKernels"], swiftSettings: swift),
        .testTarget(
            name: "WeightsTests", dependencies: ["Diagnostics", "Hashing", "Tensors", "Weights", system],
            swiftSettings: swift),
        .testTarget(
            name: "ConversionTests", dependencies: ["Conversion", "Kernels", "Tensors", "Weights", system],
            swiftSettings: unsafeMemory),
        .testTarget(
            name: "TokenizationTests", dependencies: ["CTextScan", "Hashing", "Tokenization", "Weights"],
            resources: [.copy("Fixtures")], swiftSettings: swift),
        .testTarget(
            name: "KVCacheTests", dependencies: ["Hashing", "KVCache", "Kernels", "Tensors", system],
            swiftSettings: swift),
        .testTarget(
            name: "InferenceTests",
            dependencies: [
                "Inference", "Models", "Conversion", "Hashing", "KVCache", "Kernels", "Tensors", "Weights",
                "Tokenization", system,
            ],
            resources: [.copy("Fixtures")], swiftSettings: swift),
        .testTarget(
            name: "BenchmarksTests",
            dependencies: [
                "Benchmarks", "Conversion", "Hashing", "Inference", "Kernels", "KVCache", "Models", "Tokenization",
                "Weights", system,
            ],
            resources: [.copy("Fixtures")], swiftSettings: swift),
        .testTarget(name: "DocumentsTests", dependencies: ["Documents"], swiftSettings: swift),
        .testTarget(
            name: "IngestTests", dependencies: ["Ingest", "Documents", "docproc", "docproc-pdf"],
            resources: [.copy("Fixtures")],
            swiftSettings: swift),
        .testTarget(
            name: "PackingTests", dependencies: ["Packing", "Documents", "Tokenization"], swiftSettings: swift),
        .testTarget(name: "StoreTests", dependencies: ["Store", "Documents", "Hashing", system], swiftSettings: swift),
        .testTarget(
            name: "AnsweringTests",
            dependencies: ["Answering", "Documents", "Packing", "Store", "Inference", "Tokenization"],
            swiftSettings: swift),
        .testTarget(name: "RunsTests", dependencies: ["Diagnostics", "Documents", "Runs"], swiftSettings: swift),
        .testTarget(
            name: "PipelineTests", dependencies: ["Diagnostics", "Pipeline", "Runs"],
            resources: [.copy("Fixtures")], swiftSettings: swift),
        .testTarget(
            name: "NetworkingTests", dependencies: ["Diagnostics", "Hashing", "Networking", "Weights", system],
            swiftSettings: swift),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["Answering", "Inference", "KVCache", "docproc", "docproc-pdf", subprocess, system],
            swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)

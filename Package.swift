// swift-tools-version: 6.0
import PackageDescription

// Each room is a target that imports only rooms that are above it in ARCHITECTURE.md.
// `stackup-init` is C without a Swift runtime, so `scripts/build` compiles it beside this package.
let package = Package(
    name: "stackup",
    products: [
        .executable(name: "stackup", targets: ["stackup"]),
        .executable(name: "stackup-sources", targets: ["stackup-sources"]),
    ],
    targets: [
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        // libcurl and its memory; not a system library, since its most used functions are variadic.
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl"), .linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .target(name: "Linux", dependencies: ["CLinux"]),
        .target(name: "JSON"),
        .target(name: "Words"),
        .target(name: "YAML", dependencies: ["CYAML", "Words"]),
        .target(name: "Compose", dependencies: ["YAML", "JSON", "Linux", "Words"]),
        .target(name: "SecretMemory", dependencies: ["CSodium", "Linux"]),
        .target(name: "SecretStore", dependencies: ["CSodium", "Linux", "JSON", "SecretMemory"]),
        .target(name: "SourceProtocol", dependencies: ["JSON", "Linux", "SecretMemory", "Words"]),
        .target(
            name: "SecretSources",
            dependencies: ["CSodium", "CCrypto", "CCurl", "CLinux", "JSON", "Linux", "SecretMemory", "SourceProtocol", "Words"]),
        .executableTarget(
            name: "stackup-sources", dependencies: ["Linux", "SecretSources"],
            // Functions of libraries are looked up at the start: whoever looks one up later saves the processor's registers on the
            // stack, with what was last copied through them.
            linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),
        .target(name: "Reconciler", dependencies: ["JSON", "Linux", "Compose", "SecretStore"]),
        .target(name: "SystemCalls", dependencies: ["CSeccomp", "JSON", "Linux"]),
        .target(name: "Runner", dependencies: ["CLinux", "Linux", "JSON", "Words", "SecretStore", "SystemCalls", "Reconciler"]),
        .target(name: "Terminal", dependencies: ["JSON", "Words"]),
        .executableTarget(
            name: "stackup",
            dependencies: ["CLinux", "Linux", "JSON", "Words", "YAML", "Compose", "SecretMemory", "SecretStore", "SourceProtocol", "SystemCalls", "Reconciler", "Runner", "Terminal"],
            // lld is the toolchain's own; the default one warns of what the static runtime may do.
            linkerSettings: [.unsafeFlags(["-static-executable", "-use-ld=lld"], .when(configuration: .release))]),
        // For what another process sees to.
        .target(name: "Waiting", dependencies: ["Linux"], path: "Tests/Waiting"),
        .testTarget(name: "LinuxTests", dependencies: ["Linux"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "WordsTests", dependencies: ["Words"]),
        .testTarget(name: "YAMLTests", dependencies: ["YAML"]),
        .testTarget(name: "ComposeTests", dependencies: ["Compose"]),
        .testTarget(name: "SecretStoreTests", dependencies: ["CSodium", "JSON", "Linux", "SecretMemory", "SecretStore", "StoreWriter", "MemoryInspection", "Waiting"]),
        // A process of its own that the store's tests can kill.
        .executableTarget(name: "StoreWriter", dependencies: ["CSodium", "SecretMemory", "SecretStore", "Linux"], path: "Tests/StoreWriter"),
        // What became of memory that held secrets, for the tests of both rooms that have some.
        .target(name: "MemoryInspection", dependencies: ["Linux"], path: "Tests/MemoryInspection"),
        .testTarget(
            name: "SecretSourcesTests",
            dependencies: [
                "CLinux", "MemoryInspection", "SecretSources", "SourceProtocol", "SecretMemory", "JSON", "Linux", "SandboxProbe", "stackup-sources", "Waiting",
            ]),
        // A process that goes into the sandbox and can't come out again.
        .executableTarget(name: "SandboxProbe", dependencies: ["SecretSources", "Linux"], path: "Tests/SandboxProbe"),
        .testTarget(name: "ReconcilerTests", dependencies: ["Reconciler", "Compose", "SecretMemory", "SecretStore"]),
        .testTarget(name: "SystemCallsTests", dependencies: ["SystemCalls", "Linux"]),
        // What of it decides without the kernel; all of it is compiled by scripts/build.
        .target(name: "CInitParts", path: "Sources/stackup-init", sources: ["kernel_file.c", "lending.c"], publicHeadersPath: "parts"),
        .testTarget(name: "RunnerTests", dependencies: ["CInitParts", "CLinux", "Runner", "JSON", "Linux", "Reconciler", "SystemCalls", "MemoryInspection", "Waiting"]),
        .testTarget(name: "TerminalTests", dependencies: ["Terminal"]),
        // Plays Tests/transcripts against the built command.
        .testTarget(name: "TranscriptTests"),
    ],
    swiftLanguageModes: [.v6]
)

// scripts/fuzz builds it with libFuzzer, which has the main function.
if Context.environment["STACKUP_FUZZER"] != nil {
    package.targets.append(
        .executableTarget(name: "Fuzzer", dependencies: ["Compose", "Runner", "JSON", "Linux", "CLinux"], path: "Tests/Fuzzer"))
    package.products.append(.executable(name: "Fuzzer", targets: ["Fuzzer"]))
}

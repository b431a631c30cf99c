// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same language settings; `NonisolatedNonsendingByDefault` keeps an async call
/// on its caller's executor, which the event loops rely on (docs/decisions/0001-event-loop.md).
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func module(_ folder: String, dependencies: [Target.Dependency] = []) -> Target {
    .target(name: "Pollux\(folder)", dependencies: dependencies, path: "Sources/\(folder)", swiftSettings: strict)
}

func tests(_ name: String, dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["PolluxTesting"], path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "pollux",
    products: [
        .executable(name: "pollux", targets: ["pollux"]),
        .library(name: "PolluxCore", targets: ["PolluxCore"]),
        .library(name: "PolluxCrypto", targets: ["PolluxCrypto"]),
        .library(name: "PolluxApp", targets: ["PolluxApp"]),
        .library(name: "PolluxTesting", targets: ["PolluxTesting"]),
    ],
    targets: [
        // System libraries: module maps only. Each is imported by the one target that wraps it.
        .systemLibrary(
            name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CYAML", path: "Sources/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CHiredis", path: "Sources/CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(name: "CCurlShim", dependencies: ["CCurl"], path: "Sources/CCurlShim"),
        .target(name: "CSystem", path: "Sources/CSystem"),

        module("Core"),
        module("YAML", dependencies: ["PolluxCore", "CYAML"]),
        module("Crypto", dependencies: ["PolluxCore", "COpenSSL"]),
        module("SQLite", dependencies: ["PolluxCore", "CSQLite"]),
        module("Redis", dependencies: ["PolluxCore", "CHiredis"]),
        module("Storage", dependencies: ["PolluxCore", "PolluxSQLite", "PolluxRedis", "PolluxCrypto"]),
        module("Admin", dependencies: ["PolluxCore", "PolluxCrypto"]),
        module("Transport", dependencies: ["PolluxCore", "CSystem", "CCurl", "CCurlShim"]),
        module("Providers", dependencies: ["PolluxCore", "PolluxCrypto"]),
        module("Frontends", dependencies: ["PolluxCore"]),
        module("CredentialSources", dependencies: ["PolluxCore"]),
        module("Simulator", dependencies: ["PolluxCore", "PolluxTransport", "PolluxCrypto"]),
        module(
            "App",
            dependencies: [
                "PolluxCore", "PolluxProviders", "PolluxFrontends", "PolluxCredentialSources", "PolluxTransport",
                "PolluxStorage", "PolluxRedis", "PolluxAdmin", "PolluxYAML", "PolluxCrypto", "CSystem",
            ]),
        .target(
            name: "PolluxTesting", dependencies: ["PolluxCore"], path: "Sources/PolluxTesting", swiftSettings: strict),
        .executableTarget(
            name: "pollux", dependencies: ["PolluxApp", "PolluxSimulator", "PolluxCore"], path: "Sources/pollux",
            swiftSettings: strict),

        // Killed by the tests of the state while it writes; no product has it.
        .executableTarget(
            name: "StateHammer", dependencies: ["PolluxStorage", "PolluxSQLite", "PolluxCore"],
            path: "Tests/StateHammer", swiftSettings: strict),

        // Run by `make bench`; no product has it.
        .executableTarget(
            name: "LimiterCost", dependencies: ["PolluxTesting", "PolluxCore"],
            path: "Bench/LimiterCost", swiftSettings: strict),

        tests("CoreTests", dependencies: ["PolluxCore"]),
        tests("YAMLTests", dependencies: ["PolluxYAML", "PolluxCore"]),
        tests("CryptoTests", dependencies: ["PolluxCrypto", "PolluxCore"]),
        tests("SQLiteTests", dependencies: ["PolluxSQLite", "PolluxCore"]),
        tests("RedisTests", dependencies: ["PolluxRedis", "PolluxCore"]),
        tests("StorageTests", dependencies: ["PolluxStorage", "PolluxSQLite", "PolluxRedis", "PolluxCore"]),
        tests("AdminTests", dependencies: ["PolluxAdmin", "PolluxCore"]),
        tests("TransportTests", dependencies: ["PolluxTransport", "PolluxCore", "CSystem", "CCurl"]),
        tests("ProvidersTests", dependencies: ["PolluxProviders", "PolluxCore"]),
        tests("FrontendsTests", dependencies: ["PolluxFrontends", "PolluxProviders", "PolluxCore"]),
        tests("CredentialSourcesTests", dependencies: ["PolluxCredentialSources", "PolluxCore"]),
        tests("ContractTests", dependencies: ["PolluxCore"]),
        tests("SimulatorTests", dependencies: ["PolluxSimulator", "PolluxTransport", "PolluxCrypto", "PolluxCore"]),
        tests(
            "AppTests",
            dependencies: [
                "PolluxApp", "PolluxAdmin", "PolluxStorage", "PolluxSimulator", "PolluxProviders", "PolluxCrypto",
                "PolluxCore", "pollux",
            ]),
        tests(
            "IntegrationTests",
            dependencies: [
                "PolluxApp", "PolluxSimulator", "PolluxTransport", "PolluxSQLite", "PolluxCore", "CSystem",
                "StateHammer",
            ]),
        tests("TidyTests", dependencies: ["PolluxCore"]),
    ],
    cLanguageStandard: .c2x
)

// swift-tools-version: 6.2
import PackageDescription

/// `NonisolatedNonsendingByDefault` keeps async functions on the event loop that calls them; without it each of them
/// moves to another thread and back.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "acme-gateway",
    dependencies: [
        // Beside a checkout of Pollux; a package of your own says where yours is.
        .package(name: "pollux", path: "../..")
    ],
    targets: [
        .target(
            name: "AcmePlugins",
            dependencies: [
                .product(name: "PolluxCore", package: "pollux"), .product(name: "PolluxCrypto", package: "pollux"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "acme-gateway",
            dependencies: [
                "AcmePlugins", .product(name: "PolluxCore", package: "pollux"),
                .product(name: "PolluxApp", package: "pollux"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AcmePluginsTests",
            dependencies: [
                "AcmePlugins", .product(name: "PolluxApp", package: "pollux"),
                .product(name: "PolluxTesting", package: "pollux"),
            ],
            swiftSettings: strict),
    ]
)

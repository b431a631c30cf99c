import Foundation
import Glibc
import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

@testable import PolluxRedis

/// A Redis, and stores of several gateways on it.
final class RedisWorld {
    let server: RedisServer
    let stores: [RedisRateLimitStore]
    private let tasks: [Task<Void, any Error>]

    init(stores count: Int = 1, clock: RedisRateLimitStore.Clock = .given) throws {
        server = try RedisServer()
        let address = try RedisAddress(Secret(server.url))
        stores = try (0..<count).map { number in
            try RedisRateLimitStore(
                address, time: ManualTime(), random: SeededRandom(seed: number), log: .silent, clock: clock)
        }
        tasks = stores.map { store in Task { try await store.run() } }
        try #require(isReady())
    }

    deinit { for task in tasks { task.cancel() } }

    func isReady() -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while !stores.allSatisfy(\.isReady), ContinuousClock.now < end { poll(nil, 0, 5) }
        return stores.allSatisfy(\.isReady)
    }

    static let vectors: RateLimitVectors? = {
        let file = URL(filePath: #filePath).appending(path: "../../../Fixtures/ratelimit/vectors.json")
        guard let text = try? Data(contentsOf: file.standardizedFileURL) else { return nil }
        return try? RateLimitVectors(Array(text))
    }()
}

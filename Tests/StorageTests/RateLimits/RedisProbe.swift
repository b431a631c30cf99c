import Glibc
import PolluxCore
import PolluxRedis
import Testing

/// Looks into a Redis beside the store that is tested.
final class RedisProbe: Sendable {
    private let connection: RedisConnection

    init(_ url: String) async throws {
        connection = try RedisConnection(
            try RedisAddress(Secret(url)), scripts: [], timeout: .seconds(5), log: .silent)
        try connection.start()
        let end = ContinuousClock.now + .seconds(10)
        while !connection.isReady, ContinuousClock.now < end { poll(nil, 0, 5) }
        try #require(connection.isReady)
    }

    deinit { connection.stop() }

    func integer(_ command: [String]) async -> Int64? {
        let result = await connection.send(command)
        guard case .success(let reply) = result else { return nil }
        return reply.integer
    }
}

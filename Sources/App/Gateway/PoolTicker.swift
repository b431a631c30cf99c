import PolluxCore

/// Lets time pass for pools that nobody asks, so that the end of a rest, or of a sign-in, is told soon after it came.
struct PoolTicker: Service {
    let pools: [AccountPool]
    let time: any TimeSource

    private static let interval = Duration.seconds(5)

    func run() async throws {
        while !Task.isCancelled {
            try await time.sleep(until: time.now + Self.interval)
            for pool in pools { pool.tick() }
        }
    }
}

import PolluxCore

/// Lets a provider keep the sign-in of its free accounts alive. A busy account needs none of it: its requests do the
/// same on their way, and one that rests is left alone.
struct AccountKeeper: Service {
    let upstream: Upstream
    let keeper: any AccountKeeping
    let time: any TimeSource
    let log: Logger

    func run() async throws {
        while !Task.isCancelled {
            try await time.sleep(until: time.now + keeper.keepAliveInterval)
            try await keepAll()
        }
    }

    /// Takes one free account after the other, each once.
    ///
    /// - Throws: `cancelled` alone; what is wrong with an account is the pool's to know.
    func keepAll() async throws(GatewayError) {
        var seen: Set<String> = []
        while let lease = try? upstream.pool.lease(for: .text, excluding: seen, provider: upstream.name) {
            seen.insert(lease.accountID)
            do {
                try await keeper.keepAlive(lease)
                // No answer was given, so it proves nothing about the account's limits.
                lease.release(after: .cancelled)
            } catch {
                lease.release(after: error)
                if error.kind == .cancelled { throw error }
                log.warning(
                    "account could not be kept alive",
                    [
                        LogField("account", lease.accountID), LogField("error", error.kind.rawValue),
                        LogField("message", error.message), LogField("detail", error.detail),
                    ])
            }
        }
    }
}

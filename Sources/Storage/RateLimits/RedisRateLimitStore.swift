public import PolluxCore
public import PolluxRedis
internal import Synchronization

/// Limiters on a Redis that several gateways share: each decides as `MemoryRateLimitStore` does, and all of them
/// together admit no more than one would.
///
/// As a service it holds the connection, and renews the leases of requests that still run.
public final class RedisRateLimitStore: RateLimitStore, Service {
    private let connection: RedisConnection
    private let time: any TimeSource
    private let clock: Clock
    private let leasePrefix: String
    private let leases = Mutex<(count: UInt64, held: [String: [LimiterID]])>((0, [:]))

    /// Whose time counts.
    public enum Clock: Sendable {
        /// The server's, so that the gateways' clocks do not matter.
        case server
        /// The caller's: for tests.
        case given
    }

    /// Opens nothing: that is `run`'s business.
    ///
    /// - Parameter firstOutcome: Called once, when it is known for the first time whether Redis can be asked.
    /// - Throws: `internalError` when the process has no descriptors left.
    public init(
        _ address: RedisAddress, time: any TimeSource, random: any RandomSource, log: Logger,
        clock: Clock = .server, firstOutcome: @escaping @Sendable () -> Void = {}
    ) throws(GatewayError) {
        connection = try RedisConnection(
            address, scripts: [LimitScripts.decide, LimitScripts.settle, LimitScripts.renew], log: log,
            firstOutcome: firstOutcome)
        (self.time, self.clock) = (time, clock)
        leasePrefix = random.alphanumeric(12)
    }

    /// Whether Redis can be asked at this moment.
    public var isReady: Bool { connection.isReady }

    /// Why Redis cannot be asked, in one sentence for the operator; `nil` when it can.
    public var trouble: GatewayError? {
        guard !connection.isReady else { return nil }
        return GatewayError(
            .internalError, .request,
            "Redis at \(address) cannot be used: \(connection.complaint ?? "it has not answered yet"); see that it runs"
                + " there and that rate_limit.url is right", param: "rate_limit.url")
    }

    /// Where it is, without its password.
    public var address: String { connection.shownAddress }

    /// The server's version, `7.0.15`; `nil` when it does not tell.
    public func serverVersion() async -> String? {
        guard case .success(.text(let bytes)) = await connection.send(["INFO", "server"]) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split { $0.isNewline }
        return lines.first { $0.hasPrefix("redis_version:") }.map { String($0.dropFirst("redis_version:".count)) }
    }

    /// Connects, and renews leases until the task is cancelled.
    public func run() async throws {
        try connection.start()
        defer { connection.stop() }
        while true {
            do { try await time.sleep(until: time.now + ConcurrencyLeases.renewalEvery) } catch { return }
            renewLeases()
        }
    }

    // MARK: Deciding

    public func decide(_ claims: [LimitClaim], now: Instant) async throws(GatewayError) -> LimitRuling {
        let lease = claims.contains { $0.rule.isLease } ? makeLease() : ""
        var arguments = [stamp(now), lease]
        arguments.reserveCapacity(2 + 4 * claims.count)
        for claim in claims { arguments += claim.rule.arguments(cost: claim.cost) }
        let result = await connection.run(
            LimitScripts.decide, keys: claims.map(\.limiter.name), arguments: arguments)
        return try ruling(on: claims, try reply(result), lease)
    }

    /// - Throws: When the reply is not one line of five numbers for each claim.
    private func ruling(
        on claims: [LimitClaim], _ reply: RedisReply, _ lease: String
    ) throws(GatewayError) -> LimitRuling {
        guard let lines = reply.array, lines.count == claims.count else { throw Self.unavailable(.malformed) }
        var ruling = LimitRuling(outcomes: [], receipt: LimitReceipt(leaseID: lease))
        var windows: [Int64] = []
        for line in lines {
            guard let numbers = line.array?.compactMap(\.integer), numbers.count == 5,
                numbers[0] == 0 || numbers[0] == 1, numbers[2] >= 0, numbers[3] >= LimitOutcome.never
            else { throw Self.unavailable(.malformed) }
            ruling.outcomes.append(
                LimitOutcome(
                    isLimited: numbers[0] == 1, remaining: numbers[1], resetAfter: numbers[2], retryAfter: numbers[3]))
            windows.append(numbers[4])
        }
        guard ruling.isAllowed else { return ruling }
        for (claim, index) in zip(claims, windows) {
            switch claim.rule {
            case .window(let window) where claim.isReservation:
                ruling.receipt.reservations.append(
                    .init(limiter: claim.limiter, window: window, cost: claim.cost, index: index))
            case .leases: ruling.receipt.leases.append(claim.limiter)
            case .gcra, .window, .daily: break
            }
        }
        if !ruling.receipt.leases.isEmpty {
            let held = ruling.receipt.leases
            leases.withLock { $0.held[lease] = held }
        }
        return ruling
    }

    // MARK: Settling

    /// Sent and not waited for. If Redis does not take it, a reservation counts as it was made, and a lease ends by
    /// itself.
    public func settle(_ receipt: LimitReceipt, spent: Int64, now: Instant) {
        let changed = receipt.reservations.filter { $0.cost != spent }
        if !receipt.leases.isEmpty { leases.withLock { $0.held[receipt.leaseID] = nil } }
        guard !changed.isEmpty || !receipt.leases.isEmpty else { return }
        var arguments = [stamp(now), receipt.leaseID, String(changed.count)]
        for item in changed {
            let difference = min(max(0, spent), Self.largest) - min(item.cost, Self.largest)
            arguments += [String(item.window.width), String(difference), String(item.index)]
        }
        connection.run(
            LimitScripts.settle, keys: (changed.map(\.limiter) + receipt.leases).map(\.name), arguments: arguments
        ) { _ in }
    }

    private func renewLeases() {
        let held = leases.withLock { $0.held }
        let life = String(ConcurrencyLeases.life.microseconds / 1000)
        for (lease, limiters) in held {
            connection.run(
                LimitScripts.renew, keys: limiters.map(\.name), arguments: [stamp(time.now), lease, life]
            ) { _ in }
        }
    }

    private func makeLease() -> String {
        let number = leases.withLock { leases in
            leases.count &+= 1
            return leases.count
        }
        return "\(leasePrefix)-\(number)"
    }

    // MARK: Numbers

    /// Beyond any limit, and exact as a double.
    static let largest: Int64 = 1 << 50

    private func stamp(_ now: Instant) -> String {
        switch clock {
        case .server: "0"
        case .given: String(now.microseconds)
        }
    }

    private func reply(_ result: Result<RedisReply, RedisFailure>) throws(GatewayError) -> RedisReply {
        switch result {
        case .success(.error(let words)): throw Self.unavailable(.refused(words))
        case .success(let reply): return reply
        case .failure(let failure): throw Self.unavailable(failure)
        }
    }

    private static func unavailable(_ failure: RedisFailure) -> GatewayError {
        GatewayError(
            .overloaded, .request, "limits cannot be checked at this moment; try again", detail: failure.description,
            retryAfter: .seconds(1), code: "rate_limit_unavailable")
    }
}

extension LimitRule {
    fileprivate var isLease: Bool { if case .leases = self { true } else { false } }

    fileprivate func arguments(cost: Int64) -> [String] {
        let cost = String(min(max(1, cost), RedisRateLimitStore.largest))
        switch self {
        case .gcra(let gcra): return ["g", String(gcra.interval), String(gcra.burst), cost]
        case .window(let window): return ["w", String(window.limit), String(window.width), cost]
        case .daily(let daily): return ["d", String(daily.limit), String(daily.endsIn), cost]
        case .leases(let leases):
            return ["l", String(leases.limit), String(ConcurrencyLeases.life.microseconds / 1000), cost]
        }
    }
}

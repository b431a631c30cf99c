import PolluxCore
import PolluxTesting

/// Short names for what the tests of the pool talk about.
enum PoolWorld {
    static let start = Instant(microseconds: 0)
    static let wall = WallTime(seconds: 1_767_225_600)

    static func credential(
        _ id: String, value: String = "v", expiresAt: WallTime? = nil, isDisabled: Bool = false, proxy: String? = nil,
        weight: Int = 1
    ) -> Credential {
        Credential(
            accountID: id, values: ["key": Secret(value)], expiresAt: expiresAt, isDisabled: isDisabled,
            proxy: proxy.map { Secret($0) }, weight: weight)
    }

    static func limited(_ scope: GatewayError.Scope = .account, retryAfter: Duration? = nil) -> GatewayError {
        GatewayError(.rateLimited, scope, "429", retryAfter: retryAfter, accountEffect: .cool)
    }

    static let rejected = GatewayError(.upstreamAuth, .account, "401", accountEffect: .rejectCredential)
    static let restricted = GatewayError(.upstreamAuth, .account, "403", accountEffect: .restrict)
    static let broken = GatewayError(.upstreamReset, .endpoint, "reset")
}

extension AccountPoolState {
    init(_ ids: [String], _ rules: Rules = Rules()) {
        self.init(rules)
        replaceAccounts(with: ids.map { (PoolWorld.credential($0), nil) }, changed: Set(ids))
    }

    /// The leased account; `nil` when there is none to lease.
    mutating func take(
        _ quotaClass: QuotaClass = .text, model: String = "", excluding tried: Set<String> = [], at seconds: Int64 = 0
    ) -> String? {
        let (now, wall) = (PoolWorld.start + .seconds(seconds), PoolWorld.wall + .seconds(seconds))
        let choice = lease(for: quotaClass, model: model, excluding: tried, now: now, wallNow: wall)
        guard case .lease(let id) = choice else { return nil }
        return id
    }

    /// A certain account, if it is ready.
    mutating func take(_ account: String) -> Bool {
        lease(account: account, for: .text, now: PoolWorld.start, wallNow: PoolWorld.wall)
    }

    mutating func give(
        _ id: String, _ quotaClass: QuotaClass = .text, model: String = "", after error: GatewayError? = nil,
        at seconds: Int64 = 0
    ) {
        release(id, for: quotaClass, model: model, after: error, now: PoolWorld.start + .seconds(seconds))
    }

    mutating func lack(_ quotaClass: QuotaClass = .text, model: String = "", at seconds: Int64 = 0) -> Shortage {
        let (now, wall) = (PoolWorld.start + .seconds(seconds), PoolWorld.wall + .seconds(seconds))
        return shortage(for: quotaClass, model: model, now: now, wallNow: wall)
    }
}

import PolluxCore
import PolluxStorage

/// Where limits are counted. Outlives every reload that leaves the place as it is, so that nobody's count begins anew
/// (C-5).
struct RateLimitBackend: Sendable {
    let settings: RateLimitSettings
    let store: any RateLimitStore
    /// What keeps the connection, if there is one.
    let service: (any Service)?

    /// The service goes on over a reload as that of a provider does. No provider is called so.
    static let serviceOwner = "rate_limit:"

    /// Spoken once it is known whether the store can be asked; `nil` for a store that always can.
    let firstWord: FirstWord?

    /// The store, where it is Redis.
    var redis: RedisRateLimitStore? { service as? RedisRateLimitStore }

    func isSame(as other: RateLimitBackend) -> Bool { (store as AnyObject) === (other.store as AnyObject) }

    /// - Parameter old: Of the gateway whose place another one takes.
    static func make(
        _ settings: RateLimitSettings, _ environment: GatewayEnvironment, after old: RateLimitBackend?
    ) throws(GatewayError) -> RateLimitBackend {
        if let old, old.settings == settings || (old.settings.store == .memory && settings.store == .memory) {
            return RateLimitBackend(
                settings: settings, store: old.store, service: old.service, firstWord: old.firstWord)
        }
        guard settings.store == .redis, let address = settings.address else {
            return RateLimitBackend(settings: settings, store: MemoryRateLimitStore(), service: nil, firstWord: nil)
        }
        let firstWord = FirstWord()
        let redis = try RedisRateLimitStore(
            address, time: environment.time, random: environment.random, log: environment.log
        ) { firstWord.speak() }
        let store = FailoverRateLimitStore(
            redis, mode: settings.onFailure, nodes: settings.nodes, log: environment.log)
        return RateLimitBackend(settings: settings, store: store, service: redis, firstWord: firstWord)
    }
}

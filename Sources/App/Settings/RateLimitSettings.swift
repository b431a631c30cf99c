import PolluxCore
import PolluxRedis

/// `limits:`, what all clients together may ask.
struct GlobalLimitSettings: SettingsReadable {
    var limits: LimitSet

    init(reading map: inout SettingsMap) {
        let all = map.limits(
            "global", LimitSet.measures, help: "All requests together; one mapping, or a list of several.")
        let perModel = map.limits(
            "per_model", LimitSet.measures, help: "All requests for one model, for each model by itself.")
        limits = LimitSet(all: all, perModel: perModel)
    }
}

/// `rate_limit:`, where limits are counted.
struct RateLimitSettings: SettingsReadable, Equatable {
    enum Store: String, CaseIterable, Sendable { case memory, redis }
    var store: Store
    var address: RedisAddress?
    var onFailure: FailoverRateLimitStore.Mode
    var nodes: Int

    init(reading map: inout SettingsMap) {
        store = map.choice(
            "store", default: Store.memory, help: "`redis` is for several gateways that share their limits.")
        let url = map.optionalSecret(
            "url", example: "${REDIS_URL}",
            help: "`redis://:PASSWORD@HOST:6379/0` or `unix:///PATH?db=0`. Without TLS: keep it on a network of yours.")
        onFailure = map.choice(
            "on_redis_failure", default: FailoverRateLimitStore.Mode.local,
            help: "While Redis does not answer: count here, let everything through, or refuse with 503.")
        nodes = map.integer(
            "nodes", default: 1, in: 1...10_000,
            help: "Gateways that share the Redis; while it is away each takes its share of every limit.")
        if let url {
            do throws(RedisAddress.Problem) { address = try RedisAddress(url) } catch {
                map.issue(at: "url", error.message)
            }
        } else if store == .redis, !map.contains("url") {
            map.issue(at: "store", "limits on Redis need its address: write url: beside it")
        }
    }
}

/// `limits:` of a provider.
struct ProviderLimitSettings {
    var accounts: AccountLimits
    /// The least time between two requests of one account; zero is none.
    var pace: Duration

    private static let measures: [RateLimit.Measure] = [.requests, .daily]

    init(reading map: inout SettingsMap, pace defaultPace: Duration) {
        let account = map.limits("account", Self.measures, help: "Each account, whatever it is asked for.")
        let byClass = map.map("account_class", help: "Each account, for one class of work.") { map in
            QuotaClass.allCases.reduce(into: [QuotaClass: [RateLimit]]()) { limits, quotaClass in
                let list = map.limits(quotaClass.rawValue, Self.measures, help: "Requests for \(quotaClass.rawValue).")
                if !list.isEmpty { limits[quotaClass] = list }
            }
        }
        accounts = AccountLimits(account: account, byClass: byClass)
        pace = map.duration(
            "pace", default: defaultPace, in: .zero...(.seconds(86_400)),
            help: "The least time between two requests of one account; others wait for it (`queue`).")
    }
}

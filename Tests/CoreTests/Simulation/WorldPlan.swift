import PolluxCore

/// What a seed makes of the world before its first request: providers, accounts, routes, rules and the day's traffic.
struct WorldPlan: Sendable {
    struct ProviderPlan: Sendable {
        let name: String
        let rules: AccountPoolState.Rules
        /// What each credential source has.
        let sources: [[Credential]]
        /// Requests that this provider cannot honour.
        let refusesImages: Bool

        static let proxies: [Secret?] = [nil, Secret("http://x"), Secret("http://y")]
    }

    /// A stretch of traffic: so many clients, with such pauses between them.
    struct Episode: Sendable {
        /// After the end of the one before.
        let rest: Duration
        /// Somebody has put the accounts right before it.
        let isTended: Bool
        let clients: Int
        let spacing: Duration
        let weather: Weather
    }

    let providers: [ProviderPlan]
    /// From a model's name to the providers that serve it, in order.
    let routes: [(model: String, upstreamModel: String, providers: [String])]
    let retry: RetryPolicy
    let queue: QueueRules
    /// `nil` remembers no conversation.
    let conversations: ConversationRules?
    let episodes: [Episode]
    /// The mean time between two changes of an account while there is traffic.
    let changeEvery: Duration

    init(_ dice: Dice) {
        // Now and then nothing goes wrong, so that it shows over a long time who has how much of the work.
        let isCalm = dice.chance(15)
        let names = (0..<dice.between(1, 3)).map { "p\($0)" }
        providers = names.map { Self.provider($0, isCalm: isCalm, dice) }
        routes = (0..<3).map { index in
            (
                "m\(index)", NaiveWork.models[index % NaiveWork.models.count],
                Array(dice.shuffled(names).prefix(index == 0 ? names.count : dice.between(1, names.count)))
            )
        }
        retry = RetryPolicy(maxRetries: dice.pick([0, 1, 2, 2, 2, 4]), budgetRatio: dice.pick([0, 0.1, 0.2, 0.2, 1]))
        conversations =
            dice.chance(30)
            ? nil
            : ConversationRules(
                timeToLive: dice.pick(seconds: [30, 600, 3600]), maxEntries: dice.pick([0, 3, 1000, 1000, 1000]))
        queue = QueueRules(
            maxWait: dice.pick(seconds: [0, 2, 30, 30, 120]), maxDepth: dice.pick([1, 3, 10, 100]))
        episodes = Self.day(isCalm: isCalm, dice)
        changeEvery = isCalm ? .seconds(1_000_000) : dice.pick(seconds: [0.5, 5, 60, 600, 7200])
    }

    private static func provider(_ name: String, isCalm: Bool, _ dice: Dice) -> ProviderPlan {
        let rules = AccountPoolState.Rules(
            strategy: dice.pick(AccountPoolState.Strategy.allCases), maxInFlight: isCalm ? 5 : dice.pick([1, 1, 2, 5]),
            cooldown: dice.pick(seconds: [1, 60, 600]), maxCooldown: dice.pick(seconds: [600, 7200]))
        let count = dice.pick(isCalm ? [2, 3] : [0, 1, 1, 2, 3, 5, 8])
        let proxies = dice.pick([[nil], ProviderPlan.proxies])
        let areEqual = dice.chance(50)
        let accounts = (0..<count).map { index in
            Credential(
                accountID: "\(name)a\(index)", values: ["key": Secret("v0")],
                proxy: dice.pick(proxies),
                weight: areEqual ? 2 : dice.pick([1, 1, 2, 3, 4, 0, 300]))
        }
        var sources = Array(repeating: [Credential](), count: isCalm ? 1 : dice.pick([1, 1, 2, 3]))
        for account in accounts { sources[dice.below(sources.count)].append(account) }
        return ProviderPlan(name: name, rules: rules, sources: sources, refusesImages: dice.chance(30))
    }

    /// Bursts with hours between them, some two days in all, so that queues fill, and long rests end.
    private static func day(isCalm: Bool, _ dice: Dice) -> [Episode] {
        (0..<dice.between(5, 10)).map { _ in
            Episode(
                rest: dice.pick(seconds: [1, 60, 600, 7200, 21_600, 43_200]), isTended: dice.chance(70),
                clients: dice.pick([1, 5, 10, 20, 40]),
                spacing: dice.pick(seconds: isCalm ? [5, 30, 300] : [0, 0, 0.01, 0.1, 1, 5, 30, 300]),
                weather: Weather(isCalm: isCalm, dice))
        }
    }
}

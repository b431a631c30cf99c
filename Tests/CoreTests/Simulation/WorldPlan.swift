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

    /// What a world is good for.
    enum Mood: Sendable {
        /// Nothing goes wrong, so that it shows over a long time who has how much of the work.
        case calm
        /// Few accounts that come and go, and many who wait for them in several lines.
        case crowded
        /// Upstreams hardly answer, so that budgets of retries are spent.
        case outage
        /// Each account does much at a time, and is limited in the middle of it.
        case limited
        case mixed
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

    init(seed: UInt64, _ dice: Dice) {
        // By the number, so that any fifty seeds have some of each.
        let mood: Mood = [.mixed, .calm, .mixed, .crowded, .mixed, .outage, .mixed, .limited][Int(seed % 8)]
        let names = (0..<dice.between(mood == .crowded ? 2 : 1, 3)).map { "p\($0)" }
        providers = names.map { Self.provider($0, mood, dice) }
        routes = (0..<3).map { index in
            (
                "m\(index)", NaiveWork.models[index % NaiveWork.models.count],
                Array(dice.shuffled(names).prefix(index == 0 ? names.count : dice.between(1, names.count)))
            )
        }
        retry =
            mood == .outage
            ? RetryPolicy(maxRetries: 2, budgetRatio: dice.pick([0, 0, 0.1]))
            : RetryPolicy(maxRetries: dice.pick([0, 1, 2, 2, 2, 4]), budgetRatio: dice.pick([0, 0.1, 0.2, 0.2, 1]))
        conversations =
            dice.chance(30)
            ? nil
            : ConversationRules(
                timeToLive: dice.pick(seconds: [30, 600, 3600]), maxEntries: dice.pick([0, 3, 1000, 1000, 1000]))
        queue =
            mood == .crowded
            ? QueueRules(maxWait: .seconds(120), maxDepth: 100)
            : QueueRules(
                maxWait: dice.pick(seconds: [0, 2, 30, 30, 120]), maxDepth: dice.pick([1, 3, 10, 100]))
        episodes = Self.day(mood, dice)
        switch mood {
        case .calm: changeEvery = .seconds(1_000_000)
        case .crowded, .limited: changeEvery = dice.pick(seconds: [0.5, 2, 5])
        case .outage, .mixed: changeEvery = dice.pick(seconds: [0.5, 5, 60, 600, 7200])
        }
    }

    private static func provider(_ name: String, _ mood: Mood, _ dice: Dice) -> ProviderPlan {
        let rules = AccountPoolState.Rules(
            strategy: dice.pick(AccountPoolState.Strategy.allCases),
            maxInFlight: mood == .calm || mood == .limited ? 5 : mood == .crowded ? 1 : dice.pick([1, 1, 2, 5]),
            cooldown: dice.pick(seconds: [1, 60, 600]), maxCooldown: dice.pick(seconds: [600, 7200]),
            pace: mood == .calm ? .zero : dice.pick(seconds: [0, 0, 1, 5]), breaker: breaker(mood, dice),
            endpoint: endpoint(mood, dice), textRestsAll: dice.chance(25),
            attemptTimeout: dice.pick(seconds: [20, 60, 300]))
        let counts =
            switch mood {
            case .calm: [2, 3]
            case .crowded: [1, 1, 2]
            case .limited: [1, 2, 3]
            case .outage: [1, 1, 2, 3]
            case .mixed: [0, 1, 1, 2, 3, 5, 8]
            }
        let count = dice.pick(counts)
        let proxies = mood == .limited ? ProviderPlan.proxies : dice.pick([[nil], ProviderPlan.proxies])
        let areEqual = dice.chance(mood == .calm ? 25 : 50)
        let accounts = (0..<count).map { index in
            Credential(
                accountID: "\(name)a\(index)", values: ["key": Secret("v0")],
                proxy: dice.pick(proxies),
                weight: areEqual ? 2 : dice.pick([1, 1, 2, 3, 4, 0, 300]))
        }
        var sources = Array(repeating: [Credential](), count: mood == .mixed ? dice.pick([1, 1, 2, 3]) : 1)
        for account in accounts { sources[dice.below(sources.count)].append(account) }
        return ProviderPlan(name: name, rules: rules, sources: sources, refusesImages: dice.chance(30))
    }

    /// Without suspensions budgets are spent, with them they are spared.
    private static func breaker(_ mood: Mood, _ dice: Dice) -> Breaker.Rules {
        if mood == .outage, dice.chance(60) { return .never }
        return Breaker.Rules(
            failuresInARow: dice.pick([1, 2, 5]), minOutcomes: dice.pick([3, 10]), window: dice.pick([10, 60]),
            baseOpen: dice.pick(seconds: [1, 10, 60]), maxOpen: dice.pick(seconds: [60, 3600]))
    }

    private static func endpoint(_ mood: Mood, _ dice: Dice) -> Breaker.Rules {
        if mood == .outage, dice.chance(60) { return .never }
        return dice.chance(50)
            ? .endpoint
            : Breaker.Rules(
                failuresInARow: 3, runSpan: .seconds(1), minOutcomes: 5, window: 10, baseOpen: .seconds(2),
                maxOpen: .seconds(30))
    }

    /// Bursts with hours between them, some two days in all, so that queues fill, and long rests end.
    private static func day(_ mood: Mood, _ dice: Dice) -> [Episode] {
        (0..<dice.between(5, 10)).map { _ in
            Episode(
                rest: dice.pick(seconds: [1, 60, 600, 7200, 21_600, 43_200]), isTended: dice.chance(70),
                clients: dice.pick(mood == .crowded || mood == .outage ? [20, 40] : [1, 5, 10, 20, 40]),
                spacing: dice.pick(
                    seconds: mood == .calm
                        ? [5, 30, 300]
                        : mood == .crowded
                            ? [0.01, 0.1] : mood == .limited ? [0.1, 1] : [0, 0, 0.01, 0.1, 1, 5, 30, 300]),
                weather: Weather(mood, dice))
        }
    }
}

import PolluxCore

/// One of `providers:`: the keys that every kind has, and the kind's own.
struct ProviderEntry: Sendable {
    var name: String
    var kind: PluginKind
    var common: CommonProviderSettings
    var make: ProviderPlugin.Make
    /// For problems that only the whole file shows.
    var map: SettingsMap
}

/// One of `credential_sources:`
struct SourceEntry: Sendable {
    var name: String
    var kind: PluginKind
    var make: SourcePlugin.Make
}

/// One of `frontends:`
struct FrontendEntry: Sendable {
    var kind: PluginKind
    var paths: [String]
    var make: FrontendPlugin.Make
}

/// The keys of `providers:` that every kind shares.
struct CommonProviderSettings: Sendable {
    var credentials: [String]
    var pool: AccountPoolState.Rules
    var deadlines: TransferDeadlines
    var requestTimeout: Duration
    var proxy: Secret?
    var caFile: String?
    var limits: AccountLimits

    init(reading map: inout SettingsMap, _ plugin: ProviderPlugin) {
        credentials = map.stringList("credentials", help: "Names under `credential_sources:` whose accounts it uses.")
        pool = map.map("pool", help: "How accounts are chosen and rested.") {
            AccountPoolState.Rules(reading: &$0, plugin.defaultPool)
        }
        let timeouts = map.map("timeouts", help: "How long the upstream is waited for.") {
            TimeoutSettings(reading: &$0, plugin)
        }
        (deadlines, requestTimeout) = (timeouts.deadlines, timeouts.request)
        pool.attemptTimeout = deadlines.total
        pool.breaker = map.map("breaker", help: "When an account that keeps failing is left alone for a while.") {
            Breaker.Rules(reading: &$0, plugin.defaultPool.breaker)
        }
        proxy = ProxySetting.read(&map)
        caFile = map.optionalString(
            "ca_file", example: "/etc/ssl/own-ca.pem",
            help: "PEM file with the authorities to trust instead of the system's.")
        let limits = map.map("limits", help: "What each account may be asked: limits of your own.") {
            ProviderLimitSettings(reading: &$0, pace: plugin.defaultPool.pace)
        }
        (self.limits, pool.pace) = (limits.accounts, limits.pace)
    }
}

private struct TimeoutSettings {
    var deadlines: TransferDeadlines
    var request: Duration

    init(reading map: inout SettingsMap, _ plugin: ProviderPlugin) {
        let defaults = plugin.defaultDeadlines
        deadlines = TransferDeadlines(
            connect: map.duration("connect", default: defaults.connect, help: "Name lookup, TCP and TLS."),
            firstByte: map.duration("first_byte", default: defaults.firstByte, help: "Until the answer begins."),
            gap: map.duration("gap", default: defaults.gap, help: "Between two pieces of the answer."),
            total: map.duration("attempt", default: defaults.total, help: "One attempt as a whole."))
        request = map.duration(
            "request", default: plugin.defaultRequestTimeout, help: "The request with all its attempts.")
    }
}

extension AccountPoolState.Rules {
    init(reading map: inout SettingsMap, _ defaults: AccountPoolState.Rules) {
        let strategy = map.choice("strategy", default: defaults.strategy, help: "Which ready account is taken.")
        let maxInFlight = map.integer(
            "max_in_flight", default: defaults.maxInFlight, in: 1...100_000,
            help: "Requests of one account at a time; more wait for one to end (`queue`).")
        let cooldown = map.duration(
            "cooldown", default: defaults.cooldown,
            help: "Rest after a 429 that names no time; doubles while it repeats.")
        let maxCooldown = map.duration("max_cooldown", default: defaults.maxCooldown, help: "The longest such rest.")
        if maxCooldown < cooldown { map.issue(at: "max_cooldown", "max_cooldown is shorter than cooldown") }
        self = defaults
        (self.strategy, self.maxInFlight) = (strategy, maxInFlight)
        (self.cooldown, self.maxCooldown) = (cooldown, maxCooldown)
    }
}

extension Breaker.Rules {
    init(reading map: inout SettingsMap, _ defaults: Breaker.Rules) {
        let failures = map.integer(
            "consecutive_failures", default: defaults.failuresInARow, in: 1...1000,
            help: "Failures of an account in a row that suspend it, for one class of work.")
        let ratio = map.number(
            "failure_ratio", default: defaults.failureRatio, in: 0.01...1,
            help: "So does this share of its last minute's outcomes …")
        let outcomes = map.integer(
            "min_outcomes", default: defaults.minOutcomes, in: 1...100_000, help: "… if they are so many.")
        let base = map.duration(
            "base_open", default: defaults.baseOpen, help: "For how long the first time; doubled while it repeats.")
        let longest = map.duration("max_open", default: defaults.maxOpen, help: "The longest suspension.")
        if longest < base { map.issue(at: "max_open", "max_open is shorter than base_open") }
        self = defaults
        (failuresInARow, failureRatio, minOutcomes) = (failures, ratio, outcomes)
        (baseOpen, maxOpen) = (base, longest)
    }
}

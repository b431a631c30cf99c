extension SettingsMap {
    /// `key: {requests: 60/1m, tokens: 200000/1m, concurrency: 8}`, or a list of such mappings.
    ///
    /// - Parameter measures: What may be limited here.
    public mutating func limits(_ key: String, _ measures: [RateLimit.Measure], help: String) -> [RateLimit] {
        let list = mapOrList(key, help: help) { RateLimit.read(&$0, measures) }.flatMap(\.self)
        refuseRepeated(list, at: key)
        return list
    }

    /// The same, with `per_model:` among its keys.
    public mutating func limitSet(_ key: String, help: String) -> LimitSet {
        let sets = mapOrList(key, help: help) { LimitSet(reading: &$0) }
        let set = LimitSet(all: sets.flatMap(\.all), perModel: sets.flatMap(\.perModel))
        refuseRepeated(set.all, at: key)
        refuseRepeated(set.perModel, at: key)
        return set
    }

    /// Two limits on one measure and period would share one counter; the smaller says it all.
    private func refuseRepeated(_ limits: [RateLimit], at key: String) {
        var seen: Set<String> = []
        for limit in limits where !seen.insert(limit.kind).inserted {
            issue(at: key, "there are two limits on \(limit.kind); keep the smaller one")
        }
    }
}

extension LimitSet: SettingsReadable {
    /// What a client key may be limited in.
    public static let measures: [RateLimit.Measure] = [.requests, .tokens, .concurrency]

    public init(reading map: inout SettingsMap) {
        all = RateLimit.read(&map, Self.measures)
        perModel = map.limits(
            "per_model", Self.measures, help: "The same keys, for each model by itself; or a list of such mappings.")
    }

    /// Reads limits that were sent as JSON, in the spelling of the settings file.
    ///
    /// - Returns: With issues whose paths begin with `limits`; nothing may be decided on the limits before those are
    ///   seen.
    public static func read(_ json: JSON) -> (limits: LimitSet, issues: [SettingsIssue]) {
        let issues = SettingsIssues()
        let place = SettingsPosition(file: "", line: 1, column: 1)
        let entry = SettingsEntry(key: "limits", at: place, value: SettingsNode(json, at: place))
        var map = SettingsMap(SettingsNode(.mapping([entry]), at: place), issues: issues)
        let limits = map.limitSet("limits", help: "")
        return (limits, issues.sorted)
    }

    /// In the spelling of the settings file. Several limits on one measure make a list.
    public var json: JSON {
        var maps = Self.maps(all)
        if !perModel.isEmpty {
            if maps.isEmpty { maps.append(JSONObject()) }
            maps[0]["per_model"] = Self.oneOrMany(Self.maps(perModel))
        }
        return Self.oneOrMany(maps)
    }

    private static func maps(_ limits: [RateLimit]) -> [JSONObject] {
        limits.reduce(into: []) { maps, limit in
            let key = limit.measure.rawValue
            var position = maps.firstIndex { $0[key] == nil } ?? maps.count
            // A burst belongs to the requests of its own mapping.
            if limit.measure == .requests { position = maps.firstIndex { $0["requests"] == nil } ?? maps.count }
            if position == maps.count { maps.append(JSONObject()) }
            maps[position][key] = limit.period > .zero ? .string(limit.text) : .number(JSONNumber(limit.limit))
            if limit.burst > 0 { maps[position]["burst"] = .number(JSONNumber(limit.burst)) }
        }
    }

    private static func oneOrMany(_ maps: [JSONObject]) -> JSON {
        maps.count == 1 ? .object(maps[0]) : maps.isEmpty ? .object(JSONObject()) : .array(maps.map { .object($0) })
    }
}

extension RateLimit {
    /// The limits of one mapping.
    static func read(_ map: inout SettingsMap, _ measures: [Measure]) -> [RateLimit] {
        var limits: [RateLimit] = []
        if measures.contains(.requests) {
            let rate = map.optional(
                "requests", .rate, example: Rate(limit: 60, period: .seconds(60)),
                help: "Requests per period: paced up to an hour, above it counted over the period that has passed.")
            let burst = map.optionalInteger(
                "burst", in: 1...GCRA.maxBurst, example: 10,
                help: "Requests that may come at once; else a sixth of those per minute, a tenth of those per hour.")
            if let rate { limits.append(.requests(rate.limit, per: rate.period, burst: burst)) }
            if burst != nil { checkBurst(map, rate) }
        }
        if measures.contains(.tokens) {
            let rate = map.optional(
                "tokens", .rate, example: Rate(limit: 200_000, period: .seconds(60)),
                help: "Tokens per period, prompts and answers together.")
            if let rate { limits.append(.tokens(rate.limit, per: rate.period)) }
        }
        if measures.contains(.concurrency) {
            let limit = map.optionalInteger(
                "concurrency", in: 1...100_000, example: 8, help: "Requests at a time.")
            if let limit { limits.append(.concurrency(limit)) }
        }
        if measures.contains(.daily) {
            let limit = map.optionalInteger(
                "daily", in: 1...SettingsUnits.largestNumber, example: 2,
                help: "Requests per day, as the upstream counts days.")
            if let limit { limits.append(.daily(limit)) }
        }
        return limits
    }

    private static func checkBurst(_ map: SettingsMap, _ rate: Rate?) {
        guard let rate else {
            return map.issue(at: "burst", "burst belongs to requests: write requests: N/PERIOD beside it")
        }
        guard rate.period > longestPacedPeriod else { return }
        map.issue(
            at: "burst", "above a period of one hour requests are counted, not paced, and burst says nothing; remove it"
        )
    }
}

/// An amount per period, `N/PERIOD`.
public struct Rate: Sendable, Equatable {
    public var limit: Int
    public var period: Duration

    public init(limit: Int, period: Duration) { (self.limit, self.period) = (limit, period) }
}

extension SettingsType where Value == Rate {
    /// `60/1m`: a whole number, a slash, and a time with its unit.
    public static var rate: SettingsType {
        .custom("rate (60/1m)", write: { "\($0.limit)/\(SettingsUnits.text($0.period))" }) {
            text throws(SettingsProblem) in
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(SettingsText.isDigit) else {
                throw SettingsProblem("\(text.shownInMessage) is not a rate; write N/PERIOD, such as 60/1m")
            }
            guard let limit = Int(parts[0]), (1...SettingsUnits.largestNumber).contains(limit) else {
                throw SettingsProblem(
                    "\(text.shownInMessage): the number is outside 1...\(SettingsUnits.largestNumber)")
            }
            let period = try SettingsUnits.parseDuration(SettingsScalar(String(parts[1])))
            guard period >= .seconds(1), period <= SettingsUnits.longestDuration else {
                throw SettingsProblem("\(text.shownInMessage): the period is outside 1s...365d")
            }
            return Rate(limit: limit, period: period)
        }
    }
}

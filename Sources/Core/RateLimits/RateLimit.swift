/// One limit as an operator writes it: `requests: 60/1m`, `tokens: 200000/1m`, `concurrency: 8`, `daily: 2`.
public struct RateLimit: Sendable, Hashable {
    public enum Measure: String, Sendable, CaseIterable { case requests, tokens, concurrency, daily }

    /// All of it, made once: each request holds several limits, and copies of one are references.
    private let facts: Facts

    private final class Facts: Sendable {
        let measure: Measure
        let limit: Int
        let period: Duration
        let burst: Int
        let rule: LimitRule?
        let kind: String
        let texts: FieldTexts

        init(_ measure: Measure, _ limit: Int, _ period: Duration, _ burst: Int, _ rule: LimitRule?) {
            (self.measure, self.limit, self.period, self.burst, self.rule) = (measure, limit, period, burst, rule)
            kind = period > .zero ? "\(measure.rawValue)/\(SettingsUnits.text(period))" : measure.rawValue
            texts = FieldTexts(name: RateLimit.policyName(measure, period), limit: limit, period: period)
        }
    }

    /// What the fields of an answer say of a limit, whatever is left of it.
    struct FieldTexts: Sendable {
        /// `60`.
        let limit: String
        /// `"rpm";q=60;w=60`.
        let policy: String
        /// `"rpm";r=`, which is followed by what is left.
        let stateStart: String

        fileprivate init(name: String, limit: Int, period: Duration) {
            self.limit = String(limit)
            let seconds = period.secondsRoundedUp
            policy = "\"\(name)\";q=\(limit)" + (seconds > 0 ? ";w=\(seconds)" : "")
            stateStart = "\"\(name)\";r="
        }
    }

    public var measure: Measure { facts.measure }
    public var limit: Int { facts.limit }
    /// Zero for what is not per period.
    public var period: Duration { facts.period }
    /// Requests that may come at once, where requests are paced: up to a period of an hour.
    public var burst: Int { facts.burst }
    /// What it counts, as part of a limiter's name: `requests/1m`. The amount is not in it, so that a limit that is
    /// raised keeps its count.
    public var kind: String { facts.kind }
    var fieldTexts: FieldTexts { facts.texts }
    /// How it counts; `nil` for a day's quota, which needs the day.
    var rule: LimitRule? { facts.rule }

    /// The longest period in which requests are paced; above it they are counted by the window.
    public static let longestPacedPeriod = Duration.seconds(3600)
    private static let day = Duration.seconds(86_400)

    /// - Parameter burst: `nil` for a sixth of the limit in periods of a minute and less, a tenth above; one at least.
    public static func requests(_ limit: Int, per period: Duration, burst: Int? = nil) -> RateLimit {
        let usual = max(1, limit / (period <= .seconds(60) ? 6 : 10))
        guard period <= longestPacedPeriod else {
            return RateLimit(.requests, limit, period, .window(SlidingWindow(limit: limit, period: period)))
        }
        let burst = min(max(1, burst ?? usual), max(usual, GCRA.maxBurst))
        return RateLimit(.requests, limit, period, .gcra(GCRA(limit: limit, period: period, burst: burst)), burst)
    }

    public static func tokens(_ limit: Int, per period: Duration) -> RateLimit {
        RateLimit(.tokens, limit, period, .window(SlidingWindow(limit: limit, period: period)))
    }

    public static func concurrency(_ limit: Int) -> RateLimit {
        RateLimit(.concurrency, limit, .zero, .leases(ConcurrencyLeases(limit: Int64(limit))))
    }

    public static func daily(_ limit: Int) -> RateLimit { RateLimit(.daily, limit, .zero, nil) }

    private init(_ measure: Measure, _ limit: Int, _ period: Duration, _ rule: LimitRule?, _ burst: Int = 0) {
        facts = Facts(measure, limit, period, burst, rule)
    }

    /// Everything else follows from these.
    public static func == (left: RateLimit, right: RateLimit) -> Bool {
        left.facts === right.facts
            || (left.measure, left.limit, left.period, left.burst)
                == (right.measure, right.limit, right.period, right.burst)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(measure)
        hasher.combine(limit)
        hasher.combine(period)
        hasher.combine(burst)
    }

    /// What the IETF's fields call it: `rpm`, `tpd`, `requests-10s`, `concurrency`.
    private static func policyName(_ measure: Measure, _ period: Duration) -> String {
        switch measure {
        case .concurrency, .daily: return measure.rawValue
        case .requests, .tokens:
            let letter = measure == .requests ? "r" : "t"
            switch period {
            case .seconds(1): return letter + "ps"
            case .seconds(60): return letter + "pm"
            case .seconds(3600): return letter + "ph"
            case day: return letter + "pd"
            default: return "\(measure.rawValue)-\(SettingsUnits.text(period))"
            }
        }
    }

    /// As it stands in a file: `60/1m`, `8`.
    public var text: String { period > .zero ? "\(limit)/\(SettingsUnits.text(period))" : String(limit) }

    /// For a sentence: `60 requests per 1m`.
    var words: String {
        switch measure {
        case .requests, .tokens: "\(limit) \(measure.rawValue) per \(SettingsUnits.text(period))"
        case .concurrency: limit == 1 ? "1 request at a time" : "\(limit) requests at a time"
        case .daily: limit == 1 ? "1 request a day" : "\(limit) requests a day"
        }
    }

    /// A quota rather than a pace: when it is used up, trying again soon cannot help.
    var isDailyQuota: Bool { measure == .daily || period >= Self.day }

    /// - Parameter day: For a day's quota.
    func rule(on day: QuotaDay?, wallNow: WallTime) -> LimitRule {
        if let rule { return rule }
        let endsIn = day.map { ($0.endsAt - wallNow).microseconds } ?? 0
        return .daily(DailyCounter(limit: Int64(limit), endsIn: endsIn))
    }
}

/// The limits of one owner: of all its requests together, and of those for each single model.
public struct LimitSet: Sendable, Hashable {
    public var all: [RateLimit]
    public var perModel: [RateLimit]

    public init(all: [RateLimit] = [], perModel: [RateLimit] = []) { (self.all, self.perModel) = (all, perModel) }

    public var isEmpty: Bool { all.isEmpty && perModel.isEmpty }
}

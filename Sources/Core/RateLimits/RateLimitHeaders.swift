/// What answers say about the limits of their request, allowed or not: the fields of OpenAI's API, which SDKs and
/// agents read, and those of the IETF's draft (httpapi-ratelimit-headers, 10).
///
/// Of several limits on one measure the tightest is shown. `retry-after` and `x-should-retry` belong to the error.
public enum RateLimitHeaders {
    public static func fields(_ decision: RateLimitDecision) -> [HTTPFields.Field] {
        guard !decision.standings.isEmpty else { return [] }
        var fields: [HTTPFields.Field] = []
        fields.reserveCapacity(8)
        var (policies, states) = (FieldText(capacity: 64), FieldText(capacity: 64))
        if let requests = decision.tightest(.requests) {
            add(requests, requestNames, to: &fields)
            describe(requests, &policies, &states)
        }
        if let tokens = decision.tightest(.tokens) {
            add(tokens, tokenNames, to: &fields)
            describe(tokens, &policies, &states)
        }
        // Requests at a time have no field of their own.
        if let refusal = decision.refusal, refusal.limit.measure == .concurrency {
            describe(refusal, &policies, &states)
        }
        guard !policies.isEmpty else { return fields }
        fields.append(.init(name: "ratelimit-policy", value: policies.string))
        fields.append(.init(name: "ratelimit", value: states.string))
        return fields
    }

    private typealias Names = (limit: String, remaining: String, reset: String)
    private static let requestNames: Names = (
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"
    )
    private static let tokenNames: Names = (
        "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"
    )

    private static func add(_ standing: LimitStanding, _ names: Names, to fields: inout [HTTPFields.Field]) {
        let outcome = standing.outcome
        fields.append(.init(name: names.limit, value: String(standing.limit.limit)))
        fields.append(.init(name: names.remaining, value: String(max(0, outcome.remaining))))
        fields.append(.init(name: names.reset, value: DurationText.go(.microseconds(outcome.resetAfter))))
    }

    /// `"rpm";q=60;w=60` and `"rpm";r=59;t=1`.
    private static func describe(_ standing: LimitStanding, _ policies: inout FieldText, _ states: inout FieldText) {
        let (limit, outcome) = (standing.limit, standing.outcome)
        begin(limit, &policies)
        policies.append("q=")
        policies.append(Int64(limit.limit))
        let period = limit.period.secondsRoundedUp
        if period > 0 {
            policies.append(";w=")
            policies.append(period)
        }
        begin(limit, &states)
        states.append("r=")
        states.append(outcome.remaining)
        states.append(";t=")
        states.append(Duration.microseconds(outcome.resetAfter).secondsRoundedUp)
    }

    private static func begin(_ limit: RateLimit, _ text: inout FieldText) {
        if !text.isEmpty { text.append(", ") }
        text.append("\"")
        text.append(limit.policyName)
        text.append("\";")
    }
}

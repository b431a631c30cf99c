/// What answers say about the limits of their request, allowed or not: the fields of OpenAI's API, which SDKs and
/// agents read, and those of the IETF's draft (httpapi-ratelimit-headers, 10).
///
/// Of several limits on one measure the tightest is shown. `retry-after` and `x-should-retry` belong to the error.
public enum RateLimitHeaders {
    public static func fields(_ decision: RateLimitDecision) -> [HTTPFields.Field] {
        var fields = HTTPFields()
        add(decision, to: &fields)
        return Array(fields)
    }

    /// At most so many fields.
    public static let mostFields = 8

    /// Every answer has these fields: they are written where they will be sent from.
    public static func add(_ decision: RateLimitDecision, to fields: inout HTTPFields) {
        guard !decision.standings.isEmpty else { return }
        var shown: [LimitStanding] = []
        shown.reserveCapacity(3)
        if let requests = decision.tightest(.requests) {
            add(requests, requestNames, to: &fields)
            shown.append(requests)
        }
        if let tokens = decision.tightest(.tokens) {
            add(tokens, tokenNames, to: &fields)
            shown.append(tokens)
        }
        // Requests at a time have no field of their own.
        if let refusal = decision.refusal, refusal.limit.measure == .concurrency { shown.append(refusal) }
        guard !shown.isEmpty else { return }
        fields.append("ratelimit-policy", policies(shown))
        fields.append("ratelimit", states(shown))
    }

    private typealias Names = (limit: String, remaining: String, reset: String)
    private static let requestNames: Names = (
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"
    )
    private static let tokenNames: Names = (
        "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"
    )

    private static func add(_ standing: LimitStanding, _ names: Names, to fields: inout HTTPFields) {
        fields.append(names.limit, standing.limit.fieldTexts.limit)
        fields.append(names.remaining, FieldText.make(standing.outcome.remaining))
        fields.append(names.reset, DurationText.go(microseconds: standing.outcome.resetAfter))
    }

    /// `"rpm";q=60;w=60, "tpm";q=200000;w=60`
    private static func policies(_ shown: [LimitStanding]) -> String {
        let size = shown.reduce(0) { $0 + $1.limit.fieldTexts.policy.utf8.count + 2 }
        return FieldText.make(capacity: size) { text in
            for standing in shown {
                if !text.isEmpty { text.append(", ") }
                text.append(standing.limit.fieldTexts.policy)
            }
        }
    }

    /// `"rpm";r=59;t=1, "tpm";r=1234;t=62`
    private static func states(_ shown: [LimitStanding]) -> String {
        let size = shown.reduce(0) { $0 + $1.limit.fieldTexts.stateStart.utf8.count + 2 * FieldText.mostDigits + 5 }
        return FieldText.make(capacity: size) { text in
            for standing in shown {
                if !text.isEmpty { text.append(", ") }
                text.append(standing.limit.fieldTexts.stateStart)
                text.append(standing.outcome.remaining)
                text.append(";t=")
                text.append(LimitMath.roundedUp(standing.outcome.resetAfter, 1_000_000))
            }
        }
    }
}

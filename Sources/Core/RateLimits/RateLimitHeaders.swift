/// What answers say about the limits of their request, allowed or not: the fields of OpenAI's API, which SDKs and
/// agents read, and those of the IETF's draft (httpapi-ratelimit-headers, 10).
///
/// Of several limits on one measure the tightest is shown. `retry-after` and `x-should-retry` belong to the error.
public enum RateLimitHeaders {
    public static func fields(_ decision: RateLimitDecision) -> [HTTPFields.Field] {
        guard !decision.standings.isEmpty else { return [] }
        var fields: [HTTPFields.Field] = []
        var shown: [LimitStanding] = []
        for measure in [RateLimit.Measure.requests, .tokens] {
            guard let standing = decision.tightest(measure) else { continue }
            shown.append(standing)
            let (limit, outcome) = (standing.limit, standing.outcome)
            let reset = DurationText.go(.microseconds(outcome.resetAfter))
            fields.append(.init(name: "x-ratelimit-limit-\(measure.rawValue)", value: String(limit.limit)))
            fields.append(
                .init(name: "x-ratelimit-remaining-\(measure.rawValue)", value: String(max(0, outcome.remaining))))
            fields.append(.init(name: "x-ratelimit-reset-\(measure.rawValue)", value: reset))
        }
        // Requests at a time have no field of their own.
        if let refusal = decision.refusal, refusal.limit.measure == .concurrency { shown.append(refusal) }
        guard !shown.isEmpty else { return fields }
        fields.append(.init(name: "ratelimit-policy", value: shown.map(policy).joined(separator: ", ")))
        fields.append(.init(name: "ratelimit", value: shown.map(state).joined(separator: ", ")))
        return fields
    }

    /// `"rpm";q=60;w=60`
    private static func policy(_ standing: LimitStanding) -> String {
        let period = standing.limit.period.secondsRoundedUp
        return "\"\(standing.limit.policyName)\";q=\(standing.limit.limit)" + (period > 0 ? ";w=\(period)" : "")
    }

    /// `"rpm";r=59;t=1`
    private static func state(_ standing: LimitStanding) -> String {
        let reset = Duration.microseconds(standing.outcome.resetAfter).secondsRoundedUp
        return "\"\(standing.limit.policyName)\";r=\(max(0, standing.outcome.remaining));t=\(reset)"
    }
}

public import PolluxCore

/// Recorded decisions of a limiter on Redis, number by number. Every `RateLimitStore` must come to the same.
///
/// Shape: `gcra[].steps[]` = `{now_us, limiters: [{key, T_us, burst, cost}], denied, results: [{limited, remaining,
/// retry_after_us, reset_after_us}]}`, in order on one empty store per scenario; `sliding_window[]` = `{now_ms,
/// window_ms, limit, cost, limited, remaining, retry_after_ms}`, one sequence.
public struct RateLimitVectors: Sendable {
    /// One sequence of decisions.
    public struct Scenario: Sendable {
        public var name: String
        var steps: [Step]
    }

    struct Step: Sendable {
        var now: Instant
        var claims: [(key: String, rule: LimitRule, cost: Int64)]
        var expected: [Expected]
    }

    /// Times are microseconds; what a vector does not tell is `nil`.
    struct Expected: Sendable {
        var isLimited: Bool
        var remaining: Int
        var retryAfter: Int
        var resetAfter: Int?
    }

    public var scenarios: [Scenario] = []

    /// - Throws: When the text is not JSON.
    public init(_ text: [UInt8]) throws {
        let json = try JSON.parse(text)
        for scenario in json["gcra"]?.array ?? [] {
            let steps = (scenario["steps"]?.array ?? []).map(Self.paced)
            scenarios.append(Scenario(name: scenario["name"]?.string ?? "", steps: steps))
        }
        scenarios.append(
            Scenario(name: "sliding window", steps: (json["sliding_window"]?.array ?? []).map(Self.windowed)))
    }

    /// How many decisions there are in all.
    public var count: Int { scenarios.reduce(0) { $0 + $1.steps.count } }

    /// Runs one scenario on limiters of its own.
    ///
    /// - Parameter owner: Part of the limiters' names; a store that is not empty needs another one for each run.
    /// - Returns: The first number that differs; `nil` when there is none.
    public static func difference(
        of store: any RateLimitStore, in scenario: Scenario, owner: String
    ) async throws -> String? {
        for (number, step) in scenario.steps.enumerated() {
            let claims = step.claims.map { claim in
                LimitClaim(LimiterID(.key, owner: owner, subject: claim.key, kind: "v"), claim.rule, cost: claim.cost)
            }
            let ruling = try await store.decide(claims, now: step.now)
            for (index, (outcome, expected)) in zip(ruling.outcomes, step.expected).enumerated() {
                let isSame =
                    outcome.isLimited == expected.isLimited && outcome.remaining == Int64(expected.remaining)
                    && outcome.retryAfter == Int64(expected.retryAfter)
                    && expected.resetAfter.map { outcome.resetAfter == Int64($0) } ?? true
                if !isSame { return "\(scenario.name), step \(number), limiter \(index): \(outcome), not \(expected)" }
            }
            if ruling.outcomes.count != step.expected.count { return "\(scenario.name), step \(number): no outcome" }
        }
        return nil
    }

    private static func paced(_ step: JSON) -> Step {
        Step(
            now: Instant(microseconds: int(step, "now_us")),
            claims: (step["limiters"]?.array ?? []).map { limiter in
                let rule = LimitRule.gcra(GCRA(interval: int(limiter, "T_us"), burst: int(limiter, "burst")))
                return (limiter["key"]?.string ?? "", rule, int(limiter, "cost"))
            },
            expected: (step["results"]?.array ?? []).map { result in
                Expected(
                    isLimited: result["limited"]?.int == 1, remaining: result["remaining"]?.int ?? .min,
                    retryAfter: result["retry_after_us"]?.int ?? .min, resetAfter: result["reset_after_us"]?.int)
            })
    }

    private static func windowed(_ step: JSON) -> Step {
        let window = SlidingWindow(limit: int(step, "limit"), width: int(step, "window_ms"))
        return Step(
            now: Instant(microseconds: int(step, "now_ms") * 1000),
            claims: [("w", .window(window), int(step, "cost"))],
            expected: [
                Expected(
                    isLimited: step["limited"]?.int == 1, remaining: step["remaining"]?.int ?? .min,
                    retryAfter: (step["retry_after_ms"]?.int ?? .min / 1000) * 1000)
            ])
    }

    private static func int(_ json: JSON, _ key: String) -> Int64 { Int64(json[key]?.int ?? 0) }
}

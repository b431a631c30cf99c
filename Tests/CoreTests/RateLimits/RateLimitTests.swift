import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Limits as they are written, and what clients read of them")
struct RateLimitTests {
    private func read(_ text: String) throws -> (limits: LimitSet, messages: [String]) {
        let (limits, issues) = LimitSet.read(try JSON.parse(Array(text.utf8)))
        return (limits, issues.map { "\($0.path): \($0.message)" })
    }

    @Test("requests are paced up to an hour, with a burst of a sixth or a tenth, and counted above")
    func algorithm() {
        #expect(RateLimit.requests(60, per: .seconds(60)).burst == 10)
        #expect(RateLimit.requests(60, per: .seconds(3600)).burst == 6)
        #expect(RateLimit.requests(3, per: .seconds(60)).burst == 1)
        #expect(RateLimit.requests(5, per: .seconds(10), burst: 5).burst == 5)
        let hour = RateLimit.requests(60, per: .seconds(3600))
        #expect(hour.rule == .gcra(GCRA(interval: 60_000_000, burst: 6)))
        let day = RateLimit.requests(100, per: .seconds(86_400))
        #expect(day.rule == .window(SlidingWindow(limit: 100, width: 86_400_000)))
        let tokens = RateLimit.tokens(1000, per: .seconds(60))
        #expect(tokens.rule == .window(SlidingWindow(limit: 1000, width: 60_000)))
    }

    @Test("one mapping, a list, and limits per model are read from JSON as from a file")
    func readJSON() throws {
        let (one, none) = try read(#"{"requests": "60/1m", "burst": 5, "tokens": "200000/1m", "concurrency": 8}"#)
        #expect(none.isEmpty)
        #expect(
            one.all == [
                .requests(60, per: .seconds(60), burst: 5), .tokens(200_000, per: .seconds(60)), .concurrency(8),
            ])
        let (many, still) = try read(
            #"[{"requests": "60/1m"}, {"requests": "1000/1d","#
                + #""per_model": [{"requests": "2/10s"}, {"concurrency": 1}]}]"#
        )
        #expect(still.isEmpty)
        #expect(many.all == [.requests(60, per: .seconds(60)), .requests(1000, per: .seconds(86_400))])
        #expect(many.perModel == [.requests(2, per: .seconds(10)), .concurrency(1)])
    }

    @Test("what was read is written again as the same limits")
    func roundTrip() throws {
        let sets = [
            LimitSet(), LimitSet(all: [.concurrency(3)]),
            LimitSet(all: [.requests(5, per: .seconds(10), burst: 5), .tokens(9, per: .seconds(1))]),
            LimitSet(
                all: [.tokens(9, per: .seconds(60)), .tokens(99, per: .seconds(86_400))],
                perModel: [.requests(1, per: .seconds(60)), .requests(20, per: .seconds(86_400))]),
            LimitSet(perModel: [.concurrency(1)]),
        ]
        for set in sets {
            let (again, issues) = LimitSet.read(set.json)
            #expect(issues.isEmpty && Set(again.all) == Set(set.all) && again.perModel == set.perModel, "\(set.json)")
        }
    }

    @Test(
        "limits that cannot be meant are refused with their place and the way out",
        arguments: [
            (#"{"requests": "60"}"#, "limits.requests: \"60\" is not a rate; write N/PERIOD, such as 60/1m"),
            (#"{"requests": 60}"#, "limits.requests: \"60\" is not a rate; write N/PERIOD, such as 60/1m"),
            (#"{"requests": "60/m"}"#, "limits.requests: \"m\" is not a duration"),
            (#"{"requests": "0/1m"}"#, "limits.requests: \"0/1m\": the number is outside 1...2147483648"),
            (#"{"tokens": "1/500ms"}"#, "limits.tokens: \"1/500ms\": the period is outside 1s...365d"),
            (#"{"burst": 5}"#, "limits.burst: burst belongs to requests"),
            (#"{"requests": "10/1d", "burst": 5}"#, "limits.burst: above a period of one hour"),
            (#"{"concurrency": 0}"#, "limits.concurrency: 0 is outside 1...100000"),
            (#"{"request": "60/1m"}"#, "limits.request: unknown key; did you mean \"requests\"?"),
            (#"{"daily": 2}"#, "limits.daily: unknown key"),
            (#"[{"requests": "60/1m"}, {"requests": "50/60s"}]"#, "limits: there are two limits on requests/1m"),
            (#"{"per_model": {"tokens": 5}}"#, "limits.per_model.tokens: \"5\" is not a rate"),
            (#""60/1m""#, "limits: expected a mapping (key: value), found text"),
        ])
    func refused(_ text: String, _ message: String) throws {
        let messages = try read(text).messages
        #expect(messages.contains { $0.hasPrefix(message) }, "\(messages)")
    }

    @Test(
        "durations read as Go prints them, rounded up to the millisecond",
        arguments: [
            (0, "0s"), (1, "1ms"), (120_000, "120ms"), (999_001, "1s"), (1_000_000, "1s"), (1_500_000, "1.5s"),
            (60_000_000, "1m0s"), (360_000_000, "6m0s"), (3_600_000_000, "1h0m0s"), (86_400_000_000, "24h0m0s"),
            (61_020_000, "1m1.02s"), (-5, "0s"), (3_599_999_999_000, "999h59m59.999s"),
            (3_600_000_000_000, "1000h0m0s"),
            (Int64.max, "2562047788h0m54.776s"),
        ])
    func goDurations(_ microseconds: Int64, _ text: String) {
        #expect(DurationText.go(.microseconds(microseconds)) == text)
    }

    private func standing(
        _ layer: RateLimitLayer, _ limit: RateLimit, left: Int64, reset: Int64 = 1_000_000, retry: Int64? = nil
    ) -> LimitStanding {
        LimitStanding(
            layer, limit, model: layer == .keyModel ? "m" : "",
            outcome: LimitOutcome(
                isLimited: retry != nil, remaining: left, resetAfter: reset, retryAfter: retry ?? 0), cost: 1)
    }

    @Test("answers tell the tightest limit on each measure in the fields of OpenAI and of the IETF")
    func headers() {
        let decision = RateLimitDecision(standings: [
            standing(.global, .requests(6000, per: .seconds(3600)), left: 500),
            standing(.key, .requests(60, per: .seconds(60)), left: 59),
            standing(.key, .tokens(200_000, per: .seconds(60)), left: 1234, reset: 61_500_000),
            standing(.key, .concurrency(8), left: 0, reset: 0),
        ])
        let lines = RateLimitHeaders.fields(decision).map { "\($0.name): \($0.value)" }
        #expect(
            lines == [
                "x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 59",
                "x-ratelimit-reset-requests: 1s", "x-ratelimit-limit-tokens: 200000",
                "x-ratelimit-remaining-tokens: 1234", "x-ratelimit-reset-tokens: 1m1.5s",
                "ratelimit-policy: \"rpm\";q=60;w=60, \"tpm\";q=200000;w=60",
                "ratelimit: \"rpm\";r=59;t=1, \"tpm\";r=1234;t=62",
            ])
        #expect(decision.error == nil)
    }

    @Test("the largest numbers there can be are shown whole, and none below zero")
    func extremes() {
        let decision = RateLimitDecision(standings: [
            standing(.key, .requests(Int(Int32.max), per: .seconds(31_536_000)), left: .max, reset: .max),
            standing(.key, .tokens(1, per: .seconds(1)), left: -3, reset: 0),
        ])
        let fields = HTTPFields(RateLimitHeaders.fields(decision))
        #expect(fields["x-ratelimit-remaining-requests"] == "9223372036854775807")
        #expect(fields["x-ratelimit-remaining-tokens"] == "0")
        #expect(
            fields["ratelimit-policy"] == "\"requests-365d\";q=2147483647;w=31536000, \"tps\";q=1;w=1")
        #expect(
            fields["ratelimit"]
                == "\"requests-365d\";r=9223372036854775807;t=9223372036855, \"tps\";r=0;t=0")
    }

    @Test("of several limits that refuse, the one that takes longest is named, and is the one that is shown")
    func refusal() throws {
        let decision = RateLimitDecision(standings: [
            standing(.key, .requests(60, per: .seconds(60)), left: 0, retry: 1_000_000),
            standing(.keyModel, .requests(5, per: .seconds(10)), left: 0, retry: 1_500_000),
        ])
        let error = try #require(decision.error)
        #expect(error.kind == .rateLimited && error.retryAfter == .milliseconds(1500))
        #expect(
            error.message
                == "this API key is at the limit of 5 requests per 10s for the model \"m\"; try again in 1.5s")
        let policy = RateLimitHeaders.fields(decision).first { $0.name == "ratelimit-policy" }?.value
        #expect(policy == "\"requests-10s\";q=5;w=10")
    }

    @Test("a quota of a day or more is a quota, not a pace")
    func quota() {
        let decision = RateLimitDecision(standings: [
            standing(.global, .requests(100, per: .seconds(86_400)), left: 0, retry: 7_200_000_000)
        ])
        #expect(decision.error?.kind == .quotaExhausted)
        #expect(
            decision.error?.message
                == "this gateway is at the limit of 100 requests per 1d; try again in 2h0m0s")
    }

    @Test("what costs more than its limit is told that waiting cannot help")
    func never() {
        var refusing = standing(.key, .tokens(1000, per: .seconds(60)), left: 1000, retry: LimitOutcome.never)
        refusing.cost = 5000
        let decision = RateLimitDecision(standings: [
            refusing, standing(.key, .requests(60, per: .seconds(60)), left: 0, retry: 1_000_000),
        ])
        #expect(decision.error?.isHopeless == true)
        #expect(decision.error?.retryAfter == .seconds(60), "the period of its limit: every 429 names a time")
        #expect(decision.error?.message.contains("5000 tokens") == true)
    }
}

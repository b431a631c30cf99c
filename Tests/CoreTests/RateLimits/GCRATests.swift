import PolluxCore
import Testing

@Suite("Requests that are paced (reliability requirements, 10.2)")
struct GCRATests {
    private let start: Int64 = 1_700_000_000_000_000

    @Test("a burst is let through at once, then one per interval")
    func burstThenPace() {
        let gcra = GCRA(limit: 60, period: .seconds(60), burst: 3)
        var tat: Int64?
        var allowed: [Int64] = []
        for millisecond in stride(from: Int64(0), through: 5000, by: 100) {
            let now = start + millisecond * 1000
            let (outcome, next) = gcra.decide(tat: tat, cost: 1, now: now)
            guard !outcome.isLimited else { continue }
            tat = next
            allowed.append(millisecond)
        }
        #expect(allowed == [0, 100, 200, 1000, 2000, 3000, 4000, 5000])
    }

    @Test("a refusal says to the microsecond when the same request passes")
    func exactWait() {
        let gcra = GCRA(limit: 7, period: .seconds(1), burst: 1)
        let (_, tat) = gcra.decide(tat: nil, cost: 1, now: start)
        let (refused, _) = gcra.decide(tat: tat, cost: 1, now: start + 5)
        #expect(refused.isLimited && refused.retryAfter == 142_853)
        let (early, _) = gcra.decide(tat: tat, cost: 1, now: start + 5 + refused.retryAfter - 1)
        #expect(early.isLimited)
        let (onTime, _) = gcra.decide(tat: tat, cost: 1, now: start + 5 + refused.retryAfter)
        #expect(!onTime.isLimited)
    }

    @Test("what costs more than the burst is refused for good, and charges nothing")
    func never() {
        let gcra = GCRA(limit: 60, period: .seconds(60), burst: 3)
        let (outcome, tat) = gcra.decide(tat: nil, cost: 4, now: start)
        #expect(outcome == LimitOutcome(isLimited: true, remaining: 3, resetAfter: 0, retryAfter: LimitOutcome.never))
        #expect(tat == start)
    }

    @Test("the interval is rounded up, so that no period admits more than its limit")
    func roundedUp() {
        #expect(GCRA(limit: 7, period: .seconds(1), burst: 7).interval == 142_858)
        #expect(GCRA(limit: 60, period: .seconds(60), burst: 7).interval == 1_000_000)
    }

    @Test(
        "no moment and no stored value traps",
        arguments: [Int64.min, -1, 0, 1, .max], [Int64?.none, .min, 0, .max] as [Int64?])
    func hostileNumbers(now: Int64, tat: Int64?) {
        for cost in [Int64.min, 0, 1, .max] {
            let gcra = GCRA(interval: .max, burst: .max)
            let (outcome, _) = gcra.decide(tat: tat, cost: cost, now: now)
            #expect(outcome.retryAfter >= LimitOutcome.never)
            _ = GCRA(interval: .min, burst: .min).decide(tat: tat, cost: cost, now: now)
        }
    }
}

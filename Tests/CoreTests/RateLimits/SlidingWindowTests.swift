import PolluxCore
import Testing

@Suite("Amounts over the period that has passed (reliability requirements, 10.3)")
struct SlidingWindowTests {
    private let minute = SlidingWindow(limit: 10, period: .seconds(60))
    /// The start of a window.
    private let start: Int64 = 1_699_999_980_000

    @Test("the previous window counts for the share that the trailing period still covers")
    func fades() {
        let (_, state) = minute.decide(nil, cost: 10, now: start)
        let half = minute.decide(state, cost: 5, now: start + 90_000).outcome
        #expect(!half.isLimited && half.remaining == 0)
        let more = minute.decide(state, cost: 6, now: start + 90_000).outcome
        #expect(more.isLimited && more.remaining == 5)
        let later = minute.decide(state, cost: 10, now: start + 120_000).outcome
        #expect(!later.isLimited)
    }

    @Test("a refusal says to the millisecond when the same request passes", arguments: [0, 1, 17_000, 59_999])
    func exactWait(elapsed: Int64) {
        var (_, state) = minute.decide(nil, cost: 7, now: start - 60_000)
        (_, state) = minute.decide(state, cost: 3, now: start + elapsed)
        for cost in Int64(1)...10 {
            let outcome = minute.decide(state, cost: cost, now: start + elapsed).outcome
            guard outcome.isLimited else { continue }
            let end = start + elapsed + outcome.retryAfter / 1000
            let early = minute.decide(state, cost: cost, now: end - 1).outcome
            let onTime = minute.decide(state, cost: cost, now: end).outcome
            #expect(early.isLimited && !onTime.isLimited, "cost \(cost)")
        }
    }

    @Test("what was reserved too much goes back to the window that was charged, for as long as it counts")
    func refund() {
        let (_, state) = minute.decide(nil, cost: 10, now: start)
        let index = state.index
        let same = minute.correct(state, by: -6, chargedTo: index, now: start + 1000)
        #expect(same == SlidingWindow.State(index: index, current: 4))
        let next = minute.correct(state, by: -6, chargedTo: index, now: start + 60_000)
        #expect(next == SlidingWindow.State(index: index + 1, current: 0, previous: 4))
        let later = minute.correct(state, by: -6, chargedTo: index, now: start + 120_000)
        #expect(later == SlidingWindow.State(index: index + 2))
    }

    @Test("what was spent beyond the reservation is charged to the window that runs, above the limit if need be")
    func extra() {
        let (_, state) = minute.decide(nil, cost: 10, now: start)
        let more = minute.correct(state, by: 25, chargedTo: state.index, now: start + 60_000)
        #expect(more == SlidingWindow.State(index: state.index + 1, current: 25, previous: 10))
        let refused = minute.decide(more, cost: 1, now: start + 60_000).outcome
        #expect(refused.isLimited && refused.remaining == 0)
    }

    @Test("a clock that steps back admits nothing extra")
    func backwards() {
        let (_, state) = minute.decide(nil, cost: 10, now: start)
        let refused = minute.decide(state, cost: 1, now: start - 3_600_000).outcome
        #expect(refused.isLimited)
    }

    @Test("large amounts and long periods are counted exactly")
    func large() {
        let year = SlidingWindow(limit: 1 << 31, period: .seconds(365 * 86_400))
        let begin = year.width * 54
        let (_, full) = year.decide(nil, cost: 1 << 31, now: begin)
        // The year's 2³¹ fade by one in 14.7 ms.
        for (cost, elapsed) in [(Int64(1), Int64(0)), (2, 14), (3, 29)] {
            let refused = year.decide(full, cost: cost, now: begin + year.width + elapsed).outcome
            #expect(refused.isLimited && refused.retryAfter == 1000, "cost \(cost)")
            let allowed = year.decide(full, cost: cost, now: begin + year.width + elapsed + 1).outcome
            #expect(!allowed.isLimited && allowed.remaining == 0, "cost \(cost)")
        }
    }

    @Test("no moment, no count and no cost traps", arguments: [Int64.min, -1, 0, .max])
    func hostileNumbers(now: Int64) {
        let states: [SlidingWindow.State?] = [
            nil, .init(index: .min, current: .max, previous: .max), .init(index: .max, current: .min, previous: .min),
            .init(index: 0, current: .max, previous: .max),
        ]
        for state in states {
            for window in [SlidingWindow(limit: .max, width: .max), SlidingWindow(limit: .min, width: .min)] {
                for cost in [Int64.min, 1, .max] {
                    let outcome = window.decide(state, cost: cost, now: now).outcome
                    #expect(outcome.retryAfter >= LimitOutcome.never || outcome.isLimited)
                    _ = window.correct(state, by: cost, chargedTo: .min, now: now)
                }
            }
        }
    }
}

import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Circuit breakers")
struct BreakerTests {
    private let random = NoJitter()
    private func at(_ seconds: Double) -> Instant { Instant(microseconds: Int64(seconds * 1_000_000)) }

    /// A breaker that has just opened for the first time, at second 0.
    private func opened(_ rules: Breaker.Rules) -> Breaker {
        var breaker = Breaker()
        for number in 1...UInt64(rules.failuresInARow) { _ = breaker.fail(number, .server, rules, at(0), random) }
        return breaker
    }

    @Test("an account's opens at the fifth failure in a row, for a minute, however long the failures took")
    func consecutive() {
        let rules = Breaker.Rules()
        var breaker = Breaker()
        for number in 1...4 {
            let change = breaker.fail(UInt64(number), .timeout, rules, at(Double(number) * 400), random)
            #expect(change == nil)
        }
        let change = breaker.fail(5, .timeout, rules, at(2000), random)
        #expect(change == .opened(until: at(2060)))
        #expect(breaker.openings(at(2000)) == 1)
    }

    @Test("a success between them begins the row anew")
    func interrupted() {
        let rules = Breaker.Rules(minOutcomes: 1000)
        var breaker = Breaker()
        for number in 1...20 {
            if number % 5 == 0 {
                _ = breaker.succeed(UInt64(number), rules, at(0))
            } else {
                _ = breaker.fail(UInt64(number), .server, rules, at(0), random)
            }
        }
        #expect(breaker.isClosed == true)
        #expect(breaker.failures == 0)
    }

    @Test("it opens when half of ten outcomes within a minute failed, and outcomes older than that do not count")
    func ratio() {
        let rules = Breaker.Rules(failuresInARow: 100)
        var old = Breaker()
        for number in 1...9 { _ = old.fail(UInt64(number), .server, rules, at(0), random) }
        #expect(old.fail(10, .server, rules, at(60), random) == nil)
        var fresh = Breaker()
        for number in 1...5 { _ = fresh.succeed(UInt64(number), rules, at(0)) }
        for number in 6...9 { #expect(fresh.fail(UInt64(number), .server, rules, at(59), random) == nil) }
        #expect(fresh.fail(10, .server, rules, at(59), random) == .opened(until: at(119)))
    }

    @Test("an endpoint's opens after five failures without a success between that lie three seconds apart")
    func endpointRun() {
        var quick = Breaker()
        for number in 1...19 { #expect(quick.fail(UInt64(number), .server, .endpoint, at(2.9), random) == nil) }
        var slow = Breaker()
        for number in 1...4 { #expect(slow.fail(UInt64(number), .server, .endpoint, at(0), random) == nil) }
        #expect(slow.fail(5, .server, .endpoint, at(3), random) == .opened(until: at(13)))
    }

    @Test("an endpoint's opens when half of twenty outcomes within ten seconds failed")
    func endpointRatio() {
        var breaker = Breaker()
        for number in 1...10 { _ = breaker.succeed(UInt64(number), .endpoint, at(0)) }
        for number in 11...19 { #expect(breaker.fail(UInt64(number), .reset, .endpoint, at(1), random) == nil) }
        #expect(breaker.fail(20, .reset, .endpoint, at(1), random) == .opened(until: at(11)))
    }

    @Test("a fifth of all requests failing at random never opens an endpoint's", arguments: 0..<20)
    func independentFailures(seed: Int) {
        let dice = SeededRandom(seed: seed)
        var breaker = Breaker()
        // Past the first twenty outcomes, where chance alone may make a half.
        for number in 0..<40 { _ = breaker.succeed(UInt64(number), .endpoint, at(0)) }
        for number in 0..<20_000 {
            let now = at(Double(number) / 200)
            let change =
                dice.below(5) == 0
                ? breaker.fail(UInt64(number), .server, .endpoint, now, random)
                : breaker.succeed(UInt64(number), .endpoint, now)
            #expect(change == nil, "seed \(seed), outcome \(number)")
        }
    }

    @Test("open, it lets nobody pass; when its time is over, one request at a time tries")
    func halfOpen() {
        let rules = Breaker.Rules()
        var breaker = opened(rules)
        #expect(breaker.letsPass(at(59.9)) == false)
        #expect(breaker.settle(rules, at(59.9), random) == nil)
        #expect(breaker.settle(rules, at(60), random) == .halfOpened)
        #expect(breaker.letsPass(at(60)) == true)
        breaker.begin(100, deadline: at(360))
        #expect(breaker.letsPass(at(61)) == false)
    }

    @Test("two successes of probes close it, one after the other")
    func closes() {
        let rules = Breaker.Rules()
        var breaker = opened(rules)
        _ = breaker.settle(rules, at(60), random)
        breaker.begin(100, deadline: at(360))
        #expect(breaker.succeed(100, rules, at(61)) == nil)
        #expect(breaker.phase == .halfOpen)
        breaker.begin(101, deadline: at(360))
        #expect(breaker.succeed(101, rules, at(62)) == .closed)
        #expect(breaker.failures == 0)
    }

    @Test("a failed probe opens it for twice as long, up to the longest")
    func doubles() {
        let rules = Breaker.Rules(baseOpen: .seconds(60), maxOpen: .seconds(200))
        var breaker = opened(rules)
        var now = at(60)
        for length in [120.0, 200, 200] {
            _ = breaker.settle(rules, now, random)
            breaker.begin(7, deadline: now + .seconds(300))
            let until = now + .microseconds(Int64(length * 1_000_000))
            #expect(breaker.fail(7, .server, rules, now, random) == .opened(until: until))
            now = until
        }
        #expect(breaker.openings(now) == 4)
    }

    @Test("a probe whose client left frees the place and proves nothing")
    func cancelled() {
        let rules = Breaker.Rules()
        var breaker = opened(rules)
        _ = breaker.settle(rules, at(60), random)
        breaker.begin(100, deadline: at(360))
        breaker.forgo(100)
        #expect(breaker.phase == .halfOpen)
        #expect(breaker.letsPass(at(61)) == true)
    }

    @Test("a probe older than its attempt may be has failed, whatever it says later")
    func oldProbe() {
        let rules = Breaker.Rules()
        var breaker = opened(rules)
        _ = breaker.settle(rules, at(60), random)
        breaker.begin(100, deadline: at(360))
        #expect(breaker.settle(rules, at(359), random) == nil)
        #expect(breaker.settle(rules, at(360), random) == .opened(until: at(480)))
        #expect(breaker.succeed(100, rules, at(361)) == nil)
        #expect(breaker.isClosed == false)
    }

    @Test("requests from before it opened say nothing while it is open or half-open")
    func latecomers() {
        let rules = Breaker.Rules()
        var breaker = opened(rules)
        #expect(breaker.succeed(3, rules, at(1)) == nil)
        #expect(breaker.fail(4, .server, rules, at(2), random) == nil)
        _ = breaker.settle(rules, at(60), random)
        breaker.begin(100, deadline: at(360))
        _ = breaker.succeed(5, rules, at(61))
        _ = breaker.succeed(6, rules, at(61))
        #expect(breaker.phase == .halfOpen)
        #expect(breaker.isProbing == true)
    }

    @Test("ten minutes after it closed it has forgotten how often it opened")
    func forgets() {
        let rules = Breaker.Rules()
        for (pause, expected) in [(599.0, 120.0), (600, 60)] {
            var breaker = opened(rules)
            _ = breaker.settle(rules, at(60), random)
            for number in 100...101 {
                breaker.begin(UInt64(number), deadline: at(360))
                _ = breaker.succeed(UInt64(number), rules, at(60))
            }
            var change: Breaker.Change?
            for number in 1...5 { change = breaker.fail(UInt64(number), .server, rules, at(60 + pause), random) }
            #expect(change == .opened(until: at(60 + pause + expected)))
        }
    }

    @Test("an opening that was somebody else's fault counts for nothing")
    func released() {
        let rules = Breaker.Rules()
        var breaker = opened(rules)
        breaker.release()
        #expect(breaker.isClosed == true)
        #expect(breaker.openings(at(1)) == 0)
    }

    @Test("times are spread by a tenth", arguments: 0..<50)
    func jitter(seed: Int) {
        let rules = Breaker.Rules()
        var breaker = Breaker()
        var until = at(0)
        for number in 1...5 {
            if case .opened(let end) = breaker.fail(
                UInt64(number), .server, rules, at(0), SeededRandom(seed: seed))
            {
                until = end
            }
        }
        #expect(until >= at(54) && until <= at(66), "seed \(seed)")
    }

    @Test("random outcomes, probes and times: every phase is that of a naive breaker", arguments: 0..<200)
    func naive(seed: Int) {
        let dice = SeededRandom(seed: seed)
        func pick(_ count: Int) -> Int { Int(dice.below(UInt64(count))) }
        let rules = Breaker.Rules(
            failuresInARow: 2 + pick(4), runSpan: .seconds(Int64(pick(3))), minOutcomes: 4 + pick(6),
            failureRatio: [0.3, 0.5, 0.9][pick(3)], window: 1 + pick(12), baseOpen: .seconds(Int64(1 + pick(20))),
            maxOpen: .seconds(Int64(30 + pick(30))))
        var (breaker, naive) = (Breaker(), NaiveBreaker(rules))
        var now = Instant(microseconds: Int64(pick(5_000_000)) - 2_000_000)
        var out: [UInt64] = []
        for step in 0..<400 {
            now = now + [.zero, .milliseconds(300), .seconds(1), .seconds(Int64(pick(40))), .seconds(700)][pick(5)]
            _ = breaker.settle(rules, now, random)
            naive.settle(now)
            #expect(breaker.letsPass(now) == naive.letsPass, "seed \(seed), step \(step)")
            if out.count < 4, breaker.letsPass(now) {
                let number = UInt64(step) + 1
                breaker.begin(number, deadline: now + .seconds(9))
                naive.begin(number, deadline: now + .seconds(9))
                out.append(number)
            } else if !out.isEmpty {
                let number = out.remove(at: pick(out.count))
                switch pick(5) {
                case 0:
                    breaker.forgo(number)
                    naive.forgo(number)
                case 1, 2:
                    _ = breaker.succeed(number, rules, now)
                    naive.end(number, nil, now)
                default:
                    _ = breaker.fail(number, .answer, rules, now, random)
                    naive.end(number, .answer, now)
                }
            }
            #expect(Self.phase(breaker) == naive.phase, "seed \(seed), step \(step)")
        }
    }

    private static func phase(_ breaker: Breaker) -> NaiveBreaker.Phase {
        switch breaker.phase {
        case .closed: .closed
        case .open(let until): .open(until: until)
        case .halfOpen: .halfOpen
        }
    }
}

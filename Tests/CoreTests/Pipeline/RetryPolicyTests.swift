import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("What may be retried")
struct RetryPolicyTests {
    private static let decisions: [GatewayError.Kind: RetryDecision] = [
        .upstreamUnreachable: .elsewhereOrSame, .upstreamTLS: .elsewhereOrSame, .upstreamReset: .elsewhereOrSame,
        .upstreamError: .elsewhereOrSame, .upstreamUnavailable: .elsewhereOrSame,
        .upstreamBadResponse: .elsewhereOrSameOnce, .upstreamTruncated: .elsewhereOrSameOnce,
        .upstreamTimeout: .elsewhere, .rateLimited: .elsewhere,
        .quotaExhausted: .elsewhere, .upstreamAuth: .elsewhere,
    ]

    @Test("each kind of failure allows what its class says", arguments: GatewayError.Kind.allCases)
    func decision(after kind: GatewayError.Kind) {
        let decision = RetryPolicy().decision(after: GatewayError(kind, .endpoint, ""))
        #expect(decision == Self.decisions[kind] ?? .stop)
    }

    @Test("an upstream that asks for more than two seconds is not asked again by the same account (T-5)")
    func longRetryAfter() {
        let policy = RetryPolicy()
        let wait = { GatewayError(.upstreamUnavailable, .endpoint, "", retryAfter: $0) }
        #expect(policy.decision(after: wait(.seconds(2))) == .elsewhereOrSame)
        #expect(policy.decision(after: wait(.milliseconds(2001))) == .elsewhere)
    }

    @Test("the pause is anywhere in a window that doubles from 200 ms up to 2 s (T-5)")
    func pause() {
        let random = SeededRandom(seed: 1)
        let bounds: [(retry: Int, window: Duration)] = [
            (1, .milliseconds(200)), (2, .milliseconds(400)), (3, .milliseconds(800)), (4, .milliseconds(1600)),
            (5, .seconds(2)), (60, .seconds(2)), (.max, .seconds(2)), (.min, .milliseconds(100)),
        ]
        for (retry, window) in bounds {
            let pauses = (0..<500).map { _ in RetryPolicy().pause(before: retry, random: random) }
            #expect(pauses.allSatisfy { $0 >= .zero && $0 < window })
            #expect(pauses.contains { $0 > window * 3 / 4 }, "retry \(retry) does not use its window")
            #expect(pauses.contains { $0 < window / 4 })
        }
    }
}

@Suite("The retry budget (T-4)")
struct RetryBudgetTests {
    @Test("it starts at 20, a retry costs 1, a retry after a timeout 2")
    func prices() {
        var budget = RetryBudget(ratio: 0.2)
        for _ in 0..<20 { #expect(budget.spend(afterTimeout: false) == true) }
        #expect(budget.spend(afterTimeout: false) == false)
        var other = RetryBudget(ratio: 0.2)
        for _ in 0..<10 { #expect(other.spend(afterTimeout: true) == true) }
        #expect(other.spend(afterTimeout: true) == false)
    }

    @Test("a first attempt adds its share, up to 100 in all")
    func growth() {
        var budget = RetryBudget(ratio: 0.5)
        for _ in 0..<20 { _ = budget.spend(afterTimeout: false) }
        budget.recordFirstAttempt()
        #expect(budget.spend(afterTimeout: false) == false)
        budget.recordFirstAttempt()
        #expect(budget.spend(afterTimeout: true) == false)
        #expect(budget.spend(afterTimeout: false) == true)
        for _ in 0..<10_000 { budget.recordFirstAttempt() }
        #expect(budget.tokens == 100)
    }

    @Test("in an outage the upstream meets at most a fifth more requests, and 20 at its start")
    func outage() {
        var (budget, sent) = (RetryBudget(ratio: 0.2), 0)
        for _ in 0..<10_000 {
            budget.recordFirstAttempt()
            sent += 1
            for _ in 0..<2 where budget.spend(afterTimeout: false) { sent += 1 }
        }
        #expect(sent <= 12_020)
        #expect(sent >= 12_010)
    }

    @Test("a share of nothing leaves only what it began with")
    func none() {
        var budget = RetryBudget(ratio: 0)
        for _ in 0..<1000 { budget.recordFirstAttempt() }
        let retries = (0..<50).count { _ in budget.spend(afterTimeout: false) }
        #expect(retries == 20)
    }
}

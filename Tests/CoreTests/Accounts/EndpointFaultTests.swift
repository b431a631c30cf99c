import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Whose fault it is (B-8)")
struct EndpointFaultTests {
    private let broken = GatewayError(.upstreamError, .endpoint, "500")
    /// Never opens by itself, so that only accounts are seen.
    private let rules = AccountPoolState.Rules(maxInFlight: 9, endpoint: .never)

    private func fail(_ pool: inout AccountPoolState, _ id: String, _ times: Int, at seconds: Int64 = 0) {
        for _ in 0..<times {
            guard pool.lease(account: id, for: .text, now: now(seconds), wallNow: PoolWorld.wall) else { return }
            pool.release(id, for: .text, after: broken, now: now(seconds), grant: pool.lastGrant)
        }
    }

    private func succeed(_ pool: inout AccountPoolState, _ id: String, at seconds: Int64 = 0) {
        guard pool.lease(account: id, for: .text, now: now(seconds), wallNow: PoolWorld.wall) else { return }
        pool.release(id, for: .text, after: nil, now: now(seconds), grant: pool.lastGrant)
    }

    private func now(_ seconds: Int64) -> Instant { PoolWorld.start + .seconds(seconds) }

    private func state(_ pool: AccountPoolState, _ id: String) -> AccountState? { pool.report(of: id)?.state }

    @Test("a fault of half of four accounts within ten seconds releases those that it has suspended")
    func released() {
        var pool = AccountPoolState(["a", "b", "c", "d"], rules)
        fail(&pool, "a", 5)
        #expect(state(pool, "a") == .suspended)
        succeed(&pool, "b")
        succeed(&pool, "c")
        #expect(state(pool, "a") == .suspended)
        // The fourth is the second that is hit.
        fail(&pool, "d", 1)
        #expect(state(pool, "a") == .ready)
        #expect(pool.report(of: "a")?.transitions.last?.evidence.cause == .endpoint)
        #expect(pool.report(of: "a")?.classes[0].openings == 0)
    }

    @Test("while it lasts, nothing of it counts against an account")
    func lasting() {
        var pool = AccountPoolState(["a", "b", "c", "d"], rules)
        for id in ["a", "b", "c", "d"] { fail(&pool, id, 1) }
        for _ in 0..<10 { for id in ["a", "b", "c", "d"] { fail(&pool, id, 1, at: 5) } }
        #expect(["a", "b", "c", "d"].map { state(pool, $0) } == [.ready, .ready, .ready, .ready])
        #expect(pool.report(of: "a")?.classes[0].failures == 0)
    }

    @Test("of three accounts, or with a fault of less than half, each stands for itself")
    func own() {
        var three = AccountPoolState(["a", "b", "c"], rules)
        for id in ["a", "b", "c"] { fail(&three, id, 5) }
        #expect(["a", "b", "c"].map { state(three, $0) } == [.suspended, .suspended, .suspended])
        var five = AccountPoolState(["a", "b", "c", "d", "e"], rules)
        for id in ["c", "d", "e"] { succeed(&five, id) }
        fail(&five, "a", 5)
        fail(&five, "b", 5)
        #expect(["a", "b"].map { state(five, $0) } == [.suspended, .suspended])
    }

    @Test("faults that lie further apart are not one fault")
    func apart() {
        var pool = AccountPoolState(["a", "b", "c", "d"], rules)
        fail(&pool, "a", 5)
        succeed(&pool, "b", at: 10)
        succeed(&pool, "c", at: 10)
        fail(&pool, "d", 1, at: 10)
        #expect(state(pool, "a") == .suspended)
    }

    @Test("when the endpoint is suspended, accounts that were suspended just now are not, and nobody is leased")
    func endpointOpens() {
        var pool = AccountPoolState(["a", "b"], AccountPoolState.Rules(maxInFlight: 9))
        fail(&pool, "a", 5)
        #expect(state(pool, "a") == .suspended)
        fail(&pool, "b", 1, at: 3)
        #expect(pool.take(at: 3) == nil)
        let lack = pool.lack(at: 3)
        #expect(lack.isEndpointSuspended == true)
        #expect(lack.suspended == 2)
        #expect((lack.firstBack ?? .zero) > .seconds(8))
        #expect(pool.report(of: "a")?.transitions.last?.evidence.cause == .endpoint)
        #expect(pool.news.contains { $0.accountID.isEmpty && $0.to == .suspended })
    }

    @Test("a fifth of a hundred requests that fails at once opens nothing while the others still answer")
    func burst() {
        let ids = (0..<20).map { "a\($0)" }
        var pool = AccountPoolState(ids, AccountPoolState.Rules(maxInFlight: 9))
        var running: [(id: String, grant: UInt64)] = []
        for _ in 0..<100 {
            guard let id = pool.take() else { break }
            running.append((id, pool.lastGrant))
        }
        #expect(running.count == 100)
        for lease in running.dropFirst(20) {
            pool.answers(lease.id, for: .text, now: now(0), grant: lease.grant)
        }
        for lease in running.prefix(20) {
            pool.release(lease.id, for: .text, after: broken, now: now(0), grant: lease.grant)
        }
        #expect(pool.lack().isEndpointSuspended == false)
        // What it counted at their beginning it does not count again at their end.
        for lease in running.dropFirst(20) {
            var trace = AccountPoolState.Trace()
            trace.hasAnswered = true
            pool.release(lease.id, for: .text, after: nil, now: now(0), grant: lease.grant, trace)
        }
        for id in ids.prefix(6) { fail(&pool, id, 10) }
        #expect(pool.lack().isEndpointSuspended == true)
    }

    @Test("answers that break off after they have begun are half of all outcomes, and open the endpoint's")
    func breaksOff() {
        var pool = AccountPoolState(["a", "b", "c", "d", "e"], AccountPoolState.Rules(maxInFlight: 9))
        for round in 1...10 {
            guard let id = pool.take() else { break }
            #expect(pool.lack().isEndpointSuspended == false, "before round \(round)")
            pool.answers(id, for: .text, now: now(0), grant: pool.lastGrant)
            var trace = AccountPoolState.Trace()
            (trace.hasAnswered, trace.isCommitted) = (true, true)
            pool.release(id, for: .text, after: broken, now: now(0), grant: pool.lastGrant, trace)
        }
        #expect(pool.lack().isEndpointSuspended == true)
    }

    @Test("a half-open endpoint is not closed by answers that begin, only by those that end")
    func probeThatAnswers() {
        var pool = AccountPoolState(["a"], AccountPoolState.Rules(maxInFlight: 9))
        fail(&pool, "a", 4)
        fail(&pool, "a", 1, at: 3)
        #expect(pool.take(at: 14) == "a")
        for _ in 0..<5 { pool.answers("a", for: .text, now: now(14), grant: pool.lastGrant) }
        #expect(pool.take(at: 14) == nil)
    }

    @Test("a half-open endpoint is tried by one request at a time, whatever account serves it")
    func endpointProbe() {
        var pool = AccountPoolState(["a", "b"], AccountPoolState.Rules(maxInFlight: 9))
        fail(&pool, "a", 3)
        fail(&pool, "b", 3, at: 3)
        #expect(pool.take(at: 14) != nil)
        let probe = pool.lastGrant
        #expect(pool.take(at: 14) == nil)
        #expect(pool.lack(at: 14).busy == 2)
        pool.release("a", for: .text, after: nil, now: now(15), grant: probe)
        #expect(pool.take(at: 15) == "b")
        pool.release("b", for: .text, after: nil, now: now(15), grant: pool.lastGrant)
        #expect([pool.take(at: 15), pool.take(at: 15)] == ["a", "b"])
    }
}

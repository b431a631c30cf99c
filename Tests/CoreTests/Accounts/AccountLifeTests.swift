import PolluxTesting
import Testing

@testable import PolluxCore

/// One pool, and what it tells.
private final class LifeWorld {
    let time = ManualTime()
    let pool: AccountPool
    let told = ToldTransitions()

    init(
        _ ids: [String] = ["amber"], _ rules: AccountPoolState.Rules = .init(maxInFlight: 50),
        expiresIn: Duration? = nil
    ) {
        pool = AccountPool(rules, name: "p", random: NoJitter(), time: time)
        pool.observe(told)
        publish(ids, expiresIn: expiresIn)
    }

    func publish(_ ids: [String], key: String = "v", expiresIn: Duration? = nil) {
        let end = expiresIn.map { time.wallNow + $0 }
        pool.update(source: "s", ids.map { PoolWorld.credential($0, value: key, expiresAt: end) }) { _ in nil }
    }

    func state(_ quotaClass: QuotaClass = .text, of id: String = "amber") -> AccountState? {
        pool.report(of: id)?.classes[quotaClass.ordinal].state
    }

    /// One attempt at text, with an outcome.
    func attempt(_ error: GatewayError?, on id: String = "amber", request: String = "req_1") {
        attempt(.text, error, on: id, request: request)
    }

    func attempt(
        _ quotaClass: QuotaClass, _ error: GatewayError?, on id: String = "amber", request: String = "req_1"
    ) {
        guard let lease = pool.lease(account: id, for: quotaClass, model: "m") else { return }
        _ = lease.credential
        lease.begin(requestID: request, attempt: 1)
        lease.release(after: error)
    }
}

/// Keeps what it hears.
final class ToldTransitions: TransitionObserver {
    private let list = Gathered<AccountTransition>()
    func happened(_ transitions: [AccountTransition]) { list.add(transitions) }
    var all: [AccountTransition] { list.all }
    var words: [String] { all.map { "\($0.quotaClass?.rawValue ?? "all"): \($0.from.rawValue) > \($0.to.rawValue)" } }
}

@Suite("The life of an account")
struct AccountLifeTests {
    private static let broken = GatewayError(.upstreamError, .endpoint, "500", upstreamStatus: 500)

    @Test("three server errors never disable an account: it stays ready")
    func threeErrors() {
        let world = LifeWorld()
        for _ in 0..<3 { world.attempt(Self.broken) }
        #expect(world.state() == .ready)
        #expect(world.told.words == [])
        #expect(world.pool.report(of: "amber")?.classes[0].failures == 3)
    }

    @Test("five in a row suspend the class for a minute; then one request at a time tries it, and two good ones end it")
    func suspended() throws {
        // Others answer, so that the endpoint is not to blame.
        let world = LifeWorld(["amber", "birch"])
        for _ in 0..<5 {
            world.attempt(Self.broken)
            world.attempt(nil, on: "birch")
        }
        #expect(world.state() == .suspended)
        #expect(world.state(.images) == .ready)
        #expect(world.pool.lease(account: "amber", for: .text) == nil)
        world.time.advance(by: .seconds(60))
        let probe = try #require(world.pool.lease(account: "amber", for: .text))
        #expect(world.pool.lease(account: "amber", for: .text) == nil)
        #expect(world.state() == .suspended)
        probe.release(after: nil)
        world.attempt(nil)
        #expect(world.state() == .ready)
        #expect(
            world.told.words == ["text: ready > suspended", "text: suspended > suspended", "text: suspended > ready"])
    }

    @Test("a limit on images leaves text usable, and ends by itself")
    func limitedImages() {
        let world = LifeWorld()
        world.attempt(
            .images, GatewayError(.rateLimited, .accountClass, "429", retryAfter: .seconds(90), accountEffect: .cool))
        #expect(world.state(.images) == .cooling)
        #expect(world.state(.text) == .ready)
        world.time.advance(by: .seconds(90))
        world.pool.tick()
        #expect(world.state(.images) == .ready)
        #expect(world.told.words == ["images: ready > cooling", "images: cooling > ready"])
        #expect(world.told.all.map(\.evidence.cause) == [.attempt, .time])
    }

    @Test("where text rests all, a limit on text blocks everything, and one on images blocks images")
    func textRestsAll() {
        let world = LifeWorld(["amber"], .init(maxInFlight: 9, textRestsAll: true))
        let limit = GatewayError(.rateLimited, .accountClass, "429", retryAfter: .seconds(90), accountEffect: .cool)
        world.attempt(.images, limit)
        #expect(QuotaClass.allCases.map { world.state($0) } == [.ready, .cooling, .ready])
        world.attempt(.text, limit)
        #expect(QuotaClass.allCases.map { world.state($0) } == [.cooling, .cooling, .cooling])
        #expect(world.pool.lease(account: "amber", for: .videos) == nil)
    }

    @Test("a spent quota ends at midnight in Los Angeles, unless the upstream names a time")
    func quota() {
        let world = LifeWorld(["amber", "birch"])
        world.attempt(GatewayError(.quotaExhausted, .accountClass, "spent", accountEffect: .exhaustQuota))
        world.attempt(
            GatewayError(
                .quotaExhausted, .account, "spent", retryAfter: .seconds(60), accountEffect: .exhaustQuota),
            on: "birch")
        #expect(world.state() == .quotaExhausted)
        #expect(world.state(.images) == .ready)
        #expect(world.state(.videos, of: "birch") == .quotaExhausted)
        let midnight = DailyReset.builtIn.next(after: world.time.wallNow)
        #expect(world.pool.report(of: "amber")?.classes[0].until == midnight)
        world.time.advance(by: midnight - world.time.wallNow)
        #expect(world.state() == .ready)
    }

    @Test("a quota follows the wall clock when that is set")
    func quotaAndClock() {
        let world = LifeWorld()
        world.attempt(GatewayError(.quotaExhausted, .accountClass, "spent", accountEffect: .exhaustQuota))
        let left = DailyReset.builtIn.next(after: world.time.wallNow) - world.time.wallNow
        world.time.stepWallClock(by: .seconds(-3600))
        #expect(world.pool.shortage().firstBack == left + .seconds(3600))
        world.time.stepWallClock(by: .seconds(7200))
        #expect(world.pool.shortage().firstBack == left - .seconds(3600))
    }

    @Test(
        "what only a person undoes stands until the credential changes",
        arguments: [
            (GatewayError.AccountEffect.rejectCredential, AccountState.credentialRejected),
            (.restrict, .restricted), (.needHuman, .needsHuman), (.endTrial, .trialEnded),
        ])
    func findings(effect: GatewayError.AccountEffect, state: AccountState) {
        let world = LifeWorld()
        world.attempt(GatewayError(.upstreamAuth, .account, "why", upstreamStatus: 403, accountEffect: effect))
        #expect(QuotaClass.allCases.map { world.state($0) } == [state, state, state])
        #expect(world.pool.report(of: "amber")?.reason == "why")
        world.time.advance(by: .seconds(1_000_000))
        world.publish(["amber"])
        #expect(world.state() == state)
        world.publish(["amber"], key: "new")
        #expect(world.state() == .ready)
        #expect(world.told.words == ["all: ready > \(state.rawValue)", "all: \(state.rawValue) > ready"])
    }

    @Test("of two findings the graver one stands")
    func graver() {
        let world = LifeWorld()
        let leases = (0..<2).compactMap { _ in world.pool.lease(account: "amber", for: .text) }
        leases[0].release(after: PoolWorld.restricted)
        leases[1].release(after: PoolWorld.rejected)
        #expect(world.state() == .restricted)
    }

    @Test("an account whose sign-in ends within three hours is expiring, and behind that expired")
    func expiry() {
        let world = LifeWorld(expiresIn: .seconds(4 * 3600))
        #expect(world.state() == .ready)
        world.time.advance(by: .seconds(3601))
        world.pool.tick()
        #expect(world.state() == .expiring)
        #expect(world.pool.shortage().ready == 1)
        world.time.advance(by: .seconds(3 * 3600))
        world.pool.tick()
        #expect(world.state() == .expired)
        #expect(world.told.words == ["all: ready > expiring", "all: expiring > expired"])
    }

    @Test("the operator's switch outlives what sources publish, and switching on begins anew")
    func switched() {
        let world = LifeWorld()
        world.attempt(PoolWorld.limited(retryAfter: .seconds(1000)))
        #expect(world.pool.setDisabled(account: "amber", true) == true)
        world.publish(["amber"], key: "new")
        #expect(world.state() == .disabled)
        world.pool.setDisabled(account: "amber", false)
        #expect(world.state() == .ready)
        #expect(world.told.all.last?.evidence.cause == .admin)
        #expect(world.pool.setDisabled(account: "nobody", true) == false)
    }

    @Test("a reset takes back rests, quotas, suspensions and findings, of one class or of all")
    func reset() {
        let world = LifeWorld()
        world.attempt(.images, PoolWorld.limited(.accountClass))
        world.attempt(.text, PoolWorld.limited(.accountClass))
        world.attempt(.videos, PoolWorld.limited(.accountModel))
        world.pool.reset(account: "amber", class: .images)
        #expect([world.state(.text), world.state(.images)] == [.cooling, .ready])
        world.pool.reset(account: "amber")
        #expect(world.state(.text) == .ready)
        #expect(world.pool.report(of: "amber")?.models == [])
        #expect(world.pool.lease(account: "amber", for: .videos, model: "m") != nil)
    }

    @Test("each transition has its evidence: cause, request, attempt, status, error, field")
    func evidence() {
        let world = LifeWorld()
        var error = PoolWorld.limited(.accountClass, retryAfter: .seconds(5))
        (error.upstreamStatus, error.field) = (429, "retry-after")
        world.attempt(error, request: "req_42")
        let transition = world.told.all.first
        #expect(transition?.accountID == "amber")
        #expect(transition?.provider == "p")
        #expect(
            transition?.evidence
                == Evidence(
                    .attempt, requestID: "req_42", attempt: 1, upstreamStatus: 429, error: .rateLimited,
                    field: "retry-after", message: "429"))
        #expect(world.pool.report(of: "amber")?.transitions == world.told.all)
    }

    @Test("a model that rests is told with its evidence and its end; the class stays as it was")
    func modelRests() throws {
        let world = LifeWorld()
        world.attempt(PoolWorld.limited(.accountModel, retryAfter: .seconds(5)), request: "req_7")
        let told = try #require(world.told.all.last)
        #expect([told.model, told.evidence.requestID] == ["m", "req_7"])
        #expect([told.from, told.to] == [.ready, .cooling])
        #expect(told.until == world.time.wallNow + .seconds(5))
        #expect(world.state() == .ready)
        #expect(world.pool.report(of: "amber")?.transitions == [told])
        // A shorter limit while it rests changes nothing; a longer one does.
        let late = try #require(world.pool.lease(account: "amber", for: .text, model: "n"))
        late.release(after: PoolWorld.limited(.accountClass, retryAfter: .seconds(1)))
        #expect(world.told.all.last?.model == "")
        #expect(world.told.all.count == 2)
    }

    @Test("the last 32 transitions are kept")
    func history() {
        let world = LifeWorld()
        for round in 0..<40 {
            world.attempt(PoolWorld.limited(.accountClass, retryAfter: .seconds(1)), request: "req_\(round)")
            world.time.advance(by: .seconds(1))
            world.pool.tick()
        }
        let kept = world.pool.report(of: "amber")?.transitions ?? []
        #expect(kept.count == 32)
        #expect(kept.last == world.told.all.last)
        #expect(world.told.all.count == 80)
    }

    @Test("a refusal of an older credential does not reject the newer one")
    func oldCredential() async throws {
        let world = LifeWorld()
        let old = try #require(world.pool.lease(account: "amber", for: .text))
        _ = old.credential
        let other = try #require(world.pool.lease(account: "amber", for: .text))
        try await other.rotate(to: PoolWorld.credential("amber", value: "rotated"))
        old.release(after: PoolWorld.rejected)
        #expect(world.state() == .ready)
        other.release(after: PoolWorld.rejected)
        #expect(world.state() == .credentialRejected)
    }

    @Test("what fails after the first byte to the client is not the account's")
    func afterCommit() {
        let world = LifeWorld()
        for _ in 0..<4 {
            let lease = world.pool.lease(account: "amber", for: .text)
            lease?.release(after: Self.broken, committed: true)
        }
        #expect(world.pool.report(of: "amber")?.classes[0].failures == 0)
    }

    @Test("a way that cannot be gone counts for an account with a proxy of its own only", arguments: [nil, "http://x"])
    func unreachable(proxy: String?) {
        let world = LifeWorld([])
        world.pool.update(source: "s", [PoolWorld.credential("amber", proxy: proxy)]) { _ in nil }
        for _ in 0..<3 { world.attempt(GatewayError(.upstreamUnreachable, .endpoint, "no way")) }
        #expect(world.pool.report(of: "amber")?.classes[0].failures == (proxy == nil ? 0 : 3))
    }

    @Test("limits, refusals, bad requests and clients that leave are no faults")
    func neutral() {
        let world = LifeWorld()
        for _ in 0..<20 {
            for error in [GatewayError(.upstreamRejected, .request, "400"), .cancelled] { world.attempt(error) }
        }
        #expect(world.state() == .ready)
        #expect(world.pool.report(of: "amber")?.counters.failures == 0)
    }
}

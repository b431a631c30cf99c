import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

/// A policy on a clock that a test moves; what is seen stays so until it is changed.
private struct PolicyWorld {
    var policy: NotifyPolicy
    var now = Instant(microseconds: 0)
    var wall = WallTime(seconds: 1_767_225_600)
    var view = PoolView(provider: "web")

    init(_ rules: NotifyPolicy.Rules = NotifyPolicy.Rules()) {
        policy = NotifyPolicy(rules, now: Instant(microseconds: 0))
    }

    mutating func set(_ id: String, _ state: AccountState, expiresIn: Duration? = nil, isRemembered: Bool = false) {
        let account = PoolView.Account(
            id: id, state: state, reason: state.needsAttention ? "why" : "", expiresAt: expiresIn.map { wall + $0 },
            isRemembered: isRemembered)
        view.accounts.removeAll { $0.id == id }
        view.accounts.append(account)
        view.accounts.sort { $0.id < $1.id }
    }

    /// Looks every second, or as told, as time passes.
    mutating func pass(_ duration: Duration, step: Duration = .seconds(1)) -> [Notice] {
        var told: [Notice] = []
        let end = now + duration
        while now < end {
            (now, wall) = (now + step, wall + step)
            policy.observe(view, now, wall)
            told += policy.take(now, wall)
        }
        return told
    }

    /// Past the quiet of the start, with accounts that are well.
    static func running(_ ids: [String], _ rules: NotifyPolicy.Rules = NotifyPolicy.Rules()) -> PolicyWorld {
        var world = PolicyWorld(rules)
        for id in ids { world.set(id, .ready) }
        _ = world.pass(.seconds(60))
        return world
    }
}

extension Notice {
    /// `account_dead web amber,birch`
    fileprivate var short: String {
        let accounts = items.compactMap(\.account).joined(separator: ",")
        return [event.rawValue, provider, accounts].filter { !$0.isEmpty }.joined(separator: " ")
    }
}

@Suite("What the operator is told, and when")
struct NotifyPolicyTests {
    @Test(
        "an account that only a person brings back is told of once, after five seconds",
        arguments: [
            (.expired, "account_dead"), (.credentialRejected, "account_dead"), (.restricted, "account_dead"),
            (.trialEnded, "account_dead"), (.needsHuman, "account_needs_human"),
        ] as [(AccountState, String)])
    func dead(_ state: AccountState, _ event: String) {
        var world = PolicyWorld.running(["amber", "birch"])
        world.set("amber", state)
        #expect(world.pass(.seconds(5)).isEmpty)
        let told = world.pass(.seconds(1))
        #expect(told.map(\.short) == ["\(event) web amber"])
        #expect(told.first?.items.first?.state == state)
        #expect(told.first?.items.first?.reason == "why")
        #expect(world.pass(.seconds(7200)).isEmpty)
    }

    @Test(
        "what passes by itself, or is the operator's own doing, is not told",
        arguments: [AccountState.cooling, .suspended, .quotaExhausted, .expiring, .disabled])
    func passing(_ state: AccountState) {
        var world = PolicyWorld.running(["amber"])
        world.set("amber", state)
        #expect(world.pass(.seconds(3600)).isEmpty)
    }

    @Test("when it is well again for a minute, the all-clear comes, and only to who had heard of the trouble")
    func recovery() {
        var world = PolicyWorld.running(["amber"])
        world.set("amber", .restricted)
        #expect(world.pass(.seconds(10)).count == 1)
        world.set("amber", .ready)
        #expect(world.pass(.seconds(60)).isEmpty)
        #expect(world.pass(.seconds(2)).map(\.short) == ["all_clear web amber"])
        #expect(world.pass(.seconds(3600)).isEmpty)
        world.set("amber", .restricted)
        _ = world.pass(.seconds(2))
        world.set("amber", .ready)
        #expect(world.pass(.seconds(3600)).isEmpty, "two seconds of trouble were not told, so neither is its end")
    }

    @Test("accounts that die together make one message")
    func burst() {
        let ids = (0..<30).map { "account-\($0)" }
        var world = PolicyWorld.running(ids)
        for id in ids { world.set(id, .credentialRejected) }
        let told = world.pass(.seconds(20))
        #expect(told.count == 1)
        #expect(told.first?.items.count == 30)
        for id in ids { world.set(id, .ready) }
        let back = world.pass(.seconds(120))
        #expect(back.map(\.event) == [.allClear])
        #expect(back.first?.items.count == 30)
    }

    @Test("an account that goes up and down is told of at most once in the throttle, per kind of message")
    func flapping() {
        var world = PolicyWorld.running(["amber"])
        var told: [String] = []
        // Ten minutes bad, ten minutes good, for six hours.
        for _ in 0..<18 {
            world.set("amber", .restricted)
            told += world.pass(.seconds(600)).map(\.short)
            world.set("amber", .ready)
            told += world.pass(.seconds(600)).map(\.short)
        }
        let deaths = told.count { $0.hasPrefix("account_dead") }
        #expect((17...24).contains(deaths), "one in each period of 20 min, none closer than 15 min: \(deaths)")
        var fast = PolicyWorld.running(["amber"])
        var heard = 0
        for _ in 0..<360 {
            fast.set("amber", .restricted)
            heard += fast.pass(.seconds(6)).count
            fast.set("amber", .ready)
            heard += fast.pass(.seconds(4)).count
        }
        #expect(heard <= 1, "never well for a minute, so there is one message in the whole hour: \(heard)")
    }

    @Test("a trouble that is throttled is told when the throttle ends, if it is still there")
    func throttledThenTold() {
        var world = PolicyWorld.running(["amber"])
        world.set("amber", .restricted)
        _ = world.pass(.seconds(6))
        world.set("amber", .ready)
        _ = world.pass(.seconds(70))
        world.set("amber", .restricted)
        #expect(world.pass(.seconds(800)).isEmpty)
        #expect(world.pass(.seconds(60)).map(\.short) == ["account_dead web amber"])
    }

    @Test("from dead to needing a person is news; from one death to another is not")
    func change() {
        var world = PolicyWorld.running(["amber"])
        world.set("amber", .expired)
        #expect(world.pass(.seconds(10)).count == 1)
        world.set("amber", .credentialRejected)
        #expect(world.pass(.seconds(3600)).isEmpty)
        world.set("amber", .needsHuman)
        #expect(world.pass(.seconds(10)).map(\.short) == ["account_needs_human web amber"])
    }

    @Test("the start is quiet; then what is wrong is told, but not what was so before the restart")
    func start() {
        var world = PolicyWorld()
        world.set("amber", .restricted)
        world.set("birch", .restricted, isRemembered: true)
        #expect(world.pass(.seconds(14)).isEmpty)
        #expect(world.pass(.seconds(2)).map(\.short) == ["account_dead web amber"])
        world.set("birch", .ready)
        #expect(world.pass(.seconds(120)).map(\.short) == ["all_clear web birch"])
    }

    @Test("a provider without a usable account is told of, with the reason, and when it has one again")
    func pool() {
        var world = PolicyWorld.running(["amber"])
        world.view.emptiness = "no account of provider \"web\" is free: 1 account, 1 cooling down"
        let told = world.pass(.seconds(10))
        #expect(told.map(\.short) == ["pool_empty web"])
        #expect(told.first?.summary == "no account of provider \"web\" is free: 1 account, 1 cooling down")
        world.view.emptiness = nil
        let clear = world.pass(.seconds(120))
        #expect(clear.map(\.summary) == ["provider \"web\" has usable accounts again"])
    }

    @Test("an empty pool is told before the accounts that emptied it")
    func order() {
        var world = PolicyWorld.running(["amber", "birch"])
        world.set("amber", .restricted)
        world.set("birch", .needsHuman)
        world.view.emptiness = "none"
        let told = world.pass(.seconds(10)).map(\.event)
        #expect(told == [.poolEmpty, .accountDead, .accountNeedsHuman])
    }

    @Test("an account that its source takes away, or the operator switches off, is forgotten without a word")
    func gone() {
        for leave in [{ $0.view.accounts = [] }, { $0.set("amber", .disabled) }] as [(inout PolicyWorld) -> Void] {
            var world = PolicyWorld.running(["amber"])
            world.set("amber", .restricted)
            #expect(world.pass(.seconds(10)).count == 1)
            leave(&world)
            #expect(world.pass(.seconds(3600)).isEmpty)
        }
    }

    @Test("a transition is heeded at once, and tells more than a look does")
    func transition() {
        var world = PolicyWorld.running(["amber"])
        let transition = AccountTransition(
            provider: "web", accountID: "amber", from: .ready, to: .credentialRejected, at: world.wall,
            evidence: Evidence(
                .attempt, requestID: "req_1", attempt: 1, upstreamStatus: 401, error: .upstreamAuth,
                message: "the upstream refused the cookies"))
        world.policy.observe(transition, world.now)
        world.set("amber", .credentialRejected)
        let item = world.pass(.seconds(6)).first?.items.first
        #expect(item?.upstreamStatus == 401)
        #expect(item?.requestID == "req_1")
    }

    @Test("what happens to pictures or one model alone does not make an account dead; text stands for it")
    func classes() {
        var world = PolicyWorld.running(["amber"])
        let transition = AccountTransition(
            provider: "web", accountID: "amber", quotaClass: .images, from: .ready, to: .restricted, at: world.wall,
            evidence: Evidence(.attempt))
        world.policy.observe(transition, world.now)
        let ofModel = AccountTransition(
            provider: "web", accountID: "amber", quotaClass: .text, from: .ready, to: .restricted, at: world.wall,
            evidence: Evidence(.attempt), model: "m")
        world.policy.observe(ofModel, world.now)
        world.now = world.now + .seconds(30)
        #expect(world.policy.take(world.now, world.wall).isEmpty)
    }

    @Test("memory is that of the accounts that are there")
    func bounded() {
        var world = PolicyWorld.running([])
        for round in 0..<50 {
            world.view.accounts = (0..<20).map { PoolView.Account(id: "a\(round)-\($0)", state: .restricted) }
            world.policy.observe(world.view, world.now, world.wall)
        }
        #expect(world.policy.subjectCount == 21)
        world.policy.forget(except: [])
        #expect(world.policy.subjectCount == 0)
    }
}

@Suite("Sign-ins that end soon")
struct NotifyExpiryTests {
    private let hour = Duration.seconds(3600)

    @Test("a day and three hours before, once each")
    func thresholds() {
        var world = PolicyWorld()
        world.set("amber", .ready, expiresIn: .seconds(25 * 3600))
        #expect(world.pass(.seconds(3500)).isEmpty)
        let first = world.pass(.seconds(200))
        #expect(first.map(\.short) == ["account_expires_soon web amber"])
        #expect(first.first?.items.first?.until == WallTime(seconds: 1_767_225_600) + .seconds(25 * 3600))
        #expect(world.pass(.seconds(20 * 3600)).isEmpty)
        #expect(world.pass(.seconds(2 * 3600)).map(\.short) == ["account_expires_soon web amber"])
        #expect(world.pass(.seconds(3 * 3600)).isEmpty)
    }

    @Test("one that is met at the start with little left is told once, not for every threshold")
    func atStart() {
        var world = PolicyWorld()
        world.set("amber", .ready, expiresIn: .seconds(2 * 3600))
        #expect(world.pass(.seconds(60)).count == 1)
    }

    @Test("a renewal for less than a day is no news; its last hours are")
    func renewed() {
        var world = PolicyWorld.running([])
        world.set("amber", .ready, expiresIn: .seconds(48 * 3600))
        _ = world.pass(.seconds(5))
        world.set("amber", .ready, expiresIn: .seconds(12 * 3600))
        #expect(world.pass(.seconds(8 * 3600)).isEmpty)
        #expect(world.pass(.seconds(3600 + 10)).count == 1)
        world.set("amber", .ready, expiresIn: .seconds(48 * 3600))
        #expect(world.pass(.seconds(3600)).isEmpty)
    }

    @Test("one that is renewed in the quiet of the start was in no danger")
    func quiet() {
        var world = PolicyWorld()
        world.set("amber", .ready, expiresIn: .seconds(3600))
        _ = world.pass(.seconds(5))
        world.set("amber", .ready, expiresIn: .seconds(48 * 3600))
        #expect(world.pass(.seconds(60)).isEmpty)
    }

    @Test("who is out of service already has a greater trouble, and an end that has passed is no end soon")
    func greater() {
        var world = PolicyWorld.running(["amber"])
        world.set("amber", .restricted, expiresIn: .seconds(3600))
        #expect(world.pass(.seconds(20)).map(\.event) == [.accountDead])
        var late = PolicyWorld.running([])
        late.set("amber", .ready, expiresIn: .seconds(-5))
        #expect(late.pass(.seconds(60)).isEmpty)
    }
}

@Suite("What the operator is told, in random worlds")
struct NotifyPolicyRandomTests {
    /// Rules that hold whatever happens; the seed is in the test's name.
    @Test(
        "never the same within the throttle, never an all-clear without a trouble, at last the truth", arguments: 0..<40
    )
    func random(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let ids = (0..<5).map { "a\($0)" }
        var world = PolicyWorld()
        for id in ids { world.set(id, .ready) }
        var last: [String: WallTime] = [:]
        var believed: [String: NotifyEvent] = [:]
        for _ in 0..<200 {
            let id = ids[Int(random.below(5))]
            let states = AccountState.allCases.filter { $0 != .disabled }
            let state = random.below(2) == 0 ? .ready : states[Int(random.below(UInt64(states.count)))]
            world.set(id, state)
            for notice in world.pass(.seconds(Int64(random.below(200))), step: .seconds(4)) {
                for item in notice.items {
                    let account = item.account ?? ""
                    if let before = last["\(notice.event) \(account)"] {
                        #expect(notice.at - before >= .seconds(900))
                    }
                    last["\(notice.event) \(account)"] = notice.at
                    if notice.event == .allClear { #expect(believed[account] != nil) }
                    #expect(believed[account] != notice.event)
                    believed[account] = notice.event == .allClear ? nil : notice.event
                }
            }
        }
        for notice in world.pass(.seconds(2000)) {
            for item in notice.items {
                believed[item.account ?? ""] = notice.event == .allClear ? nil : notice.event
            }
        }
        for account in world.view.accounts { #expect(believed[account.id] == NotifyEvent(account.state)) }
    }
}

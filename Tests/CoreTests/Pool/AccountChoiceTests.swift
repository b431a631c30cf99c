import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Which account is leased")
struct AccountChoiceTests {
    private func rules(_ strategy: AccountPoolState.Strategy, maxInFlight: Int = 1) -> AccountPoolState.Rules {
        AccountPoolState.Rules(strategy: strategy, maxInFlight: maxInFlight)
    }

    @Test("round robin takes one account after the other, and begins again")
    func roundRobin() {
        var pool = AccountPoolState(["amber", "birch", "cedar"], rules(.roundRobin, maxInFlight: 9))
        #expect((0..<7).map { _ in pool.take() } == ["amber", "birch", "cedar", "amber", "birch", "cedar", "amber"])
    }

    @Test("round robin passes over who is busy and goes on behind the last one leased")
    func roundRobinSkips() {
        var pool = AccountPoolState(["amber", "birch", "cedar"], rules(.roundRobin))
        #expect(pool.take() == "amber")
        #expect(pool.take() == "birch")
        pool.give("amber")
        #expect(pool.take() == "cedar")
        #expect(pool.take() == "amber")
        #expect(pool.take() == nil)
    }

    @Test("least in flight takes the account with the fewest leases, the earlier of equals")
    func leastInFlight() {
        var pool = AccountPoolState(["amber", "birch"], rules(.leastInFlight, maxInFlight: 3))
        #expect(pool.take() == "amber")
        #expect(pool.take() == "birch")
        #expect(pool.take() == "amber")
        pool.give("amber")
        pool.give("amber")
        #expect(pool.take() == "amber")
        #expect(pool.take() == "amber")
        #expect(pool.take() == "birch")
    }

    @Test("least in flight counts leases for their weight exactly", arguments: [1, 2, 7, 100])
    func leastForWeight(weight: Int) {
        var pool = AccountPoolState(rules(.leastInFlight, maxInFlight: 1000))
        pool.replaceAccounts(
            with: ["amber", "birch"].map { (PoolWorld.credential($0, weight: weight), nil) }, changed: [])
        #expect((0..<4).map { _ in pool.take() } == ["amber", "birch", "amber", "birch"], "equal weights are as none")
        pool.replaceAccounts(
            with: [(PoolWorld.credential("amber", weight: 3), nil), (PoolWorld.credential("birch", weight: 2), nil)],
            changed: [])
        #expect(pool.take() == "amber", "2 for 3 is less than 2 for 2")
        #expect(pool.take() == "amber", "3 for 3 is no more than 2 for 2, and it is the earlier one")
        #expect(pool.take() == "birch", "4 for 3 is more than 2 for 2")
    }

    @Test("fill first takes the first account of the file until it is full")
    func fillFirst() {
        var pool = AccountPoolState(["amber", "birch"], rules(.fillFirst, maxInFlight: 2))
        #expect((0..<5).map { _ in pool.take() } == ["amber", "amber", "birch", "birch", nil])
        pool.give("amber")
        #expect(pool.take() == "amber")
    }

    @Test(
        "an account that a request has tried is not leased to it again", arguments: AccountPoolState.Strategy.allCases)
    func excluding(strategy: AccountPoolState.Strategy) {
        var pool = AccountPoolState(["amber", "birch"], rules(strategy, maxInFlight: 2))
        #expect(pool.take(excluding: ["amber"]) == "birch")
        #expect(pool.take(excluding: ["birch"]) == "amber")
        #expect(pool.take(excluding: ["amber", "birch"]) == nil)
    }

    @Test("a pool without accounts leases nothing and says what to do")
    func empty() {
        var pool = AccountPoolState([], rules(.roundRobin))
        #expect(pool.take() == nil)
        #expect(
            pool.lack().sentence(provider: "p")
                == "provider \"p\" has no account; give it credentials or API keys in the settings")
    }

    @Test("a shortage counts who keeps from answering, and says when the first is back")
    func shortage() {
        var pool = AccountPoolState(["amber", "birch", "cedar", "dogwood"], rules(.fillFirst))
        for id in ["amber", "birch", "cedar", "dogwood"] { #expect(pool.take() == id) }
        pool.give("amber", after: PoolWorld.limited(retryAfter: .seconds(90)))
        pool.give("birch", after: PoolWorld.limited(retryAfter: .milliseconds(41_200)))
        pool.give("cedar", after: PoolWorld.rejected)
        let error = pool.lack().error(provider: "p")
        #expect(error.kind == .noAccountAvailable)
        #expect(
            error.message == "no account of provider \"p\" is free: 4 accounts, 2 cooling down (the first is back in "
                + "42 s), 1 at the limit of 1 in flight, 1 rejected by the upstream")
        #expect(error.retryAfter == .seconds(1), "a busy account may be free at any moment")
        pool.give("dogwood", after: PoolWorld.rejected)
        #expect(pool.lack().error(provider: "p").retryAfter == .milliseconds(41_200))
    }
}

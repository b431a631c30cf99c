import PolluxTesting
import Testing

@testable import PolluxCore

/// Random runs against a second, naive pool. The argument is the seed: a failure is repeated by its name.
@Suite("The pool at random")
struct AccountPoolRandomTests {
    @Test("leases, limits, snapshots and time: every choice is one that a naive pool allows", arguments: 0..<200)
    func run(seed: Int) {
        let random = SeededRandom(seed: seed)
        let pick = { (count: Int) in Int(random.below(UInt64(count))) }
        let strategy = AccountPoolState.Strategy.allCases[pick(3)]
        let rules = AccountPoolState.Rules(
            strategy: strategy, maxInFlight: 1 + pick(3), cooldown: .seconds(4), maxCooldown: .seconds(20))
        var (pool, naive) = (AccountPoolState(rules), NaivePool(rules))
        var leases: [(id: String, quotaClass: QuotaClass)] = []
        var now = PoolWorld.start

        for _ in 0..<300 {
            let wall = PoolWorld.wall + (now - PoolWorld.start)
            let quotaClass = QuotaClass.allCases[pick(3)]
            switch pick(10) {
            case 0...4:
                let tried = Set((0..<pick(3)).map { _ in "a\(pick(6))" })
                let choice = pool.lease(for: quotaClass, excluding: tried, now: now, wallNow: wall)
                let allowed = naive.ready(quotaClass, excluding: tried, now: now, wallNow: wall)
                guard case .lease(let id) = choice else {
                    #expect(allowed.isEmpty)
                    continue
                }
                #expect(naive.best(of: allowed).contains(id), "\(id) of \(allowed)")
                naive.take(id)
                leases.append((id, quotaClass))
            case 5...7:
                guard !leases.isEmpty else { continue }
                let lease = leases.remove(at: pick(leases.count))
                let error = Self.outcomes[pick(Self.outcomes.count)]
                pool.release(lease.id, for: lease.quotaClass, after: error, now: now)
                naive.give(lease.id, lease.quotaClass, error, now)
            case 8:
                let ids = (0..<6).map { "a\($0)" }.filter { _ in pick(4) > 0 }
                let credentials = ids.map { id in
                    PoolWorld.credential(
                        id, expiresAt: pick(8) == 0 ? wall + .seconds(10) : nil, isDisabled: pick(8) == 0)
                }
                let changed = Set(ids.filter { _ in pick(3) == 0 })
                pool.replaceAccounts(with: credentials.map { ($0, nil) }, changed: changed)
                naive.replace(credentials, changed)
            default:
                now = now + .seconds(Int64(pick(5)))
            }
            #expect(pool.count == naive.presentCount)
        }
        for lease in leases { pool.release(lease.id, for: lease.quotaClass, after: nil, now: now) }
        #expect(pool.accounts.allSatisfy { $0.inFlight == 0 && !$0.isLeaving })
    }

    private static let outcomes: [GatewayError?] = [
        nil, nil, nil, PoolWorld.limited(.account), PoolWorld.limited(.accountClass),
        PoolWorld.limited(.account, retryAfter: .seconds(7)), PoolWorld.rejected, PoolWorld.restricted,
        PoolWorld.broken, .cancelled,
    ]
}

/// The same rules, written as slowly and plainly as possible: a dictionary and no order but that of the last snapshot.
private struct NaivePool {
    struct Account {
        var inFlight = 0
        var isPresent = true
        var isBlamed = false
        var isDisabled = false
        var expiresAt: WallTime?
        var restEnds: [QuotaClass: Instant] = [:]
        var limitsInARow: [QuotaClass: Int] = [:]
    }

    let rules: AccountPoolState.Rules
    var accounts: [String: Account] = [:]
    var order: [String] = []

    init(_ rules: AccountPoolState.Rules) { self.rules = rules }

    var presentCount: Int { accounts.values.count { $0.isPresent } }

    func ready(_ quotaClass: QuotaClass, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> [String] {
        order.filter { id in
            guard let account = accounts[id], account.isPresent, !tried.contains(id) else { return false }
            if account.isBlamed || account.isDisabled || account.inFlight >= rules.maxInFlight { return false }
            if let end = account.expiresAt, end <= wallNow { return false }
            return (account.restEnds[quotaClass] ?? now) <= now
        }
    }

    /// Round robin's order is checked elsewhere: here any ready account will do for it.
    func best(of ready: [String]) -> [String] {
        switch rules.strategy {
        case .roundRobin: return ready
        case .fillFirst: return Array(ready.prefix(1))
        case .leastInFlight:
            let least = ready.map { accounts[$0]?.inFlight ?? 0 }.min()
            return Array(ready.filter { accounts[$0]?.inFlight == least }.prefix(1))
        }
    }

    mutating func take(_ id: String) { accounts[id]?.inFlight += 1 }

    mutating func give(_ id: String, _ quotaClass: QuotaClass, _ error: GatewayError?, _ now: Instant) {
        guard var account = accounts[id] else { return }
        account.inFlight -= 1
        switch error?.accountEffect {
        case nil:
            if (account.restEnds[quotaClass] ?? now) <= now { account.limitsInARow[quotaClass] = 0 }
        case .rejectCredential, .restrict: account.isBlamed = true
        case .cool:
            for one in QuotaClass.allCases where error?.scope == .account || one == quotaClass {
                rest(&account, one, error?.retryAfter, now)
            }
        case .some(.none): break
        }
        accounts[id] = account.inFlight == 0 && !account.isPresent ? nil : account
    }

    private func rest(_ account: inout Account, _ quotaClass: QuotaClass, _ asked: Duration?, _ now: Instant) {
        if let end = account.restEnds[quotaClass], end > now {
            if let asked { account.restEnds[quotaClass] = max(end, now + asked) }
            return
        }
        var own = rules.cooldown
        for _ in 0..<(account.limitsInARow[quotaClass] ?? 0) { own = min(own * 2, rules.maxCooldown) }
        account.limitsInARow[quotaClass, default: 0] += 1
        account.restEnds[quotaClass] = now + (asked ?? own)
    }

    mutating func replace(_ credentials: [Credential], _ changed: Set<String>) {
        for id in accounts.keys where !credentials.contains(where: { $0.accountID == id }) {
            if accounts[id]?.inFlight == 0 { accounts[id] = nil } else { accounts[id]?.isPresent = false }
        }
        for credential in credentials {
            var account = accounts[credential.accountID] ?? Account()
            account.isPresent = true
            (account.isDisabled, account.expiresAt) = (credential.isDisabled, credential.expiresAt)
            // An operator's switch, like a new credential, wipes out what the upstream said.
            if changed.contains(credential.accountID) || credential.isDisabled { account.isBlamed = false }
            accounts[credential.accountID] = account
        }
        order = credentials.map(\.accountID)
    }
}

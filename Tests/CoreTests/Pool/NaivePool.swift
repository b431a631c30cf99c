@testable import PolluxCore

/// The pool's rules, written as slowly and plainly as possible: dictionaries, and every figure counted anew.
struct NaivePool {
    typealias Key = AccountPoolState.LaneKey

    struct Account {
        var inFlight = 0
        var isPresent = true
        var isBlamed: String?
        var isDisabled = false
        var expiresAt: WallTime?
        var proxy: Secret?
        var weight = 1
        var rests: [Key: Rest] = [:]
    }

    struct Rest {
        var end: Instant
        var inARow: Int
    }

    let rules: AccountPoolState.Rules
    var accounts: [String: Account] = [:]
    /// As in the last snapshot; those on their way out are behind.
    var order: [String] = []
    private var rota = Rota(weights: [])
    var exitRests: [Secret?: Rest] = [:]
    var poolRest: Rest?
    private var cursor = 0

    init(_ rules: AccountPoolState.Rules) { self.rules = rules }

    // MARK: Figures

    private enum Place { case unusable(String), shut(Instant), cooling(Instant), busy, ready }

    private func place(_ id: String, _ key: Key, _ now: Instant, _ wallNow: WallTime) -> Place? {
        guard let account = accounts[id], account.isPresent else { return nil }
        if account.isDisabled { return .unusable("disabled") }
        if let blame = account.isBlamed { return .unusable(blame) }
        if let end = account.expiresAt, end <= wallNow { return .unusable("expired") }
        if let rest = exitRests[account.proxy], rest.end > now { return .shut(rest.end) }
        var end = account.rests[Key(quotaClass: key.quotaClass)]?.end ?? now
        if !key.model.isEmpty, let rest = account.rests[key] { end = max(end, rest.end) }
        if end > now { return .cooling(end) }
        return account.inFlight >= rules.maxInFlight ? .busy : .ready
    }

    private func rests(_ now: Instant) -> Bool { poolRest.map { $0.end > now } ?? false }

    func ready(_ key: Key, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> [String] {
        guard !rests(now) else { return [] }
        return order.filter { id in
            guard !tried.contains(id), case .ready? = place(id, key, now, wallNow) else { return false }
            return true
        }
    }

    func shortage(_ key: Key, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> Shortage {
        var shortage = Shortage(maxInFlight: rules.maxInFlight)
        var ends: [Instant] = []
        for id in order {
            guard let place = place(id, key, now, wallNow) else { continue }
            shortage.accounts += 1
            if tried.contains(id) {
                shortage.tried += 1
                continue
            }
            if case .unusable(let word) = place {
                shortage.unusable[word, default: 0] += 1
                continue
            }
            if let end = poolRest?.end, end > now {
                shortage.cooling += 1
                ends.append(end)
                continue
            }
            switch place {
            case .unusable: break
            case .shut(let end), .cooling(let end):
                shortage.cooling += 1
                ends.append(end)
            case .busy: shortage.busy += 1
            case .ready: shortage.ready += 1
            }
        }
        shortage.firstBack = ends.min().map { $0 - now }
        return shortage
    }

    // MARK: Choosing

    mutating func choose(_ key: Key, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> String? {
        let ready = ready(key, excluding: tried, now: now, wallNow: wallNow)
        switch rules.strategy {
        case .fillFirst: return ready.first
        case .leastInFlight:
            return ready.min { left, right in
                guard let left = accounts[left], let right = accounts[right] else { return false }
                return left.inFlight * right.weight < right.inFlight * left.weight
            }
        case .roundRobin:
            for step in 0..<rota.count {
                let slot = (cursor + step) % rota.count
                let id = order[rota.owner(of: slot)]
                guard ready.contains(id) else { continue }
                cursor = slot + 1
                return id
            }
            return nil
        }
    }

    // MARK: What happens

    mutating func give(_ id: String, _ key: Key, _ error: GatewayError?, _ now: Instant) {
        guard var account = accounts[id] else { return }
        account.inFlight -= 1
        let classKey = Key(quotaClass: key.quotaClass)
        switch error?.accountEffect {
        case nil:
            for known in [classKey, key] where (account.rests[known]?.end ?? now) <= now { account.rests[known] = nil }
            if (exitRests[account.proxy]?.end ?? now) <= now { exitRests[account.proxy] = nil }
            if (poolRest?.end ?? now) <= now { poolRest = nil }
        case .rejectCredential: if !account.isDisabled { account.isBlamed = "rejected by the upstream" }
        case .restrict: if !account.isDisabled { account.isBlamed = "restricted by the upstream" }
        case .some(.none): break
        case .cool:
            let asked = error?.retryAfter
            switch error?.scope {
            case .account:
                for one in QuotaClass.allCases {
                    let known = Key(quotaClass: one)
                    account.rests[known] = rest(account.rests[known], asked, now)
                }
            case .exit: exitRests[account.proxy] = rest(exitRests[account.proxy], asked, now)
            case .endpoint: poolRest = rest(poolRest, asked, now)
            case .accountModel: account.rests[key] = rest(account.rests[key], asked, now)
            default: account.rests[classKey] = rest(account.rests[classKey], asked, now)
            }
        }
        let isGone = account.inFlight == 0 && !account.isPresent
        accounts[id] = isGone ? nil : account
    }

    private func rest(_ known: Rest?, _ asked: Duration?, _ now: Instant) -> Rest {
        if let known, known.end > now {
            return Rest(end: asked.map { max(known.end, now + $0) } ?? known.end, inARow: known.inARow)
        }
        var own = rules.cooldown
        for _ in 0..<(known?.inARow ?? 0) { own = min(own * 2, rules.maxCooldown) }
        return Rest(end: now + (asked ?? own), inARow: (known?.inARow ?? 0) + 1)
    }

    mutating func replace(_ credentials: [Credential], _ changed: Set<String>) {
        let leaving = order.filter { id in
            !credentials.contains { $0.accountID == id } && (accounts[id]?.inFlight ?? 0) > 0
        }
        let stay = Set(credentials.map(\.accountID) + leaving)
        for id in leaving { accounts[id]?.isPresent = false }
        accounts = accounts.filter { stay.contains($0.key) }
        for credential in credentials {
            var account = accounts[credential.accountID] ?? Account()
            account.isPresent = true
            (account.isDisabled, account.expiresAt) = (credential.isDisabled, credential.expiresAt)
            (account.proxy, account.weight) = (credential.proxy, credential.weight)
            // An operator's switch, like a new credential, wipes out what the upstream said.
            if changed.contains(credential.accountID) || credential.isDisabled { account.isBlamed = nil }
            accounts[credential.accountID] = account
        }
        order = credentials.map(\.accountID) + leaving
        // An exit that nobody uses is forgotten.
        let exits = Set(order.map { accounts[$0]?.proxy })
        exitRests = exitRests.filter { exits.contains($0.key) }
        rota = Rota(weights: order.map { accounts[$0]?.weight ?? 1 })
        if cursor > rota.count { cursor = 0 }
    }
}

import Synchronization

/// The selection run dry: on a copy of the pool, so that nothing is taken and nothing changes.
extension AccountPoolState {
    /// What a pool would do for one request.
    struct Explanation: Sendable, Equatable {
        struct Account: Sendable, Equatable {
            var accountID: String
            /// Its place in the order in which accounts would be taken, from 1; `nil` for one that is passed over.
            var turn: Int?
            var verdict: RouteExplanation.Verdict
            var state: AccountState
            var until: WallTime?
            var remaining: Duration?
            var reason: String?
            var inFlight: Int
            var weight: Int
        }

        var accounts: [Account]
        var endpoint: AccountState
        var endpointUntil: WallTime?
        var shortage: Shortage
    }

    /// - Parameter favourite: The account that the conversation had last.
    func explanation(
        for quotaClass: QuotaClass, model: String, favourite: String?, now: Instant, wallNow: WallTime
    ) -> Explanation {
        var dry = self
        dry.settle(now, wallNow)
        let shortage = dry.shortage(for: quotaClass, model: model, now: now, wallNow: wallNow)
        let key = LaneKey(quotaClass: quotaClass, model: model)
        let turns = dry.turns(key, favourite, now, wallNow)
        let lane = dry.lanes[dry.laneIndex(key)]
        let accounts = dry.entries.indices.filter { dry.entries[$0].countedAs != nil }.map { position in
            dry.explain(position, key, lane.place(of: position), turns[dry.entries[position].id])
        }
        var endpoint = AccountState.ready
        if !dry.endpoint.isClosed { endpoint = .suspended }
        let until = dry.endpoint.openUntil.flatMap { $0 > dry.clock ? dry.circumstances.civil($0) : nil }
        return Explanation(accounts: accounts, endpoint: endpoint, endpointUntil: until, shortage: shortage)
    }

    /// Takes one account after the other, as a request would whose attempts all fail, and gives each back unused.
    private func turns(_ key: LaneKey, _ favourite: String?, _ now: Instant, _ wallNow: WallTime) -> [String: Int] {
        var dry = self
        var turns: [String: Int] = [:]
        var tried: Set<String> = []
        if let favourite,
            dry.lease(account: favourite, for: key.quotaClass, model: key.model, now: now, wallNow: wallNow)
        {
            turns[favourite] = 1
            tried.insert(favourite)
            dry.giveBack(favourite, for: key.quotaClass, model: key.model, grant: dry.lastGrant, now: now)
        }
        while turns.count < Self.mostTurns {
            let choice = dry.lease(
                for: key.quotaClass, model: key.model, excluding: tried, now: now, wallNow: wallNow)
            guard case .lease(let id) = choice else { break }
            turns[id] = turns.count + 1
            tried.insert(id)
            dry.giveBack(id, for: key.quotaClass, model: key.model, grant: dry.lastGrant, now: now)
        }
        return turns
    }

    /// No request is tried more often; the others are only said to be ready.
    private static let mostTurns = 100

    private func explain(_ position: Int, _ key: LaneKey, _ place: Lane.Place, _ turn: Int?) -> Explanation.Account {
        let account = entries[position]
        var (state, until, reason) = standing(key.quotaClass, account)
        let verdict: RouteExplanation.Verdict
        switch place {
        case .absent, .unusable, .cooling, .spent, .suspended: verdict = .state
        case .shut: verdict = .exit
        case .paced:
            verdict = .pace
            until = account.pacedUntil.map { circumstances.civil($0) }
            reason = "it was used just now; its pace is one request in \(rules.pace.secondsRoundedUp) s"
        case .busy where account.inFlight >= rules.maxInFlight:
            verdict = .busy
            reason = "\(account.inFlight) of \(rules.maxInFlight) requests in flight"
        case .busy: verdict = .probing
        case .ready: verdict = gate == .open ? .ready : .endpoint
        }
        if state.isSelectable, place == .cooling, let rest = account.life.models[key], rest.end > clock {
            state = .cooling
            until = circumstances.civil(rest.end)
            reason = "the model \"\(key.model)\" rests on it"
        }
        return Explanation.Account(
            accountID: account.id, turn: turn, verdict: verdict, state: state, until: until,
            remaining: until.map { max($0 - wall, .zero) }, reason: reason, inFlight: account.inFlight,
            weight: account.weight)
    }
}

extension AccountPool {
    func explanation(
        for quotaClass: QuotaClass, model: String, favourite: String?
    ) -> AccountPoolState.Explanation {
        let (now, wallNow) = (time.now, time.wallNow)
        // Copied under the lock, worked out without it.
        let rules = state.withLock { $0.rules }
        return rules.explanation(
            for: quotaClass, model: model, favourite: favourite, now: now, wallNow: wallNow)
    }
}

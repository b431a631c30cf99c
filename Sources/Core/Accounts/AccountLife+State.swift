/// What an account is, worked out anew each time.
extension AccountLife {
    /// Why nobody may use it until somebody acts.
    func bar(_ wall: WallTime) -> AccountBar {
        if isDisabledByRecord || isSwitchedOff { return .disabled }
        if let finding, problem == nil || finding.bar.rawValue < AccountBar.incomplete.rawValue { return finding.bar }
        if problem != nil { return .incomplete }
        return expiresAt.map { $0 <= wall } ?? false ? .expired : .none
    }

    /// Where it stands with a class of work, and when that ends by itself.
    func state(_ quotaClass: QuotaClass, _ rules: AccountPoolState.Rules, _ now: Instant, _ wall: WallTime) -> (
        state: AccountState, until: WallTime?
    ) {
        if let state = bar(wall).state { return (state, nil) }
        let ends = ends(quotaClass, rules, now, wall)
        switch strands[quotaClass.ordinal].breaker.phase {
        case .open(let until) where until > now: return (.suspended, wall + (until - now))
        case .open, .halfOpen: return (.suspended, nil)
        case .closed: break
        }
        if let end = ends.quota { return (.quotaExhausted, end) }
        if let end = ends.rest { return (.cooling, wall + (end - now)) }
        guard let expiresAt, expiresAt - wall < Self.expiringSpan else { return (.ready, nil) }
        return (.expiring, expiresAt)
    }

    /// What a class waits for, as far as it is not over.
    private func ends(
        _ quotaClass: QuotaClass, _ rules: AccountPoolState.Rules, _ now: Instant, _ wall: WallTime
    ) -> (rest: Instant?, quota: WallTime?) {
        let own = strands[quotaClass.ordinal]
        var rest = later(own.rest?.end, own.limitEnd)
        var quota = own.quotaEnd
        if rules.textRestsAll, quotaClass != .text {
            // Pictures and films are asked for in words, which spend the allowance for text.
            let text = strands[QuotaClass.text.ordinal]
            rest = later(rest, text.rest?.end)
            quota = later(quota, text.quotaEnd)
        }
        return (rest.flatMap { $0 > now ? $0 : nil }, quota.flatMap { $0 > wall ? $0 : nil })
    }

    private func later<Time: Comparable>(_ left: Time?, _ right: Time?) -> Time? {
        guard let left, let right else { return left ?? right }
        return max(left, right)
    }

    /// How far it is from being leased for a kind of work, its exit, its pace and its leases aside.
    enum Availability: Equatable {
        case barred
        case rests(Lane.Place, until: Instant)
        /// The one request that may try it is on its way.
        case probing
        case free
    }

    typealias Lane = AccountPoolState.Lane

    func availability(
        _ key: AccountPoolState.LaneKey, _ rules: AccountPoolState.Rules, _ now: Instant, _ wall: WallTime
    ) -> Availability {
        if bar(wall) != .none { return .barred }
        let strand = strands[key.quotaClass.ordinal]
        if strand.isClean, models.isEmpty, !rules.textRestsAll { return .free }
        let ends = ends(key.quotaClass, rules, now, wall)
        var (place, end) = (Lane.Place.ready, now)
        if let rest = ends.rest { (place, end) = (.cooling, rest) }
        if !key.model.isEmpty, let rest = models[key]?.end, rest > now { (place, end) = (.cooling, max(end, rest)) }
        if let quota = ends.quota { (place, end) = (.spent, max(end, now + (quota - wall))) }
        if let open = strand.breaker.openUntil, open > now { (place, end) = (.suspended, max(end, open)) }
        if place != .ready, end > now { return .rests(place, until: end) }
        return strand.breaker.letsPass(now) ? .free : .probing
    }

    /// When by the wall clock something about it changes next.
    func nextMark(after wall: WallTime) -> WallTime? {
        var next: WallTime?
        func consider(_ time: WallTime?) {
            guard let time, time > wall else { return }
            next = min(next ?? time, time)
        }
        consider(expiresAt)
        // One microsecond less than three hours is less than three hours.
        consider(expiresAt.map { $0 + (.microseconds(1) - Self.expiringSpan) })
        for strand in strands { consider(strand.quotaEnd) }
        return next
    }

    /// Some class waits for the end of the upstream's day.
    func hasQuotaEnd(_ wall: WallTime) -> Bool { strands.contains { $0.quotaEnd.map { $0 > wall } ?? false } }
}

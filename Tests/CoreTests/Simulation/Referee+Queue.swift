import PolluxCore

// Who waits for an account, who is served, and who is refused.
extension Referee {
    // MARK: In a quiet moment

    func checkQueue(_ waiting: [Visit]) {
        for visit in waiting {
            check(
                now < visit.arrival + plan.queue.maxWait, .queueBounded, "#\(visit.id) waits for \(now - visit.arrival)"
            )
            let free = visit.candidates.flatMap { provider in
                (accounts[provider]?.lasting(.free, visit.work, before: .max) ?? []).map { "\(provider)/\($0)" }
            }
            check(free.isEmpty, .nobodyForgotten, "#\(visit.id) waits though \(free) are free")
        }
        for provider in plan.providers {
            let queue = waiting.filter { $0.candidates == [provider.name] }
            check(queue.count <= plan.queue.maxDepth, .queueBounded, "\(queue.count) wait for \(provider.name)")
        }
        let lines = Set(waiting.flatMap(\.candidates)).count
        check(waiting.count <= plan.queue.maxDepth * lines, .queueBounded, "\(waiting.count) wait in \(lines) lines")
    }

    func noteTurn(of visit: Visit, servedBy provider: String?) {
        for candidate in visit.candidates {
            served[candidate, default: []].append(
                Turn(
                    key: visit.talk.key, work: visit.work, event: event, momentEvent: momentEvent,
                    isSeen: candidate == provider))
        }
    }

    /// While somebody waits for an account, no other key is served twice with the same work before its own is once.
    func checkTurns(_ waiting: [Visit]) {
        for late in startedNow where late.hasQueued {
            guard let provider = late.attempts.first?.provider, let turns = served[provider] else { continue }
            for other in waiting
            where other.work == late.work && other.talk.key != late.talk.key && other.candidates.contains(provider) {
                let own = turns.last { $0.key == other.talk.key }?.event ?? 0
                let since = max(other.arrivalEvent, own, accounts[provider]?.hopeLost(other.work) ?? 0)
                let count = turns.count {
                    $0.key == late.talk.key && $0.work == other.work && $0.isSeen && $0.momentEvent > since
                }
                if count == 1 { self.count("another key's turn") }
                check(
                    count <= 1, .queueTakesTurns,
                    "#\(late.id) of \(late.talk.key) was served by \(provider), the \(count)th, before #\(other.id)")
            }
        }
    }

    /// Of two of one key who wait for the same work in the same pool, the one who came first is served first.
    func checkFairness(_ waiting: [Visit]) {
        for late in startedNow {
            guard let provider = late.attempts.first?.provider else { continue }
            for other in waiting
            where other.work == late.work && other.talk.key == late.talk.key && other.candidates.contains(provider) {
                if other.candidates.count > 1, late.hasQueued { count("order in several lines") }
                // One who was sent away may be on its way back to its place in this moment.
                if accounts[provider]?.hopeLost(other.work) ?? 0 >= momentEvent { continue }
                check(
                    other.arrival >= late.arrival, .queueFair,
                    "#\(late.id) was served by \(provider) before #\(other.id)")
            }
        }
    }

    /// Notes which lines may have been full when a request came to wait: those do not take it later either.
    func noteFullLines(_ visit: Visit) {
        visit.fullLines = Set(visit.candidates.filter { mostInLine($0, besides: visit) >= plan.queue.maxDepth })
    }

    /// How many can have stood in a provider's line at any time of this moment.
    private func mostInLine(_ provider: String, besides visit: Visit) -> Int {
        visits.count { other in
            other !== visit && other.candidates.contains(provider)
                && (other.state == .waiting || other.waitEnd >= momentEvent)
        }
    }

    // MARK: When one is refused

    /// A request that was never tried is refused in the same breath in which it was seen that nothing helps.
    func checkRefusal(_ visit: Visit, _ error: GatewayError) {
        checkEarliest(visit, error)
        for provider in visit.candidates {
            let unseen = unseenLeases(of: provider, besides: visit)
            let free = accounts[provider]?.lasting(
                .free, visit.work, before: visit.leaseWindow + 1, unseen: unseen)
            check(free?.isEmpty ?? true, .refusedForCause, "#\(visit.id) though \(free ?? []) of \(provider) were free")
        }
        let end = min(visit.arrival + plan.queue.maxWait, visit.deadline)
        guard now < end else { return count("waited in vain") }
        if !visit.hasQueued { noteFullLines(visit) }
        for provider in visit.candidates {
            guard let figures = accounts[provider]?.figures(visit.work, now, wallNow) else { continue }
            // A lease that nobody has seen yet may have begun a pace that takes too long.
            if isBlind(provider, visit) { continue }
            let helps = figures.ready + figures.busy > 0 || figures.firstBack.map { now + $0 <= end } ?? false
            guard helps else { continue }
            check(
                visit.fullLines.contains(provider), .refusedForCause,
                "#\(visit.id) though \(provider) may help: \(figures), and it would wait for \(end - now)")
            count("queue full")
        }
    }

    /// Somebody may have taken an account in this moment, and so keep others at a distance.
    private func isBlind(_ provider: String, _ visit: Visit) -> Bool {
        guard let rules = accounts[provider]?.rules, rules.pace > .zero else { return false }
        return unseenLeases(of: provider, besides: visit) > 0
    }

    /// The refusal names the earliest time of all targets.
    private func checkEarliest(_ visit: Visit, _ error: GatewayError) {
        let figures = visit.candidates.compactMap { accounts[$0]?.figures(visit.work, now, wallNow) }
        // Whether one that is free here is free or leased already is not known.
        guard figures.allSatisfy({ $0.ready == 0 }) else { return }
        let waits = figures.compactMap { $0.busy > 0 ? min($0.firstBack ?? .seconds(1), .seconds(1)) : $0.firstBack }
        if Set(waits).count > 1 { count("earliest of several") }
        check(
            error.retryAfter == waits.min(), .retryAfterTold,
            "#\(visit.id) is told \(String(describing: error.retryAfter)), of \(waits)")
    }

    /// What the client is told after a limit: when the first account of all targets is back, as far as that is known.
    /// - Returns: `nil` when somebody may have leased an account unseen, and so paced it.
    func expectedWait(_ visit: Visit, after failure: GatewayError) -> Duration? {
        let figures = visit.candidates.compactMap { accounts[$0]?.figures(visit.work, now, wallNow) }
        if visit.candidates.contains(where: { isBlind($0, visit) }) { return nil }
        let earliest = figures.compactMap { $0.ready + $0.busy > 0 ? .seconds(1) : $0.firstBack }.min()
        if failure.accountEffect == .exhaustQuota { return earliest ?? failure.retryAfter ?? .seconds(60) }
        guard let named = failure.retryAfter else { return min(earliest ?? .seconds(60), .seconds(60)) }
        // Without a rest the pools know nothing of the limit.
        return failure.accountEffect == .cool ? earliest ?? named : named
    }
}

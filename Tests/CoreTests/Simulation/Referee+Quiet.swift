import PolluxCore

// What must be true whenever everything has come to rest and only the clock can go on.
extension Referee {
    func lookAround(_ pools: [String: AccountPool]) {
        meetMoment()
        noteRest()
        let waiting = visits.filter { $0.state == .waiting }
        checkLeavers()
        checkQueue(waiting)
        checkFairness(waiting)
        checkTurns(waiting)
        for provider in plan.providers {
            guard let pool = pools[provider.name] else { continue }
            for work in NaiveWork.all where work.model.isEmpty || NaiveWork.asked.contains(work) {
                checkFigures(provider.name, work, pool)
            }
        }
        visits.removeAll { $0.state == .done }
        startedNow = []
    }

    /// Who is between two attempts now holds the account of the last one over a pause.
    private func noteRest() {
        for visit in visits where visit.state == .between && visit.held == nil {
            guard let last = visit.attempts.last else { continue }
            count("pauses")
            visit.held = (last.provider, last.account)
            accounts[last.provider]?.begin(last.account, visit.work, visit.leaseNumber, now)
            accounts[last.provider]?.turns.forget()
            look(last.provider)
        }
        nextEvent()
        for visit in visits where visit.state == .waiting {
            if !visit.hasQueued {
                count("queues")
                noteFullLines(visit)
            }
            visit.hasQueued = true
            visit.leaseWindow = event
        }
    }

    private func checkLeavers() {
        for visit in visits where visit.state != .done {
            check(visit.leftAt == nil, .outcomeInTime, "#\(visit.id) is still \(visit.state)")
            check(now < visit.deadline, .outcomeInTime, "#\(visit.id) is \(visit.state) past its deadline")
        }
    }

    private func checkFigures(_ provider: String, _ work: NaiveWork, _ pool: AccountPool) {
        guard let books = accounts[provider] else { return }
        let expected = books.figures(work, now, wallNow)
        let shortage = pool.shortage(for: work.quotaClass, model: work.model)
        var found = NaiveAccounts.Figures()
        (found.accounts, found.ready, found.busy) = (shortage.accounts, shortage.ready, shortage.busy)
        found.cooling = shortage.cooling + shortage.suspended + shortage.spent + shortage.paced
        found.firstBack = shortage.firstBack
        found.unusable = shortage.unusable.values.reduce(0, +)
        check(
            found == expected, .figuresTrue,
            "\(provider) \(work.quotaClass) \(work.model): \(found), should be \(expected)")
    }

    // MARK: The end

    /// Leases whatever can be leased, and gives it back; twice, so that the giving back is seen too.
    func checkAllBack(_ pools: [String: AccountPool]) {
        meetMoment()
        for provider in plan.providers {
            guard let pool = pools[provider.name], let books = accounts[provider.name] else { continue }
            let room = books.room(NaiveWork(.text), now, wallNow)
            for round in 1...2 {
                let leases = Self.leaseAll(pool)
                check(leases.count == room, .allBack, "\(provider.name), round \(round): \(leases.count) of \(room)")
                for lease in leases { lease.giveBack() }
            }
        }
    }

    private static func leaseAll(_ pool: AccountPool) -> [PoolLease] {
        var leases: [PoolLease] = []
        while leases.count < 1000 {
            do { leases.append(try pool.lease(for: .text, provider: "p")) } catch { break }
        }
        return leases
    }
}

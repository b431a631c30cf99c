import PolluxCore

// Which of the ready accounts is taken.
extension Referee {
    /// Checks a lease that was taken in the same breath as the last event, when it is known who was ready.
    ///
    /// Before the attempt is entered in the books.
    func checkStrategy(_ visit: Visit, _ provider: String, _ id: String) {
        let isDirect = event == visit.lastOwnEvent + 1
        for candidate in visit.candidates where !isDirect || candidate != provider {
            // It may have been given accounts there that it had no use for.
            if !isDirect || !visit.attempts.isEmpty { accounts[candidate]?.turns.forget() }
        }
        // A favourite takes nobody's turn.
        if isDirect, isReturn(visit, provider, id) { return }
        guard let books = accounts[provider], let account = books[id] else { return }
        guard isDirect, visit.held == nil, unseenLeases(of: provider, besides: visit) == 0 else {
            return books.turns.forget()
        }
        let ready = books.present.filter { one in
            books.standing(one, visit.work, now, wallNow) == .free && !visit.hasTried(provider, one.id)
        }
        guard ready.contains(where: { $0 === account }) else { return books.turns.forget() }
        if let fault = fault(in: books, account, ready) {
            check(
                false, misplaced(visit, provider, id, otherwise: .strategyKept),
                "#\(visit.id) on \(provider)/\(id), \(books.rules.strategy.rawValue): \(fault)")
        }
    }

    private func fault(in books: NaiveAccounts, _ account: NaiveAccount, _ ready: [NaiveAccount]) -> String? {
        if ready.count > 1 { count("chooses \(books.rules.strategy.rawValue)") }
        switch books.rules.strategy {
        case .fillFirst: return ready[0] === account ? nil : "\(ready[0].id) is ready"
        case .leastInFlight:
            let idler = ready.first { $0.running * account.weight < account.running * $0.weight }
            if account.running > 0 { count("least of many") }
            return idler.map {
                "\($0.id) has \($0.running) for \($0.weight), it \(account.running) for \(account.weight)"
            }
        case .roundRobin:
            let fault = books.turns.take(account, books.present, ready: ready)
            if books.turns.isTelling { count("shares told") }
            return fault
        }
    }
}

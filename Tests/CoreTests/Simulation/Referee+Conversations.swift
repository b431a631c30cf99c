import PolluxCore

// Conversations go back to the account that they had last.
extension Referee {
    /// As the request comes: nothing else happens until it asks an account or has to wait.
    func noteFavourite(_ visit: Visit) {
        visit.hasChoice =
            visit.candidates.count > 1 || visit.candidates.contains { accounts[$0]?.present.count ?? 0 > 1 }
        guard visit.hasChoice, let place = affinity?.place(of: visit.talk, now),
            visit.candidates.contains(place.provider)
        else { return }
        visit.favourite = place
        guard let books = accounts[place.provider], let account = books[place.account],
            books.standing(account, visit.work, now, wallNow) == .free,
            unseenLeases(of: place.provider, besides: visit) == 0
        else { return count("favourite passed over") }
        visit.isFavouriteReady = true
    }

    func checkReturn(_ visit: Visit, _ provider: String, _ account: String) {
        guard visit.attempts.isEmpty, visit.isFavouriteReady else { return }
        count("returns to its account")
        let place = NaiveAffinity.Place(provider: provider, account: account)
        check(
            visit.favourite == place, .conversationReturns,
            "#\(visit.id) on \(provider)/\(account), but was on \(String(describing: visit.favourite))")
    }

    /// Its first attempt is on the account that its conversation had last.
    func isReturn(_ visit: Visit, _ provider: String, _ account: String) -> Bool {
        visit.attempts.isEmpty && visit.favourite == NaiveAffinity.Place(provider: provider, account: account)
    }

    /// The rule that is broken when a first attempt is not where it ought to be: if another key's conversation of the
    /// same name is there, that is why.
    func misplaced(_ visit: Visit, _ provider: String, _ account: String, otherwise rule: Rule) -> Rule {
        let place = NaiveAffinity.Place(provider: provider, account: account)
        guard visit.attempts.isEmpty, let affinity, affinity.foreignPlaces(of: visit.talk).contains(place) else {
            return rule
        }
        return .keysApart
    }

    func remember(_ visit: Visit, _ attempt: Visit.Attempt) {
        guard visit.hasChoice else { return }
        let place = NaiveAffinity.Place(provider: attempt.provider, account: attempt.account)
        affinity?.remember(visit.talk, answer: "r\(visit.id)", at: place, now)
        if affinity?.foreignPlaces(of: visit.talk).isEmpty == false { count("names of several keys") }
    }
}

import PolluxCore

// What providers are asked, and how it ends.
extension Referee {
    func attemptBegins(_ visit: Visit, _ provider: String, _ credential: Credential, _ script: Script) {
        let account = credential.accountID
        happened("attempt", "#\(visit.id) \(visit.attempts.count + 1): \(provider)/\(account) \(script.deed.rawValue)")
        count(script.deed.rawValue)
        notePassed(visit)
        checkRoute(visit, provider, account)
        if let previous = visit.attempts.last { checkRetry(visit, previous, provider, account) }
        checkLease(visit, provider, credential)
        checkReturn(visit, provider, account)
        checkStrategy(visit, provider, account)
        payBudget(visit, provider)

        if visit.attempts.isEmpty {
            startedNow.append(visit)
            if visit.hasQueued { noteTurn(of: visit, servedBy: provider) }
            if event > visit.arrivalEvent + 1 { visit.waitEnd = event }
        }
        let number = visit.leaseNumber
        if let held = visit.held, held != (provider, account) { letGo(held, visit) }
        if visit.held == nil { accounts[provider]?.begin(account, visit.work, number, now) }
        visit.held = nil
        look(provider)
        visit.state = .attempting
        visit.attempts.append(
            Visit.Attempt(
                number: visit.attempts.count + 1, provider: provider, account: account, script: script,
                exit: credential.proxy, secret: credential["key"], lease: number, start: now))
    }

    /// A lease over a pause comes back unused.
    func letGo(_ held: (provider: String, account: String), _ visit: Visit) {
        accounts[held.provider]?.giveBack(held.account, visit.work, visit.leaseNumber)
        accounts[held.provider]?.end(held.account)
        visit.held = nil
        look(held.provider)
    }

    /// Content has come; the first of an attempt is told to the breakers.
    func attemptAnswers(_ visit: Visit) {
        guard let last = visit.attempts.indices.last, !visit.attempts[last].hasAnswered else { return }
        visit.attempts[last].hasAnswered = true
        let attempt = visit.attempts[last]
        accounts[attempt.provider]?.answers(attempt.account, visit.work, now)
    }

    /// - Parameter number: Of the attempt; an end that comes twice is noticed.
    func attemptEnds(_ visit: Visit, _ number: Int, _ how: Visit.Ending) {
        let attempt = visit.attempts[number - 1]
        guard attempt.end == nil else { return }
        happened("attempt ends", "#\(visit.id) \(number): \(how)")
        visit.attempts[number - 1].end = (now, how)
        switch how {
        case .answered:
            accounts[attempt.provider]?.praise(attempt, visit.work, now)
            count("answered")
            remember(visit, attempt)
        case .failed(let error):
            accounts[attempt.provider]?.blame(
                attempt, visit.work, isCommitted: visit.isCommitted, error, now, wallNow)
        case .dropped:
            accounts[attempt.provider]?.forgo(attempt.account, visit.work, attempt.lease)
            check(visit.leftAt != nil, .nobodyForgone, "#\(visit.id) dropped attempt \(number) for no cause")
        }
        accounts[attempt.provider]?.end(attempt.account)
        look(attempt.provider)
        visit.state = .between
        notePassed(visit)
        (visit.leaseWindow, visit.lastOwnEvent) = (event - 1, event)
    }

    // MARK: Rules

    private func checkRoute(_ visit: Visit, _ provider: String, _ account: String) {
        let name = "#\(visit.id) on \(provider)/\(account)"
        check(visit.state == .waiting || visit.state == .between, .outcomeOnce, "\(name) while \(visit.state)")
        check(visit.attempts.count < maxAttempts, .attemptsBounded, "\(name): \(visit.attempts.count + 1) attempts")
        check(!visit.isCommitted, .noAttemptAfterCommit, name)
        guard let place = visit.candidates.firstIndex(of: provider) else {
            return check(false, .candidatesInOrder, "\(name): the route is \(visit.candidates)")
        }
        for earlier in visit.candidates[..<place] where unseenLeases(of: earlier, besides: visit) > 0 {
            visit.blurred.insert(earlier)
        }
        for earlier in visit.candidates[..<place] where !isReturn(visit, provider, account) {
            let passed = untried(visit, earlier)
            check(
                passed.isEmpty || visit.passed.contains(earlier),
                misplaced(visit, provider, account, otherwise: .candidatesInOrder),
                "\(name), past \(earlier)/\(passed)")
        }
    }

    private func checkRetry(_ visit: Visit, _ previous: Visit.Attempt, _ provider: String, _ account: String) {
        let name = "#\(visit.id) on \(provider)/\(account) after \(String(describing: visit.lastFailure?.kind))"
        count("retry")
        guard let error = visit.lastFailure, let end = previous.end?.at else {
            return check(false, .noVainRetry, name)
        }
        check(Self.mayHelpElsewhere(error) && !visit.hasSideEffect, .noVainRetry, name)
        check(visit.deadline - now > .seconds(1), .retryHasTime, "\(name), \(visit.deadline - now) left")
        let isSame = (previous.provider, previous.account) == (provider, account)
        if isSame {
            count("same account again")
            check(Self.mayHelpRepeating(error), .accountOnce, name)
            if Self.isUnreadable(error) {
                check(!visit.hasRepeatedUnreadable, .unreadableOnce, name)
                visit.hasRepeatedUnreadable = true
            }
            let others = visit.candidates.filter { !visit.passed.contains($0) && !visit.blurred.contains($0) }
                .flatMap { untried(visit, $0) }
            check(others.isEmpty, .accountOnce, "\(name) though \(others) are untried")
        } else {
            check(!visit.hasTried(provider, account), .accountOnce, "\(name), tried before")
        }
        check(visit.failures.count { $0.kind == .upstreamTimeout } <= 1, .timeoutOnce, name)
        let pause = now - end
        check(!isSame || pause >= error.retryAfter ?? .zero, .pauseOnlyForSame, "\(name), \(pause), too early")
        check(pause == .zero || (isSame && pause <= .seconds(2)), .pauseOnlyForSame, "\(name), \(pause)")
    }

    private func checkLease(_ visit: Visit, _ provider: String, _ credential: Credential) {
        let id = credential.accountID
        let name = "#\(visit.id) on \(provider)/\(id)"
        guard let books = accounts[provider], let account = books[id] else {
            // Gone since the lease was taken, which the window of a lease over a pause allows.
            return check(visit.held?.account == id, .leasedWhenFree, "\(name) is unknown")
        }
        let isHeld = visit.held.map { ($0.provider, $0.account) == (provider, id) } ?? false
        let standing = books.standing(account, visit.work, now, wallNow)
        let wasFree = account[visit.work].lastFree > visit.leaseWindow
        check(isHeld || standing == .free || wasFree, .leasedWhenFree, "\(name) is \(standing)")
        check(account.running - (isHeld ? 1 : 0) < books.rules.maxInFlight, .inFlightBounded, name)
        check(account.credential["key"] == credential["key"], .newestSecret, name)
    }

    /// Reckons a provider's budget anew (T-4), in floating point like the original, so within a hair. What a request
    /// asks of a provider first is no retry there, even if another provider has failed it before.
    private func payBudget(_ visit: Visit, _ provider: String) {
        let tokens = budgets[provider] ?? 0
        guard let last = visit.lastFailure, visit.attempts.contains(where: { $0.provider == provider }) else {
            budgets[provider] = min(100, tokens + plan.retry.budgetRatio)
            return
        }
        let price = last.kind == .upstreamTimeout ? 2.0 : 1.0
        check(tokens > price - 1e-6, .budgetKept, "#\(visit.id) on \(provider), which has \(tokens)")
        budgets[provider] = tokens - price
    }

    /// Notes which providers have no budget for one more attempt of this request.
    private func notePassed(_ visit: Visit) {
        guard let last = visit.lastFailure else { return }
        let price = (last.kind == .upstreamTimeout ? 2 : 1) + 1e-6
        for provider in visit.candidates where visit.attempts.contains(where: { $0.provider == provider }) {
            if (budgets[provider] ?? 0) < price { visit.passed.insert(provider) }
        }
    }

    /// Accounts of a provider that the request could have had ever since it came.
    func untried(_ visit: Visit, _ provider: String) -> [String] {
        let unseen = unseenLeases(of: provider, besides: visit)
        return (accounts[provider]?.lasting(.free, visit.work, before: visit.arrivalEvent, unseen: unseen) ?? [])
            .filter { !visit.hasTried(provider, $0) }
    }

    /// Leases of a provider that others may have been given in this moment without having used them yet.
    func unseenLeases(of provider: String, besides visit: Visit) -> Int {
        visits.count { other in
            guard other !== visit, other.candidates.contains(provider) else { return false }
            return other.state == .waiting || (other.state == .between && other.held == nil)
        }
    }

    /// The table of classes in the reliability requirements, section 11.
    static func mayHelpElsewhere(_ error: GatewayError) -> Bool {
        switch error.kind {
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .rateLimited, .quotaExhausted,
            .upstreamAuth, .upstreamError, .upstreamUnavailable, .upstreamBadResponse, .upstreamTruncated:
            true
        default: false
        }
    }

    static func isUnreadable(_ error: GatewayError) -> Bool {
        error.kind == .upstreamBadResponse || error.kind == .upstreamTruncated
    }

    static func mayHelpRepeating(_ error: GatewayError) -> Bool {
        switch error.kind {
        case .upstreamTimeout, .rateLimited, .quotaExhausted, .upstreamAuth: false
        default: mayHelpElsewhere(error) && (error.retryAfter ?? .zero) <= .seconds(2)
        }
    }
}

import PolluxCore

// What clients do, and what they are told.
extension Referee {
    func arrives(_ visit: Visit) {
        happened(
            "arrives",
            "#\(visit.id) \(visit.model) \(visit.work.quotaClass.rawValue)"
                + " \(visit.isStreamed ? "streamed" : "whole") to \(visit.candidates), \(visit.deadline - now) left")
        visits.append(visit)
        (visit.arrivalEvent, visit.lastOwnEvent, visit.leaseWindow) = (event, event, event - 1)
        noteFavourite(visit)
    }

    func leaves(_ visit: Visit, _ why: String) {
        happened(why, "#\(visit.id) while \(visit.state)")
        count("\(why) while \(visit.state)")
        visit.leftAt = now
    }

    func isAccepted(_ visit: Visit) {
        guard let last = visit.attempts.indices.last else { return }
        visit.attempts[last].isAccepted = true
    }

    func commits(_ visit: Visit, by what: String) {
        guard !visit.isCommitted else { return }
        happened("commits", "#\(visit.id) by \(what)")
        count("commits by \(what)")
        count("commits while \(visit.state)")
        visit.isCommitted = true
    }

    func takes(_ visit: Visit, _ event: ModelEvent) {
        check(visit.state == .attempting, .answerWhole, "#\(visit.id) got \(event) while \(visit.state)")
        check(visit.taken.last != .ended, .endedOnce, "#\(visit.id) got \(event) after the end")
        visit.taken.append(event)
        guard let attempt = visit.attempts.last else { return }
        let expected = attempt.script.events.prefix(visit.taken.count)
        check(
            Array(expected) == visit.taken, .answerWhole,
            "#\(visit.id) got \(visit.taken), attempt \(attempt.number) gave \(expected)")
        if event == .ended {
            check(attempt.script.verdict == nil, .endedOnlyByAnswer, "#\(visit.id) after \(attempt.script.deed)")
        }
    }

    func ends(_ visit: Visit, _ outcome: Result<AttemptRecord, GatewayError>) {
        happened("ends", "#\(visit.id): \(Self.describe(outcome))")
        check(visit.state != .done, .outcomeOnce, "#\(visit.id)")
        if let held = visit.held { letGo(held, visit) }
        let open = visit.attempts.filter { $0.end == nil }.map(\.number)
        check(open.isEmpty, .outcomeInTime, "#\(visit.id) is over while its attempts \(open) run")
        switch outcome {
        case .success(let record): checkSuccess(visit, record)
        case .failure(let error):
            checkFailure(visit, error)
            // It may have had an account in hand until now, unless it was asking when it left.
            if case .dropped? = visit.attempts.last?.end?.how { break }
            for candidate in visit.candidates { accounts[candidate]?.turns.forget() }
        }
        if visit.state == .waiting { noteTurn(of: visit, servedBy: nil) }
        if visit.state == .waiting, event > visit.arrivalEvent + 1 { visit.waitEnd = event }
        visit.state = .done
    }

    // MARK: Rules

    private func checkSuccess(_ visit: Visit, _ record: AttemptRecord) {
        count("succeeds")
        let name = "#\(visit.id)"
        guard let last = visit.attempts.last, case .answered? = last.end?.how else {
            return check(false, .endedOnlyByAnswer, "\(name) succeeds without an answer")
        }
        check(visit.taken == last.script.events, .answerWhole, name)
        check(visit.taken.filter { $0 == .ended }.count == 1, .endedOnce, name)
        check(
            (record.provider, record.accountID, record.attempts) == (last.provider, last.account, last.number),
            .recordTrue, "\(name): \(record)")
    }

    private func checkFailure(_ visit: Visit, _ error: GatewayError) {
        let name = "#\(visit.id), \(error.kind.rawValue)"
        count("fails with \(error.kind.rawValue)")
        if visit.leftAt == nil { check(error.kind != .cancelled, .lastFailureTold, "\(name), but nobody left") }
        check(!visit.taken.contains(.ended) || visit.leftAt != nil, .endedOnlyByAnswer, name)
        guard error.kind != .cancelled else { return }
        if let failure = visit.lastFailure {
            check(
                (error.kind, error.message) == (failure.kind, failure.message), .lastFailureTold,
                "\(name), instead of \(failure)")
            checkNothingForgone(visit, failure)
        } else {
            check(visit.attempts.isEmpty, .lastFailureTold, name)
            let expected: GatewayError.Kind = visit.candidates.isEmpty ? .unsupported : .noAccountAvailable
            check(error.kind == expected, .refusedForCause, name)
            if visit.leftAt == nil, error.kind == .noAccountAvailable { checkRefusal(visit, error) }
        }
        checkRetryAfter(visit, error)
    }

    private func checkNothingForgone(_ visit: Visit, _ failure: GatewayError) {
        // How often a timeout or an unreadable answer may be repeated is bounded by a count of its own.
        let isFirstOfItsClass = visit.failures.filter { Self.isCountedApart($0) }.count <= 1
        guard !visit.isCommitted, visit.leftAt == nil, Self.mayHelpElsewhere(failure),
            !visit.hasSideEffect, visit.attempts.count < maxAttempts, visit.deadline - now > .seconds(1),
            isFirstOfItsClass
        else { return }
        let open = visit.candidates.filter { !visit.passed.contains($0) }
        if open.count < visit.candidates.count { count("budget spent") }
        let others = open.filter { !visit.blurred.contains($0) }.flatMap { untried(visit, $0) }
        check(others.isEmpty, .nobodyForgone, "#\(visit.id) ends with \(failure.kind) though \(others) are free")
    }

    private static func isCountedApart(_ error: GatewayError) -> Bool {
        error.kind == .upstreamTimeout || isUnreadable(error)
    }

    private func checkRetryAfter(_ visit: Visit, _ error: GatewayError) {
        let isCommitted = visit.isCommitted
        switch error.kind {
        case .rateLimited, .quotaExhausted:
            guard !isCommitted, let failure = visit.lastFailure else { return }
            guard let expected = expectedWait(visit, after: failure) else { return }
            check(
                error.retryAfter == expected, .retryAfterTold,
                "#\(visit.id), \(error.kind): \(String(describing: error.retryAfter)), not \(expected)")
        case .upstreamUnavailable:
            let wait = error.retryAfter ?? .zero
            check(isCommitted || wait > .zero, .retryAfterTold, "#\(visit.id), \(error.kind): \(wait)")
        default: break
        }
    }

    private static func describe(_ outcome: Result<AttemptRecord, GatewayError>) -> String {
        switch outcome {
        case .success(let record): "answered by \(record.provider)/\(record.accountID), attempt \(record.attempts)"
        case .failure(let error): "\(error), retry after \(error.retryAfter.map { "\($0)" } ?? "nothing")"
        }
    }
}

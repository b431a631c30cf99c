/// What must hold in every simulated run. The raw value is what a failure says.
enum Rule: String, CaseIterable {
    // One request.
    case outcomeOnce = "every request has exactly one outcome"
    case outcomeInTime = "a client that left or ran out of time is let go within the same instant"
    case attemptsBounded = "at most 1 + max_retries attempts (T-3)"
    case retryHasTime = "a retry has more than a second left (T-3)"
    case budgetKept = "a retry is paid from its provider's budget (T-4)"
    case pauseOnlyForSame = "only the same account is paused for, at most 2 s (T-5)"
    case noAttemptAfterCommit = "no attempt after the commit point (T-6)"
    case noVainRetry = "what cannot be better elsewhere is not tried again (T-7)"
    case accountOnce = "each account is tried once, but for the one repetition that its failure allows (T-8)"
    case timeoutOnce = "after a timeout one other account is tried, not one after the other"
    case unreadableOnce =
        "an answer that cannot be read is asked for once more from the same account, not again and again"
    case candidatesInOrder = "candidates are tried in the order of the route (T-8)"
    case nobodyForgone = "no attempt is forgone while there is somebody to ask, and the rules allow it"
    // The answer.
    case endedOnce = "one end for each answer, and nothing after it"
    case endedOnlyByAnswer = "a failed answer never gets an end"
    case answerWhole = "the client gets the last attempt's events, all of them and no other"
    case recordTrue = "the record names the last attempt"
    case lastFailureTold = "the client is told the last failure"
    case retryAfterTold = "a limit, an overload and a shortage say when to come back (F-17, F-22, F-28)"
    // Accounts.
    case conversationReturns = "a conversation goes back to its account while that is ready"
    case keysApart = "a conversation never goes where another client key's was"
    case strategyKept = "of the ready accounts the one is taken that the strategy names, by weight"
    case leasedWhenFree = "an account is leased only while it is there, usable, rested and not full"
    case newestSecret = "an attempt sees the newest secret of its account"
    case inFlightBounded = "no account runs more than max_in_flight"
    case figuresTrue =
        "the pool's figures are those of a naive pool: every lease is back once, each failure rests its scope"
    case allBack = "in the end every account can be leased as often as it may"
    // The queue.
    case queueBounded = "no more wait than max_depth, none longer than max_wait"
    case queueFair = "of one client key, first come, first served"
    case queueTakesTurns = "client keys that wait for the same take turns"
    case nobodyForgotten = "nobody waits while an account is free"
    case refusedForCause = "a request without an attempt is refused only when nobody is free and waiting is of no use"
    // The run itself.
    case onlyOneThread = "everything runs on the simulation's executor"
    case clockGoesOn = "nobody keeps the executor busy for ever"
    case everyoneDone = "nobody waits for what never comes"
}

struct Violation: Error, CustomStringConvertible {
    let rule: Rule
    let detail: String
    var description: String { "\(rule.rawValue): \(detail)" }
}

import PolluxCore

/// One request as the referee follows it.
final class Visit {
    struct Attempt {
        let number: Int
        let provider: String
        let account: String
        let script: Script
        /// The proxy by which it left.
        let exit: Secret?
        /// With which it was asked; newer after it rotated it itself.
        var secret: Secret?
        /// Tells its lease from others.
        let lease: UInt64
        let start: Instant
        var isAccepted = false
        /// Its first content has come.
        var hasAnswered = false
        var end: (at: Instant, how: Ending)?
    }

    enum Ending { case answered, failed(GatewayError), dropped }

    enum State { case waiting, attempting, between, done }

    let id: Int
    let model: String
    let work: NaiveWork
    let talk: Talk
    let isStreamed: Bool
    /// Providers in the route's order, less those that refuse the request.
    let candidates: [String]
    let arrival: Instant
    let deadline: Instant
    /// The referee's count of events when it asked.
    var arrivalEvent = 0
    /// The event at which its pipeline ran last.
    var lastOwnEvent = 0

    var state = State.waiting
    /// It was still waiting when everything had come to rest.
    var hasQueued = false
    /// The event at which it left the lines, if it stood in any.
    var waitEnd = -1
    /// Providers that may have had no place for it.
    var fullLines: Set<String> = []
    var attempts: [Attempt] = []
    var isCommitted = false
    var hasRepeatedUnreadable = false
    var leftAt: Instant?
    /// From this event on its present lease can have been taken.
    var leaseWindow = 0
    /// Providers that had no budget for it when it was their turn; none is come back to.
    var passed: Set<String> = []
    /// Providers that it went past when somebody unseen may have had their accounts; none is come back to.
    var blurred: Set<String> = []
    /// The account that is held over a pause.
    var held: (provider: String, account: String)?
    /// The number of the lease that it has now, or takes next.
    var leaseNumber: UInt64 { UInt64(id) * 1000 + UInt64(attempts.count) + 1 }
    var taken: [ModelEvent] = []
    /// There is more than one account that could serve it.
    var hasChoice = false
    /// Where its conversation was last.
    var favourite: NaiveAffinity.Place?
    var isFavouriteReady = false

    init(
        id: Int, model: String, work: NaiveWork, talk: Talk, isStreamed: Bool, candidates: [String], arrival: Instant,
        deadline: Instant
    ) {
        (self.id, self.model, self.work, self.talk, self.isStreamed) = (id, model, work, talk, isStreamed)
        (self.candidates, self.arrival, self.deadline) = (candidates, arrival, deadline)
    }

    var lastFailure: GatewayError? {
        if case .failed(let error)? = attempts.last?.end?.how { return error }
        return nil
    }

    var failures: [GatewayError] {
        attempts.compactMap { if case .failed(let error)? = $0.end?.how { error } else { nil } }
    }

    /// The upstream may have begun work that must not be begun twice: it accepted something other than text, and did
    /// not say afterwards that it would not do it (T-7).
    var hasSideEffect: Bool {
        guard work.quotaClass != .text, let last = attempts.last, last.isAccepted else { return false }
        switch lastFailure?.kind {
        case .rateLimited, .quotaExhausted, .upstreamAuth, .upstreamUnavailable: return false
        default: return true
        }
    }

    func hasTried(_ provider: String, _ account: String) -> Bool {
        attempts.contains { $0.provider == provider && $0.account == account }
    }
}

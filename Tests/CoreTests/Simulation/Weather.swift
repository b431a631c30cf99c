import PolluxCore

/// What an upstream does with one attempt.
enum Deed: String, Sendable, CaseIterable {
    // Answers.
    case answers, answersSlowly, answersWithCall, answersWithRefusal, blocksPrompt, stopsAtLength, rotates
    // Says no before the first event.
    case unreachable, tlsFails, resets, timesOut, limits, spendsQuota, rejectsCredential, restricts, fails, overloaded
    case rejectsRequest, knowsNoModel, garbles
    // Says more about the account than a limit.
    case spendsDay, asksForPerson, endsTrial
    // Limits more, or less, than an account.
    case limitsModel, blocksExit, closes
    // Goes wrong on the way.
    case breaksEarly, breaksLate, endsEarly, endsLate, endsWithoutFinish, answersNothing, stalls, limitsLate

    var isGood: Bool {
        switch self {
        case .answers, .answersSlowly, .answersWithCall, .answersWithRefusal, .blocksPrompt, .stopsAtLength, .rotates:
            true
        default: false
        }
    }
}

/// How likely which deed is for a while. Each episode has its own few kinds of trouble, so that rare combinations
/// happen somewhere.
struct Weather: Sendable {
    private let deeds: [(Deed, Int)]

    init(_ mood: WorldPlan.Mood, _ dice: Dice) {
        let good = Deed.allCases.filter(\.isGood).map { ($0, 3) }
        let kinds: [Deed] =
            switch mood {
            case .crowded: [.rejectsCredential, .restricts, .spendsQuota]
            case .outage: [.timesOut, .breaksEarly, .endsEarly]
            case .limited: [.limits, .blocksExit, .limitsModel, .limitsLate, .spendsDay]
            case .calm: []
            case .mixed: Deed.allCases.filter { !$0.isGood }
            }
        let troubles = dice.shuffled(kinds).prefix(
            mood == .mixed ? dice.pick([0, 1, 2, 4, 8, 22]) : dice.between(1, 3))
        let weight = dice.pick(
            mood == .crowded ? [20] : mood == .outage ? [100] : mood == .limited ? [2] : [1, 5, 20, 100])
        deeds = good + troubles.map { ($0, weight) }
    }

    func deed(_ dice: Dice) -> Deed { dice.weighted(deeds) }
}

/// A deed in detail: what the upstream does and when.
struct Script: Sendable {
    var deed: Deed
    /// Until it accepts or refuses.
    var delay: Duration
    var refusal: GatewayError?
    var events: [ModelEvent] = []
    /// Before each event.
    var gap: Duration = .zero
    /// After the events; `nil` ends the stream, properly if `.ended` was among them.
    var failure: GatewayError?
    /// The pause before `failure`.
    var stall: Duration = .zero

    init(_ deed: Deed, attempt: Int, _ dice: Dice) {
        self.deed = deed
        delay = dice.pick(seconds: [0, 0, 0.1, 0.5, 1, 3, 9.9, 20])
        gap = dice.pick(seconds: [0, 0, 0, 0.1, 1])
        refusal = Self.refusal(deed, attempt, dice)
        if deed == .timesOut { delay = dice.pick(seconds: [5, 60]) }
        if deed == .answersSlowly { gap = dice.pick(seconds: [5, 20, 40]) }
        if refusal == nil { writeAnswer(attempt, dice) }
        // Some failures come just before a stream would open by itself.
        if deed == .breaksEarly || deed == .endsEarly { stall = dice.pick(seconds: [0, 1, 9.9, 9.99, 9.99, 9.99, 20]) }
    }

    private static func refusal(_ deed: Deed, _ attempt: Int, _ dice: Dice) -> GatewayError? {
        let text = "\(deed.rawValue), attempt \(attempt)"
        let wait: Duration? = dice.chance(50) ? nil : dice.pick(seconds: [0.5, 1.5, 5, 60, 3600, 20_000])
        func upstream(_ kind: GatewayError.Kind) -> GatewayError { GatewayError(kind, .endpoint, text) }
        switch deed {
        case .unreachable: return upstream(.upstreamUnreachable)
        case .tlsFails: return upstream(.upstreamTLS)
        case .resets: return upstream(.upstreamReset)
        case .timesOut: return upstream(.upstreamTimeout)
        case .fails: return upstream(.upstreamError)
        case .garbles: return upstream(.upstreamBadResponse)
        case .overloaded: return GatewayError(.upstreamUnavailable, .endpoint, text, retryAfter: wait)
        case .limits:
            return GatewayError(
                .rateLimited, dice.pick([.account, .accountClass]), text, retryAfter: wait, accountEffect: .cool)
        case .spendsQuota:
            return GatewayError(
                .quotaExhausted, dice.pick([.account, .accountClass]), text, retryAfter: wait, accountEffect: .cool)
        case .limitsModel:
            return GatewayError(.rateLimited, .accountModel, text, retryAfter: wait, accountEffect: .cool)
        case .blocksExit:
            return GatewayError(.upstreamUnavailable, .exit, text, retryAfter: wait, accountEffect: .cool)
        case .closes:
            return GatewayError(.upstreamUnavailable, .endpoint, text, retryAfter: wait, accountEffect: .cool)
        case .spendsDay:
            return GatewayError(
                .quotaExhausted, dice.pick([.account, .accountClass]), text, retryAfter: wait,
                accountEffect: .exhaustQuota)
        case .asksForPerson: return GatewayError(.upstreamAuth, .account, text, accountEffect: .needHuman)
        case .endsTrial: return GatewayError(.upstreamAuth, .account, text, accountEffect: .endTrial)
        case .rejectsCredential:
            return GatewayError(.upstreamAuth, .account, text, accountEffect: .rejectCredential)
        case .restricts: return GatewayError(.upstreamAuth, .account, text, accountEffect: .restrict)
        case .rejectsRequest: return GatewayError(.upstreamRejected, .request, text)
        case .knowsNoModel: return GatewayError(.modelNotFound, .request, text)
        default: return nil
        }
    }

    private mutating func writeAnswer(_ attempt: Int, _ dice: Dice) {
        let text = (0..<dice.between(1, 4)).map { ModelEvent.textDelta("\(attempt).\($0) ") }
        let silence = Array(repeating: ModelEvent.heartbeat, count: dice.below(3))
        let broken = GatewayError(
            dice.pick([.upstreamReset, .upstreamBadResponse, .upstreamTimeout]), .endpoint,
            "\(deed.rawValue), attempt \(attempt)")
        let head = [ModelEvent.started(responseID: "r\(attempt)", model: "m")] + silence
        switch deed {
        case .answersWithCall:
            events = head + [.toolCallStarted(index: 0, id: "c", name: "f"), .finished(.toolCalls), .ended]
        case .answersWithRefusal: events = head + [.refusalDelta("no"), .finished(.stop), .ended]
        case .blocksPrompt: events = head + [.promptBlocked(reason: "x", message: nil), .ended]
        case .stopsAtLength: events = head + [.finished(.length), .ended]
        case .breaksEarly: (events, failure) = (head, broken)
        case .breaksLate: (events, failure) = (head + text, broken)
        case .endsEarly: events = head
        case .endsLate: events = head + text
        case .endsWithoutFinish: events = head + text + [.ended]
        case .answersNothing: events = head + [.finished(.stop), .usage(Usage(inputTokens: 1)), .ended]
        case .stalls:
            (events, stall) = (head + (dice.chance(50) ? text : []), .seconds(45))
            failure = GatewayError(.upstreamTimeout, .endpoint, "stalls, attempt \(attempt)")
        case .limitsLate:
            events = head + (dice.chance(50) ? text : [])
            failure = GatewayError(
                .rateLimited, dice.pick([.account, .accountModel, .exit]), "limitsLate, attempt \(attempt)",
                retryAfter: .seconds(120),
                accountEffect: .cool)
        default: events = head + text + [.finished(.stop), .usage(Usage(inputTokens: 1)), .ended]
        }
    }

    /// What the pipeline must make of an answer that comes to its end without an error.
    var verdict: GatewayError.Kind? {
        switch deed {
        case .endsEarly, .endsLate, .endsWithoutFinish: .upstreamTruncated
        case .answersNothing: .upstreamBadResponse
        default: nil
        }
    }
}

extension AccountPoolState {
    /// Why an account cannot be used until somebody acts.
    public enum Condition: Sendable, Equatable {
        case usable
        case disabled
        case expired
        case credentialRejected
        case restricted
        /// The provider cannot use the record as it stands.
        case incomplete(String)
    }

    struct Account: Sendable {
        let id: String
        var condition: Condition
        var expiresAt: WallTime?
        /// As the pool's wall clock stood last.
        var isExpired = false
        var weight = 1
        var proxy: Secret?
        /// The way out that it shares with others of its proxy: an index into the pool's exits.
        var exit = 0
        var inFlight = 0
        /// By class, in the order of `QuotaClass.allCases`.
        var classRests: [Rest?] = Array(repeating: nil, count: QuotaClass.allCases.count)
        var modelRests: [LaneKey: Rest] = [:]
        /// Gone from its source; stays until its last lease is back.
        var isLeaving = false
        /// Gone for good: its place is cleared with the next set of accounts.
        var isGone = false
        /// What it counts as among the accounts present; `nil` when it does not.
        var countedAs: Condition.Tag?
    }

    /// A pause after a limit.
    struct Rest: Sendable, Equatable {
        var end: Instant
        /// How often in a row; the pool's own pause doubles with it.
        var repeats: Int

        /// A lease from before the rest began is no repetition, and only the upstream's own word makes it longer.
        static func extending(_ known: Rest?, by asked: Duration?, _ rules: Rules, now: Instant) -> Rest {
            if let known, known.end > now {
                return Rest(end: max(known.end, asked.map { now + $0 } ?? known.end), repeats: known.repeats)
            }
            let repeats = known?.repeats ?? 0
            let own = min(rules.cooldown * (1 << min(repeats, 16)), rules.maxCooldown)
            return Rest(end: now + (asked ?? own), repeats: repeats + 1)
        }
    }

    /// Accounts that leave by the same proxy: an upstream that blocks an address blocks them all.
    struct Exit: Sendable {
        let proxy: Secret?
        var members: [Int] = []
        /// Members that could be leased but for rests and leases.
        var usable = 0
        var rest: Rest?
        /// The rest has not ended yet, as the pool's clock stood last.
        var isResting = false
    }

    /// The work for which accounts are ready or not: a class, or one model of it.
    struct LaneKey: Sendable, Hashable {
        var quotaClass: QuotaClass
        /// Empty for the class as a whole.
        var model = ""
    }
}

extension AccountPoolState.Account {
    func currentCondition(_ wallNow: WallTime) -> AccountPoolState.Condition {
        if condition == .usable, let expiresAt, expiresAt <= wallNow { return .expired }
        return condition
    }
}

extension AccountPoolState.Condition {
    /// The condition without its details, for counting.
    enum Tag: Int, Sendable, CaseIterable {
        case usable, disabled, expired, credentialRejected, restricted, incomplete
    }

    var tag: Tag {
        switch self {
        case .usable: .usable
        case .disabled: .disabled
        case .expired: .expired
        case .credentialRejected: .credentialRejected
        case .restricted: .restricted
        case .incomplete: .incomplete
        }
    }

    /// As it stands in a sentence: "2 disabled".
    var word: String { tag.word }
}

extension AccountPoolState.Condition.Tag {
    var word: String {
        switch self {
        case .usable: "ready"
        case .disabled: "disabled"
        case .expired: "expired"
        case .credentialRejected: "rejected by the upstream"
        case .restricted: "restricted by the upstream"
        case .incomplete: "incomplete"
        }
    }
}

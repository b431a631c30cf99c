import PolluxCore

/// What a request needs an account for: a class of work, and the model by its name at the upstream.
struct NaiveWork: Equatable {
    let quotaClass: QuotaClass
    /// Empty for the class as a whole.
    let model: String
    /// Its place among `all`.
    let place: Int

    init(_ quotaClass: QuotaClass, _ model: String = "") {
        (self.quotaClass, self.model) = (quotaClass, model)
        place = quotaClass.place * (Self.models.count + 1) + (Self.models.firstIndex(of: model) ?? -1) + 1
    }

    /// As upstreams call them; several models of clients may be one of these.
    static let models = ["u0", "u1"]
    static let all = QuotaClass.allCases.flatMap { one in ([""] + models).map { NaiveWork(one, $0) } }
    /// Those that requests are about.
    static let asked = all.filter { !$0.model.isEmpty && $0.quotaClass != .videos }
}

extension QuotaClass {
    var place: Int {
        switch self {
        case .text: 0
        case .images: 1
        case .videos: 2
        }
    }
}

/// A pause after a limit.
struct NaiveRest {
    var end = Instant(microseconds: .min)
    /// How often it came in a row.
    var limitsInARow = 0

    /// A limit that comes during a rest lengthens it only if the upstream says so.
    mutating func begin(_ asked: Duration?, _ rules: AccountPoolState.Rules, _ now: Instant) {
        guard end <= now else {
            if let asked { end = max(end, now + asked) }
            return
        }
        var own = rules.cooldown
        for _ in 0..<min(limitsInARow, 30) { own = min(own * 2, rules.maxCooldown) }
        limitsInARow += 1
        end = now + (asked ?? min(own, rules.maxCooldown))
    }

    /// A success ends the doubling, unless the rest runs.
    mutating func forget(_ now: Instant) { if end <= now { limitsInARow = 0 } }
}

import PolluxCore

/// Who had turns in round robin, for as long as every lease of a pool was seen.
///
/// The promise in two forms: with equal weights the next account is the next ready one behind the last, in file order;
/// with others an account's turns keep to its share, whenever nobody is missing.
struct NaiveTurns {
    /// Who had the last turn; `nil` when somebody unseen may have had one since.
    private var last: String?
    private var given: [String: Int] = [:]
    private var total = 0
    /// The ring holds more than the accounts present, so that who is next, and how often, is not known.
    var isUneven = false { didSet { if isUneven { forget() } } }

    /// Somebody may have had a turn that nobody saw, or the order is another one.
    mutating func forget() { (last, given, total) = (nil, [:], 0) }

    /// Counts a turn.
    ///
    /// - Parameters:
    ///   - present: All accounts, in file order.
    ///   - ready: Those that could have been taken instead, `account` among them.
    /// - Returns: What is wrong with it.
    mutating func take(_ account: NaiveAccount, _ present: [NaiveAccount], ready: [NaiveAccount]) -> String? {
        guard !isUneven else { return nil }
        defer { last = account.id }
        if Set(present.map(\.weight)).count == 1 { return outOfOrder(account, present, ready) }
        return outOfProportion(account, present, ready)
    }

    /// So many turns were seen in a row that shares could be told.
    var isTelling: Bool { total >= 2 * given.count && total > 12 }

    private func outOfOrder(
        _ account: NaiveAccount, _ present: [NaiveAccount], _ ready: [NaiveAccount]
    ) -> String? {
        guard let place = present.firstIndex(where: { $0.id == last }) else { return nil }
        let ring = present[(place + 1)...] + present[...place]
        let next = ring.first { one in ready.contains { $0 === one } }
        return next === account ? nil : "it is the turn of \(next?.id ?? "nobody"), behind \(present[place].id)"
    }

    /// An account's turns lie in even distances on the ring, so that a stretch of it holds its share to within one; the
    /// length of a stretch is known to within one turn of each.
    private mutating func outOfProportion(
        _ account: NaiveAccount, _ present: [NaiveAccount], _ ready: [NaiveAccount]
    ) -> String? {
        guard ready.count == present.count else {
            forget()
            return nil
        }
        given[account.id, default: 0] += 1
        total += 1
        let weights = present.reduce(0) { $0 + $1.weight }
        for one in present {
            let share = Double(one.weight) / Double(weights)
            let (had, due) = (Double(given[one.id] ?? 0), share * Double(total))
            guard abs(had - due) <= 1 + Double(present.count) * share else {
                return "\(one.id) of weight \(one.weight) in \(weights) had \(Int(had)) of \(total) turns"
            }
        }
        return nil
    }
}

/// The accounts that are ready for one kind of work, in the order in which the strategy takes them.
struct ReadyAccounts: Sendable {
    private let strategy: AccountPoolState.Strategy
    /// Slots of the rota for round robin, else positions; unused for least-in-flight.
    private var set: PositionSet
    /// For least-in-flight: the ready accounts of each load, made when the load first occurs.
    private var levels: [PositionSet?] = []
    private var usedLevels: PositionSet
    private let accountCount: Int

    init(_ strategy: AccountPoolState.Strategy, accounts: Int, slots: Int) {
        (self.strategy, accountCount) = (strategy, accounts)
        let isByLoad = strategy == .leastInFlight
        set = PositionSet(capacity: isByLoad ? 0 : strategy == .roundRobin ? slots : accounts)
        usedLevels = PositionSet(capacity: isByLoad ? LoadScale.largestLoad + 1 : 0)
    }

    /// - Parameter load: From `LoadScale`.
    mutating func insert(_ position: Int, load: Int, _ rota: Rota) {
        switch strategy {
        case .roundRobin: for slot in rota.slots(of: position) { set.insert(slot) }
        case .fillFirst: set.insert(position)
        case .leastInFlight:
            let level = Self.level(of: load)
            while levels.count <= level { levels.append(nil) }
            if levels[level] == nil { levels[level] = PositionSet(capacity: accountCount) }
            levels[level]?.insert(position)
            usedLevels.insert(level)
        }
    }

    /// - Parameter load: As it was when the account was inserted.
    mutating func remove(_ position: Int, load: Int, _ rota: Rota) {
        switch strategy {
        case .roundRobin: for slot in rota.slots(of: position) { set.remove(slot) }
        case .fillFirst: set.remove(position)
        case .leastInFlight:
            let level = Self.level(of: load)
            guard level < levels.count else { return }
            levels[level]?.remove(position)
            if levels[level]?.isEmpty ?? true { usedLevels.remove(level) }
        }
    }

    /// The best account that passes, and where round robin goes on behind it.
    ///
    /// - Parameter cursor: The slot at which round robin begins to look.
    func pick(from cursor: Int, _ rota: Rota, where passes: (Int) -> Bool) -> (position: Int, nextCursor: Int)? {
        switch strategy {
        case .roundRobin:
            let slot = firstSlot(from: cursor, to: .max, rota, passes) ?? firstSlot(from: 0, to: cursor, rota, passes)
            return slot.map { (rota.owner(of: $0), $0 + 1) }
        case .fillFirst:
            return Self.first(of: set, passes).map { ($0, cursor) }
        case .leastInFlight:
            var level = usedLevels.first
            while let known = level {
                if let set = levels[known], let position = Self.first(of: set, passes) { return (position, cursor) }
                level = usedLevels.next(from: known + 1)
            }
            return nil
        }
    }

    private func firstSlot(from start: Int, to end: Int, _ rota: Rota, _ passes: (Int) -> Bool) -> Int? {
        var slot = set.next(from: start)
        while let found = slot, found < end {
            if passes(rota.owner(of: found)) { return found }
            slot = set.next(from: found + 1)
        }
        return nil
    }

    private static func first(of set: PositionSet, _ passes: (Int) -> Bool) -> Int? {
        var position = set.first
        while let found = position {
            if passes(found) { return found }
            position = set.next(from: found + 1)
        }
        return nil
    }

    private static func level(of load: Int) -> Int { min(max(load, 0), LoadScale.largestLoad) }
}

import Synchronization

/// How many series the metrics may show in all, so that no flood of names makes them grow without end (requirement
/// L-7).
public final class SeriesBudget: Sendable {
    private let left: Atomic<Int>
    private let refusals = Atomic(0)
    public let limit: Int

    public init(limit: Int = 2000) {
        self.limit = limit
        left = Atomic(limit)
    }

    /// Takes all of them or none.
    public func take(_ count: Int) -> Bool {
        var seen = left.load(ordering: .relaxed)
        while seen >= count {
            let (isDone, now) = left.weakCompareExchange(expected: seen, desired: seen - count, ordering: .relaxed)
            if isDone { return true }
            seen = now
        }
        refusals.wrappingAdd(1, ordering: .relaxed)
        return false
    }

    public var remaining: Int { left.load(ordering: .relaxed) }
    /// How often there was nothing left; what was counted then stands under `other`.
    public var refused: Int { refusals.load(ordering: .relaxed) }
}

/// The order of turns in round robin: a ring of slots, each an account's.
///
/// Equal weights make one slot per account, in file order. Else an account of weight `w` has `w` slots, spread evenly,
/// so that its turns do not come in a row. The ring is laid out once per set of accounts; taking a turn costs nothing.
struct Rota: Sendable {
    /// Empty when every account has one slot, its own position.
    private var owners: [Int32] = []
    /// An account's slots are `slots[starts[position] ..< starts[position + 1]]`.
    private var slots: [Int32] = []
    private var starts: [Int32] = []
    let count: Int

    /// Above this, weights are cut: a ring of a million slots serves nobody better.
    static let largestWeight = 100

    init(weights: [Int]) {
        let bounded = weights.map { min(max($0, 1), Self.largestWeight) }
        let divisor = max(bounded.reduce(0, Self.greatestCommonDivisor), 1)
        let counts = bounded.map { $0 / divisor }
        count = counts.reduce(0, +)
        guard count != counts.count else { return }
        var turns: [(time: Double, owner: Int32)] = []
        turns.reserveCapacity(count)
        for (position, turnCount) in counts.enumerated() {
            for turn in 0..<turnCount {
                turns.append(((Double(turn) + Self.offset(of: position)) / Double(turnCount), Int32(position)))
            }
        }
        turns.sort { ($0.time, $0.owner) < ($1.time, $1.owner) }
        owners = turns.map(\.owner)
        starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1)) }
        var next = starts
        slots = Array(repeating: 0, count: count)
        for (slot, owner) in owners.enumerated() {
            slots[Int(next[Int(owner)])] = Int32(slot)
            next[Int(owner)] += 1
        }
    }

    func owner(of slot: Int) -> Int { owners.isEmpty ? slot : Int(owners[slot]) }

    func slots(of position: Int) -> Slots {
        guard !owners.isEmpty else { return Slots(rota: self, range: position..<position + 1) }
        return Slots(rota: self, range: Int(starts[position])..<Int(starts[position + 1]))
    }

    /// An account's places in the ring, in their order.
    struct Slots: Sequence, IteratorProtocol {
        fileprivate let rota: Rota
        fileprivate var range: Range<Int>

        mutating func next() -> Int? {
            guard let index = range.popFirst() else { return nil }
            return rota.owners.isEmpty ? index : Int(rota.slots[index])
        }
    }

    /// Spreads the first turns of the accounts, by steps of the golden ratio, so that equal weights do not bunch up.
    private static func offset(of position: Int) -> Double {
        Double((UInt64(position) &* 0x9E37_79B9_7F4A_7C15) >> 11) / Double(1 << 53)
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : greatestCommonDivisor(right, left % right)
    }
}

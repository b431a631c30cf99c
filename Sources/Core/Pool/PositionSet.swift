/// A set of positions `0 ..< capacity` that finds its next member in a few steps, however many there are.
///
/// A bit per position; above each level, a bit per word that is not empty. Ten thousand positions make three levels, so
/// every operation looks at three words.
struct PositionSet: Sendable {
    /// All levels one after the other, the positions themselves first.
    private var words: [UInt64]
    /// Where each level begins in `words`, and at the end where the last one ends.
    private let starts: [Int]
    private(set) var count = 0
    let capacity: Int

    init(capacity: Int) {
        precondition(capacity >= 0, "a set of fewer than no positions")
        self.capacity = capacity
        var starts = [0]
        var size = capacity
        repeat {
            size = max((size + 63) / 64, 1)
            starts.append(starts[starts.count - 1] + size)
        } while size > 1
        self.starts = starts
        words = Array(repeating: 0, count: starts[starts.count - 1])
    }

    var isEmpty: Bool { count == 0 }

    func contains(_ position: Int) -> Bool {
        guard position >= 0, position < capacity else { return false }
        return words[position >> 6] & (1 << UInt64(position & 63)) != 0
    }

    mutating func insert(_ position: Int) {
        guard position >= 0, position < capacity, !contains(position) else { return }
        count += 1
        var index = position
        for level in 0..<(starts.count - 1) {
            let word = starts[level] + index >> 6
            let wasEmpty = words[word] == 0
            words[word] |= 1 << UInt64(index & 63)
            guard wasEmpty else { return }
            index >>= 6
        }
    }

    mutating func remove(_ position: Int) {
        guard contains(position) else { return }
        count -= 1
        var index = position
        for level in 0..<(starts.count - 1) {
            let word = starts[level] + index >> 6
            words[word] &= ~(1 << UInt64(index & 63))
            guard words[word] == 0 else { return }
            index >>= 6
        }
    }

    var first: Int? { next(from: 0) }

    /// The smallest member that is not below `position`.
    func next(from position: Int) -> Int? {
        guard position < capacity, count > 0 else { return nil }
        var index = max(position, 0)
        for level in 0..<(starts.count - 1) {
            let word = index >> 6
            guard starts[level] + word < starts[level + 1] else { return nil }
            let found = words[starts[level] + word] & (~0 << UInt64(index & 63))
            if found != 0 { return descend(from: level, to: word << 6 + found.trailingZeroBitCount) }
            index = word + 1
        }
        return nil
    }

    /// From a bit of one level down to the first position below it.
    private func descend(from level: Int, to index: Int) -> Int {
        var index = index
        for lower in stride(from: level - 1, through: 0, by: -1) {
            index = index << 6 + words[starts[lower] + index].trailingZeroBitCount
        }
        return index
    }
}

/// Accounts by the second of what is counted about them, of the last sixteen. Each is moved when it is counted again,
/// so every question is a sum of a few numbers.
struct SecondsRing: Sendable {
    private var seconds = Array(repeating: Int64.min, count: 16)
    private var counts = Array(repeating: 0, count: 16)

    mutating func add(_ second: Int64) {
        let index = Int(second & 15)
        // What is older than the slot's own second is out of every window.
        guard seconds[index] <= second else { return }
        if seconds[index] != second { (seconds[index], counts[index]) = (second, 0) }
        counts[index] += 1
    }

    mutating func remove(_ second: Int64) {
        let index = Int(second & 15)
        if second != .min, seconds[index] == second { counts[index] -= 1 }
    }

    /// Moves what is counted at one second to another; `.min` stands for not at all.
    mutating func move(from old: inout Int64, to second: Int64) {
        guard old != second else { return }
        remove(old)
        add(second)
        old = second
    }

    /// How many stand within so many seconds up to this one.
    func sum(_ window: Int64, to second: Int64) -> Int {
        var sum = 0
        for index in 0..<16 where seconds[index] <= second && seconds[index] > second - window { sum += counts[index] }
        return sum
    }

    static func second(_ now: Instant) -> Int64 {
        let (quotient, remainder) = now.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

/// Tells a fault of the upstream as a whole from one of an account: what hits half of the accounts that were used
/// within ten seconds, of four at least, is the endpoint's (B-8).
///
/// Counts accounts, not failures, by the second of their last use and their last hit; each is moved when it is used
/// again, so every question is a sum of ten numbers.
struct FaultWatch: Sendable {
    /// What is known about one account.
    struct Marks: Sendable {
        fileprivate var use = Int64.min
        fileprivate var hits: (Int64, Int64, Int64, Int64, Int64) = (.min, .min, .min, .min, .min)

        init() {}

        fileprivate subscript(_ fault: FaultClass) -> Int64 {
            get {
                switch fault {
                case .network: hits.0
                case .reset: hits.1
                case .timeout: hits.2
                case .server: hits.3
                case .answer: hits.4
                }
            }
            set {
                switch fault {
                case .network: hits.0 = newValue
                case .reset: hits.1 = newValue
                case .timeout: hits.2 = newValue
                case .server: hits.3 = newValue
                case .answer: hits.4 = newValue
                }
            }
        }
    }

    static let window: Int64 = 10
    static let fewest = 4

    /// Accounts by the second of what is counted, of the last sixteen.
    private struct Ring: Sendable {
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

        func sum(_ now: Int64) -> Int {
            var sum = 0
            for index in 0..<16 where seconds[index] <= now && seconds[index] > now - FaultWatch.window {
                sum += counts[index]
            }
            return sum
        }
    }

    private var uses = Ring()
    private var hits = Array(repeating: Ring(), count: FaultClass.allCases.count)

    /// An attempt is back.
    mutating func note(_ fault: FaultClass?, _ marks: inout Marks, _ now: Instant) {
        let second = Self.second(now)
        if marks.use != second {
            uses.remove(marks.use)
            uses.add(second)
            marks.use = second
        }
        guard let fault, marks[fault] != second else { return }
        hits[fault.rawValue].remove(marks[fault])
        hits[fault.rawValue].add(second)
        marks[fault] = second
    }

    /// Takes over what is known about an account into a new layout of the pool.
    mutating func adopt(_ marks: Marks) {
        if marks.use != .min { uses.add(marks.use) }
        for fault in FaultClass.allCases where marks[fault] != .min { hits[fault.rawValue].add(marks[fault]) }
    }

    /// Whether a fault of this class is the endpoint's now.
    func blamesEndpoint(_ fault: FaultClass, _ now: Instant) -> Bool {
        let second = Self.second(now)
        let used = uses.sum(second)
        return used >= Self.fewest && 2 * hits[fault.rawValue].sum(second) >= used
    }

    private static func second(_ now: Instant) -> Int64 {
        let (quotient, remainder) = now.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

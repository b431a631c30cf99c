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

    private var uses = SecondsRing()
    private var hits = Array(repeating: SecondsRing(), count: FaultClass.allCases.count)

    /// An attempt is back.
    mutating func note(_ fault: FaultClass?, _ marks: inout Marks, _ now: Instant) {
        let second = SecondsRing.second(now)
        uses.move(from: &marks.use, to: second)
        if let fault { hits[fault.rawValue].move(from: &marks[fault], to: second) }
    }

    /// Takes over what is known about an account into a new layout of the pool.
    mutating func adopt(_ marks: Marks) {
        if marks.use != .min { uses.add(marks.use) }
        for fault in FaultClass.allCases where marks[fault] != .min { hits[fault.rawValue].add(marks[fault]) }
    }

    /// Whether a fault of this class is the endpoint's now.
    func blamesEndpoint(_ fault: FaultClass, _ now: Instant) -> Bool {
        let second = SecondsRing.second(now)
        let used = uses.sum(Self.window, to: second)
        return used >= Self.fewest && 2 * hits[fault.rawValue].sum(Self.window, to: second) >= used
    }
}

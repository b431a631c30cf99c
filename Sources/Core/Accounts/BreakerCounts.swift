/// Outcomes of the last seconds, in buckets of one second, and failures in a row.
///
/// A bucket is one vector: successes, and failures by class. Recording costs the same however much was recorded, and
/// nothing is kept before the first outcome.
struct BreakerCounts: Sendable, Equatable {
    /// Place 0 counts successes, place `1 + FaultClass.rawValue` that class.
    typealias Tally = SIMD8<UInt32>

    private struct Bucket: Sendable, Equatable {
        var second = Int64.min
        var tally = Tally.zero
    }

    private var buckets: [Bucket] = []
    /// Failures since the last success; they count however long ago they were.
    private var run = Tally.zero
    /// When the first of them came.
    private(set) var runStart: Instant?

    /// Failures in a row.
    var runLength: Int { Int(run.wrappedSum()) }

    /// - Parameter window: Seconds that the buckets hold.
    mutating func note(_ fault: FaultClass?, window: Int, _ now: Instant) {
        if buckets.isEmpty { buckets = Array(repeating: Bucket(), count: max(window, 1)) }
        let second = Self.second(now)
        let index = Int(second.magnitude % UInt64(buckets.count))
        if buckets[index].second != second { buckets[index] = Bucket(second: second) }
        let place = fault.map { $0.rawValue + 1 } ?? 0
        buckets[index].tally[place] &+= 1
        if fault == nil {
            (run, runStart) = (.zero, nil)
        } else {
            run[place] &+= 1
            if runStart == nil { runStart = now }
        }
    }

    /// What the window holds now.
    func sum(_ now: Instant) -> (outcomes: Int, failures: Int) {
        let second = Self.second(now)
        var total = Tally.zero
        for bucket in buckets where bucket.second <= second && bucket.second > second &- Int64(buckets.count) {
            total &+= bucket.tally
        }
        let all = Int(total.wrappedSum())
        return (all, all - Int(total[0]))
    }

    /// Takes back every failure of the classes that `mask` marks.
    mutating func forget(_ mask: SIMDMask<Tally.MaskStorage>) {
        for index in buckets.indices { buckets[index].tally.replace(with: 0, where: mask) }
        run.replace(with: 0, where: mask)
        if runLength == 0 { runStart = nil }
    }

    mutating func clear() { self = BreakerCounts() }

    /// Failures in a row as they were before a restart.
    mutating func restore(run length: Int, _ now: Instant) {
        run = .zero
        run[1 + FaultClass.server.rawValue] = UInt32(min(max(length, 0), 1_000_000))
        runStart = length > 0 ? now : nil
    }

    /// Rounded down, also before the clock's zero.
    private static func second(_ now: Instant) -> Int64 {
        let (quotient, remainder) = now.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

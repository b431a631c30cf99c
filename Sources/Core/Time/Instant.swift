/// A point on the monotonic clock, in microseconds since an arbitrary start.
///
/// All arithmetic saturates: a duration that comes from outside must never trap the process.
public struct Instant: Sendable, Hashable, Comparable {
    public let microseconds: Int64

    @inlinable
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Later than every instant that occurs.
    public static let distantFuture = Instant(microseconds: .max)

    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    @inlinable
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.microseconds.addingReportingOverflow(duration.microseconds)
        return Instant(microseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    @inlinable
    public static func - (left: Instant, right: Instant) -> Duration {
        let (difference, overflow) = left.microseconds.subtractingReportingOverflow(right.microseconds)
        return Duration(wholeMicroseconds: overflow ? (left < right ? .min : .max) : difference)
    }
}

/// A point in civil time, in microseconds since 1970-01-01 00:00 UTC. Only for records and expiry dates.
public struct WallTime: Sendable, Hashable, Comparable {
    public let microseconds: Int64

    @inlinable
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Saturates on values that no calendar holds.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        self.microseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds since the epoch, rounded down.
    @inlinable
    public var seconds: Int64 { (microseconds >= 0 ? microseconds : microseconds &- 999_999) / 1_000_000 }

    @inlinable
    public static func < (left: WallTime, right: WallTime) -> Bool { left.microseconds < right.microseconds }

    @inlinable
    public static func + (time: WallTime, duration: Duration) -> WallTime {
        let (sum, overflow) = time.microseconds.addingReportingOverflow(duration.microseconds)
        return WallTime(microseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    @inlinable
    public static func - (left: WallTime, right: WallTime) -> Duration {
        let (difference, overflow) = left.microseconds.subtractingReportingOverflow(right.microseconds)
        return Duration(wholeMicroseconds: overflow ? (left < right ? .min : .max) : difference)
    }
}

extension Duration {
    /// The same as `.microseconds(_:)`, which costs several times as much: it takes any kind of number.
    @inlinable
    public init(wholeMicroseconds count: Int64) { self.init(attoseconds: Int128(count) * 1_000_000_000_000) }

    /// Whole microseconds, saturating.
    @inlinable
    public var microseconds: Int64 {
        // Nine seconds fit into 64 bits: what requests are measured with seldom is more.
        if let few = Int64(exactly: attoseconds) { return few / 1_000_000_000_000 }
        return Int64(clamping: attoseconds / 1_000_000_000_000)
    }

    /// Whole milliseconds, rounded up: whoever waits so long does not come too early.
    public var millisecondsRoundedUp: Int64 {
        let whole = microseconds
        return whole <= 0 ? 0 : (whole - 1) / 1000 + 1
    }

    /// Whole seconds, rounded up; what `Retry-After` carries.
    public var secondsRoundedUp: Int64 {
        let whole = microseconds
        return whole <= 0 ? 0 : (whole - 1) / 1_000_000 + 1
    }
}

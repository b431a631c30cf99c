/// What one limiter says to one request. The five numbers are those that redis-cell answers with; times are whole
/// microseconds.
public struct LimitOutcome: Sendable, Equatable {
    public var isLimited: Bool
    /// What could still be spent at this moment; below zero after a clock has stepped back.
    public var remaining: Int64
    /// Until the limiter is as if nothing had ever been spent.
    public var resetAfter: Int64
    /// Until the same request would be let through: 0 for one that was, `never` for one that costs more than there
    /// can ever be.
    public var retryAfter: Int64

    public static let never: Int64 = -1

    public init(isLimited: Bool, remaining: Int64, resetAfter: Int64, retryAfter: Int64) {
        (self.isLimited, self.remaining) = (isLimited, remaining)
        (self.resetAfter, self.retryAfter) = (resetAfter, retryAfter)
    }

    static func allowed(remaining: Int64, resetAfter: Int64) -> LimitOutcome {
        LimitOutcome(isLimited: false, remaining: remaining, resetAfter: resetAfter, retryAfter: 0)
    }

    static func limited(remaining: Int64, resetAfter: Int64, retryAfter: Int64) -> LimitOutcome {
        LimitOutcome(isLimited: true, remaining: remaining, resetAfter: resetAfter, retryAfter: retryAfter)
    }
}

/// Whole numbers that cannot trap: what comes from a client, a clock or Redis ends up in them.
enum LimitMath {
    static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (right < 0 ? .min : .max) : sum
    }

    static func difference(_ left: Int64, _ right: Int64) -> Int64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        return overflow ? (right > 0 ? .min : .max) : difference
    }

    static func product(_ left: Int64, _ right: Int64) -> Int64 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? ((left < 0) == (right < 0) ? .max : .min) : product
    }

    /// Rounded towards minus infinity. The divisor is positive.
    static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// Nothing below zero; the divisor is positive.
    static func roundedUp(_ value: Int64, _ divisor: Int64) -> Int64 {
        value <= 0 ? 0 : (value - 1) / divisor + 1
    }

    /// `left × right ÷ divisor` with the exact product in between, rounded down or up. Nothing is negative, the divisor
    /// is positive; what does not fit saturates.
    static func scaled(_ left: Int64, _ right: Int64, _ divisor: Int64, roundedUp: Bool = false) -> Int64 {
        let product = left.magnitude.multipliedFullWidth(by: right.magnitude)
        guard product.high < divisor.magnitude else { return .max }
        let (quotient, rest) = divisor.magnitude.dividingFullWidth(product)
        let exact = Int64(exactly: quotient) ?? .max
        return roundedUp && rest > 0 ? sum(exact, 1) : exact
    }
}

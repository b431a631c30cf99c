/// Turns leases and weights into whole numbers that are in the order of leases per weight, for least-in-flight.
///
/// Plain division would round: two accounts of weight 2 would count as equally busy with one lease and with none.
struct LoadScale: Sendable {
    /// Loads above this are taken for equal: what is so busy is no better than what is busier.
    static let largestLoad = 16_383

    private let factor: Int

    /// A common multiple of the weights makes every load exact. Where that would take loads out of their range, they
    /// are as fine as it allows.
    init(weights: [Int], maxInFlight: Int) {
        let weights = Set(weights.map { max($0, 1) })
        let finest = max(Self.largestLoad / max(maxInFlight, 1), 1) * (weights.min() ?? 1)
        var multiple = 1
        for weight in weights where multiple <= finest {
            multiple = multiple / Self.greatestCommonDivisor(multiple, weight) * weight
        }
        factor = min(multiple, finest)
    }

    func load(_ inFlight: Int, weight: Int) -> Int {
        let (product, isTooMuch) = inFlight.multipliedReportingOverflow(by: factor)
        return isTooMuch ? Self.largestLoad : min(product / max(weight, 1), Self.largestLoad)
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : greatestCommonDivisor(right, left % right)
    }
}

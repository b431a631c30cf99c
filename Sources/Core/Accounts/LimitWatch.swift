/// Tells a limit on an address from one on an account: what limits half of the accounts that left by one way within ten
/// seconds, of four at least, is the address's. Going on from account to account would use them up one by one.
///
/// The accounts of one exit. Source: Gemini Business protocol notes, section 10.
struct LimitWatch: Sendable {
    /// What is known about one account.
    struct Marks: Sendable {
        fileprivate var use = Int64.min
        fileprivate var limit = Int64.min

        init() {}
    }

    /// How long the address rests, where its upstream does not say.
    static let rest = Duration.seconds(60)
    private static let window: Int64 = 10
    private static let fewest = 4

    private var uses = SecondsRing()
    private var limits = SecondsRing()

    /// An attempt is back.
    ///
    /// - Returns: True when a limit is the address's now.
    mutating func note(isLimited: Bool, _ marks: inout Marks, _ now: Instant) -> Bool {
        let second = SecondsRing.second(now)
        uses.move(from: &marks.use, to: second)
        guard isLimited else { return false }
        limits.move(from: &marks.limit, to: second)
        let used = uses.sum(Self.window, to: second)
        return used >= Self.fewest && 2 * limits.sum(Self.window, to: second) >= used
    }
}

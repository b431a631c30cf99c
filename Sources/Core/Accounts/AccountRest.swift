/// A pause after a limit.
struct AccountRest: Sendable, Equatable {
    var end: Instant
    /// How often in a row; the pool's own pause doubles with it.
    var repeats: Int

    /// A lease from before the rest began is no repetition, and only the upstream's own word makes it longer.
    static func extending(
        _ known: AccountRest?, by asked: Duration?, _ rules: AccountPoolState.Rules, _ random: any RandomSource,
        now: Instant
    ) -> AccountRest {
        if let known, known.end > now {
            return AccountRest(end: max(known.end, asked.map { now + $0 } ?? known.end), repeats: known.repeats)
        }
        let repeats = known?.repeats ?? 0
        var own = min(rules.cooldown * (1 << min(repeats, 16)), rules.maxCooldown)
        if rules.cooldownSpread > 0 { own += own * (rules.cooldownSpread * Double(random.below(1001)) / 1000) }
        return AccountRest(end: now + (asked ?? own), repeats: repeats + 1)
    }
}

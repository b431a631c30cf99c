/// Why a pool has nothing to lease, in figures.
public struct Shortage: Error, Sendable, Equatable {
    public var accounts = 0
    public var ready = 0
    public var cooling = 0
    public var busy = 0
    /// Already tried by this request.
    public var tried = 0
    /// By what keeps them out: "disabled", "expired".
    public var unusable: [String: Int] = [:]
    /// Until the first cooling account is back.
    public var firstBack: Duration?
    let maxInFlight: Int

    init(maxInFlight: Int) { self.maxInFlight = maxInFlight }

    /// For a client: how many and why (requirement F-28).
    public func error(provider: String) -> GatewayError {
        // A busy account comes free when some answer ends, which nobody can foresee; a second is polite.
        let wait = busy > 0 ? min(firstBack ?? .seconds(1), .seconds(1)) : firstBack
        return GatewayError(.noAccountAvailable, .request, sentence(provider: provider), retryAfter: wait)
    }

    func sentence(provider: String) -> String {
        guard accounts > 0 else {
            return "provider \"\(provider)\" has no account; give it credentials or API keys in the settings"
        }
        var reasons: [String] = []
        if cooling > 0 {
            let back = firstBack.map { " (the first is back in \($0.secondsRoundedUp) s)" } ?? ""
            reasons.append("\(cooling) cooling down\(back)")
        }
        if busy > 0 { reasons.append("\(busy) at the limit of \(maxInFlight) in flight") }
        if tried > 0 { reasons.append("\(tried) tried without success") }
        for (word, count) in unusable.sorted(by: { $0.key < $1.key }) { reasons.append("\(count) \(word)") }
        let noun = accounts == 1 ? "1 account" : "\(accounts) accounts"
        return "no account of provider \"\(provider)\" is free: \(noun), \(reasons.joined(separator: ", "))"
    }
}

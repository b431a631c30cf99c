/// Why a pool has nothing to lease, in figures.
public struct Shortage: Error, Sendable, Equatable {
    public var accounts = 0
    public var ready = 0
    public var cooling = 0
    /// Their breaker is open.
    public var suspended = 0
    /// Their quota of the day is used up.
    public var spent = 0
    /// They were leased just now, and keep their distance.
    public var paced = 0
    public var busy = 0
    /// Already tried by this request.
    public var tried = 0
    /// By what keeps them out: "disabled", "expired".
    public var unusable: [String: Int] = [:]
    /// Until the first account that rests is back.
    public var firstBack: Duration?
    /// The upstream as a whole failed again and again; nobody, or one request at a time, goes there.
    public var isEndpointSuspended = false
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
        let back = firstBack.map { " (the first is back in \($0.secondsRoundedUp) s)" } ?? ""
        if isEndpointSuspended {
            let trial = busy > 0 ? "; one request is trying it now" : back
            return "the upstream of provider \"\(provider)\" fails again and again, so it is left alone for a while"
                + trial
        }
        var reasons: [String] = []
        if cooling > 0 { reasons.append("\(cooling) cooling down") }
        if suspended > 0 { reasons.append("\(suspended) suspended after failures") }
        if spent > 0 { reasons.append("\(spent) without quota for today") }
        if paced > 0 { reasons.append("\(paced) keeping their pace") }
        if !reasons.isEmpty { reasons[reasons.count - 1] += back }
        if busy > 0 { reasons.append("\(busy) at the limit of \(maxInFlight) in flight") }
        if tried > 0 { reasons.append("\(tried) tried without success") }
        for (word, count) in unusable.sorted(by: { $0.key < $1.key }) { reasons.append("\(count) \(word)") }
        let noun = accounts == 1 ? "1 account" : "\(accounts) accounts"
        return "no account of provider \"\(provider)\" is free: \(noun), \(reasons.joined(separator: ", "))"
    }
}

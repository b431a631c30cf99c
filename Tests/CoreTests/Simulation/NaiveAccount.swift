import PolluxCore

/// One account in the referee's books.
final class NaiveAccount {
    /// What it is for one work.
    enum Standing: Equatable { case free, busy, out }

    struct Watch {
        var standing = Standing.out
        /// The event since which it has been that without a break.
        var since = 0
        /// The event at which it was last seen free.
        var lastFree = -1
    }

    let id: String
    /// With what was rotated since.
    var credential: Credential
    /// What the source published last.
    var published: Credential
    var isPresent = true
    /// Refused or restricted by the upstream.
    var isBlamed = false
    /// Attempts that run, and leases held over a pause.
    var running = 0
    /// By the place of the work; in those of classes as a whole stand the rests of classes.
    var rests = Array(repeating: NaiveRest(), count: NaiveWork.all.count)
    /// By class.
    var quotaEnds: [QuotaClass: WallTime] = [:]
    var breakers: [QuotaClass: NaiveBreaker] = [:]
    /// Another lease has to keep its distance until then.
    var pacedUntil: Instant?
    var beforePace: (until: Instant?, number: UInt64) = (nil, 0)
    var watches = Array(repeating: Watch(), count: NaiveWork.all.count)

    /// Its share; out of bounds it is cut.
    var weight: Int { min(max(published.weight, 1), 100) }

    init(_ credential: Credential) {
        (id, self.credential, published) = (credential.accountID, credential, credential)
    }

    func isUsable(_ wallNow: WallTime) -> Bool {
        guard isPresent, !published.isDisabled, !isBlamed, SimulatedProvider.lacks(published) == nil else {
            return false
        }
        return published.expiresAt.map { $0 > wallNow } ?? true
    }

    subscript(work: NaiveWork) -> Watch {
        get { watches[work.place] }
        set { watches[work.place] = newValue }
    }

    /// When neither its class nor its model rests any more, nor, where text rests all, text.
    func restEnd(_ work: NaiveWork, _ rules: AccountPoolState.Rules, _ now: Instant, _ wallNow: WallTime) -> Instant {
        var ends = [rests[work.place].end, rests[NaiveWork(work.quotaClass).place].end]
        var quotas = [quotaEnds[work.quotaClass]]
        if rules.textRestsAll {
            ends.append(rests[NaiveWork(.text).place].end)
            quotas.append(quotaEnds[.text])
        }
        ends += quotas.compactMap(\.self).filter { $0 > wallNow }.map { now + ($0 - wallNow) }
        if case .open(let until)? = breakers[work.quotaClass]?.phase { ends.append(until) }
        return ends.max() ?? now
    }

    /// The one request that may try it is on its way.
    func isProbed(_ work: NaiveWork) -> Bool { breakers[work.quotaClass].map { !$0.letsPass } ?? false }
}

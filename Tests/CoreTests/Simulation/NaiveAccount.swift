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

    /// When neither its class nor its model rests any more.
    func restEnd(_ work: NaiveWork) -> Instant {
        max(rests[work.place].end, rests[NaiveWork(work.quotaClass).place].end)
    }
}

/// A request that waits for an account: in the lines of all its targets at a time, so that it is served by whichever
/// has one first.
///
/// It waits as long as some line can be of help: an account that is busy, or that will have rested in time. In lines
/// without help it stands meanwhile as well, since a source may add an account there. It is a member of one line, the
/// first that takes it, and a guest of the others, so that every line is bounded and none that serves is missed.
struct PlaceInLine {
    private let candidates: [Candidate]
    private let rules: QueueRules
    private let end: Instant
    private let time: any TimeSource
    /// The places in the lines, by candidate; they stay when a line is left and joined again.
    private let places: [WaitLine.Place]

    /// - Parameters:
    ///   - client: The client key's id.
    ///   - end: When the longest wait is over, or the request's own time.
    init(
        _ candidates: [Candidate], of client: String, _ rules: QueueRules, until end: Instant, time: any TimeSource
    ) {
        (self.candidates, self.rules, self.end, self.time) = (candidates, rules, end, time)
        places = candidates.map { $0.upstream.pool.takePlace(for: client) }
    }

    /// - Returns: `nil` when no line can help any more, or none takes it, or the time is over.
    /// - Throws: `cancelled`.
    func wait() async throws(GatewayError) -> LeasedCandidate? {
        var home: Int?
        var closed: Set<Int> = []
        defer { resign(home) }
        while time.now < end {
            let helpful = candidates.indices.filter { candidates[$0].helpsToWait(until: end, time.now) }
            guard let next = helpful.first(where: { !closed.contains($0) }) else { return nil }
            if next != home { resign(home) }
            home = next
            let (leased, isFull) = await wait(at: next, helpful: Set(helpful))
            if Task.isCancelled {
                leased?.lease.giveBack()
                throw .cancelled
            }
            if let leased { return leased }
            if isFull { closed.insert(next) }
        }
        return nil
    }

    private func resign(_ home: Int?) {
        if let home { candidates[home].upstream.pool.resign(places[home]) }
    }

    private func wait(
        at home: Int, helpful: Set<Int>
    ) async -> (LeasedCandidate?, isFull: Bool) {
        let member = WaitLine.Role.member(maxDepth: rules.maxDepth)
        guard candidates.count > 1 else {
            switch await wait(at: home, as: member, evenInVain: false) {
            case .granted(let lease): return (leased(home, lease), false)
            case .full: return (nil, true)
            case .refused, .left: return (nil, false)
            }
        }
        return await withTaskGroup(of: (Int, AccountPool.WaitEnd).self) { group in
            for index in candidates.indices {
                let role = index == home ? member : .guest
                group.addTask { (index, await wait(at: index, as: role, evenInVain: !helpful.contains(index))) }
            }
            var hopes = helpful
            var isFull = false
            var winner: LeasedCandidate?
            while let (index, end) = await group.next() {
                switch end {
                case .granted(let lease) where winner == nil:
                    winner = leased(index, lease)
                    group.cancelAll()
                case .granted(let lease): lease.giveBack()
                case .left: break
                case .full:
                    isFull = true
                    group.cancelAll()
                case .refused:
                    hopes.remove(index)
                    if hopes.isEmpty || isFull || winner != nil {
                        group.cancelAll()
                    } else if time.now < self.end {
                        // Not for a request that was cancelled: it would be refused again and again, for ever.
                        let role = index == home ? member : .guest
                        _ = group.addTaskUnlessCancelled { (index, await wait(at: index, as: role, evenInVain: true)) }
                    }
                }
            }
            return (winner, isFull)
        }
    }

    private func wait(at index: Int, as role: WaitLine.Role, evenInVain: Bool) async -> AccountPool.WaitEnd {
        let candidate = candidates[index]
        let work = WaitLine.Work(quotaClass: candidate.quotaClass, model: candidate.target.model)
        return await candidate.upstream.pool.wait(
            for: work, at: places[index], as: role, until: end, evenInVain: evenInVain)
    }

    private func leased(_ index: Int, _ lease: PoolLease) -> LeasedCandidate {
        LeasedCandidate(candidate: candidates[index], lease: lease, isRepeat: false)
    }
}

extension Candidate {
    var shortage: Shortage { upstream.pool.shortage(for: quotaClass, model: target.model) }

    fileprivate func helpsToWait(until end: Instant, _ now: Instant) -> Bool {
        let shortage = shortage
        return shortage.ready > 0 || shortage.helpsToWait(until: end, now)
    }
}

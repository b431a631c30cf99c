/// Why there is nothing to lease, in figures that are sums of what the lanes have counted.
extension AccountPoolState {
    /// What holds for every account at once.
    enum Gate: Equatable {
        case open
        /// The upstream asked for a rest.
        case rests(until: Instant)
        /// The endpoint's breaker is open.
        case suspended(until: Instant)
        /// It is half-open, and the one request that may try it is on its way.
        case probing
    }

    var gate: Gate {
        var gate = Gate.open
        if !endpoint.isClosed, !endpoint.letsPass(clock) {
            gate = endpoint.openUntil.map { .suspended(until: $0) } ?? .probing
        }
        guard let end = poolRest?.end, end > clock else { return gate }
        if case .suspended(let until) = gate { return .suspended(until: max(until, end)) }
        return .rests(until: end)
    }

    func shortage(in lane: Int, excluding tried: Set<String>) -> Shortage {
        var shortage = Shortage(maxInFlight: rules.maxInFlight)
        shortage.accounts = count
        let lane = lanes[lane]
        var shut = lane.count(.shut)
        (shortage.cooling, shortage.suspended) = (lane.count(.cooling), lane.count(.suspended))
        (shortage.spent, shortage.paced) = (lane.count(.spent), lane.count(.paced))
        (shortage.busy, shortage.ready) = (lane.count(.busy), lane.count(.ready))
        var unusable = counts
        unusable[AccountBar.none.rawValue] = 0
        var triedBehindExit: [Int: Int] = [:]
        for position in tried.compactMap({ positions[$0] }) {
            switch lane.place(of: position) {
            case .absent: continue
            case .unusable: if let bar = entries[position].countedAs { unusable[bar.rawValue] -= 1 }
            case .shut:
                shut -= 1
                triedBehindExit[entries[position].exit, default: 0] += 1
            case .cooling: shortage.cooling -= 1
            case .suspended: shortage.suspended -= 1
            case .spent: shortage.spent -= 1
            case .paced: shortage.paced -= 1
            case .busy: shortage.busy -= 1
            case .ready: shortage.ready -= 1
            }
            shortage.tried += 1
        }
        for bar in AccountBar.allCases where unusable[bar.rawValue] > 0 {
            shortage.unusable[bar.word] = unusable[bar.rawValue]
        }
        shortage.cooling += shut
        let own = lane.wakes.firstKey { !tried.contains(entries[$0].id) }
        let exit = exitWakes.firstKey { exits[$0].usable > triedBehindExit[$0] ?? 0 }
        shortage.firstBack = Self.earlier(own, exit).map { Instant(microseconds: $0) - clock }
        close(&shortage)
        return shortage
    }

    /// What holds for all goes before what holds for one.
    private func close(_ shortage: inout Shortage) {
        let waiting = shortage.cooling + shortage.suspended + shortage.spent + shortage.paced
        switch gate {
        case .open: break
        case .rests(let end):
            shortage.cooling = waiting + shortage.busy + shortage.ready
            (shortage.suspended, shortage.spent, shortage.paced) = (0, 0, 0)
            (shortage.busy, shortage.ready) = (0, 0)
            shortage.firstBack = shortage.cooling > 0 ? end - clock : nil
        case .suspended(let end):
            shortage.suspended = waiting + shortage.busy + shortage.ready
            (shortage.cooling, shortage.spent, shortage.paced) = (0, 0, 0)
            (shortage.busy, shortage.ready) = (0, 0)
            shortage.isEndpointSuspended = true
            shortage.firstBack = shortage.suspended > 0 ? end - clock : nil
        case .probing:
            shortage.busy += shortage.ready
            shortage.ready = 0
            shortage.isEndpointSuspended = true
        }
    }
}

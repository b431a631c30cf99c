extension AccountPoolState {
    /// Who is ready for one kind of work, who is busy, and who rests until when: kept up to date with every change of
    /// an account, so that neither a choice nor a refusal has to look at all of them.
    struct Lane: Sendable {
        /// Where an account stands with this work. Exactly one holds.
        enum Place: Int, Sendable, CaseIterable {
            /// Not in the pool, or on its way out.
            case absent
            /// Somebody must act first.
            case unusable
            /// Its exit rests.
            case shut
            /// It rests itself, after a limit.
            case cooling
            /// Its quota of the day is used up.
            case spent
            /// Its breaker is open.
            case suspended
            /// It was leased just now, and keeps its distance.
            case paced
            /// At the limit of leases, or tried by the one request that may.
            case busy
            case ready

            /// It ends by itself at a time that is known.
            var hasEnd: Bool {
                switch self {
                case .cooling, .spent, .suspended, .paced: true
                case .absent, .unusable, .shut, .busy, .ready: false
                }
            }
        }

        let key: LaneKey
        /// Accounts that remember a rest of this model, over or not; 0 in the lanes of classes.
        var records = 0
        private(set) var ready: ReadyAccounts
        /// Accounts in a place that has an end, by that end.
        private(set) var wakes: PositionHeap
        private var places: [Place]
        /// The load under which a ready account stands in `ready`.
        private var loads: [Int32]
        private var counts = Array(repeating: 0, count: Place.allCases.count)

        init(_ key: LaneKey, _ strategy: Strategy, accounts: Int, slots: Int) {
            self.key = key
            ready = ReadyAccounts(strategy, accounts: accounts, slots: slots)
            wakes = PositionHeap(capacity: accounts)
            places = Array(repeating: .absent, count: accounts)
            loads = Array(repeating: 0, count: accounts)
            counts[Place.absent.rawValue] = accounts
        }

        func count(_ place: Place) -> Int { counts[place.rawValue] }
        func place(of position: Int) -> Place { places[position] }

        /// Moves an account to the place that it now has.
        ///
        /// - Parameters:
        ///   - end: When it is back, for places that have an end.
        ///   - load: For `ready`.
        mutating func move(_ position: Int, to place: Place, end: Instant, load: Int, _ rota: Rota) {
            let known = places[position]
            let isSame = known == place
            if known == .ready, !isSame || loads[position] != Int32(load) {
                ready.remove(position, load: Int(loads[position]), rota)
            }
            if known.hasEnd, !place.hasEnd { wakes.remove(position) }
            if place.hasEnd { wakes.set(position, to: end.microseconds) }
            if place == .ready, !isSame || loads[position] != Int32(load) {
                ready.insert(position, load: load, rota)
                loads[position] = Int32(load)
            }
            guard !isSame else { return }
            counts[known.rawValue] -= 1
            counts[place.rawValue] += 1
            places[position] = place
        }
    }
}

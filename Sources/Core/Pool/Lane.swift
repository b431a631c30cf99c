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
            /// It rests itself.
            case cooling
            /// At the limit of leases.
            case busy
            case ready
        }

        let key: LaneKey
        /// Accounts that remember a rest of this model, over or not; 0 in the lanes of classes.
        var records = 0
        private(set) var ready: ReadyAccounts
        /// Accounts in the place `cooling`, by the end of their rest.
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
        ///   - end: When it is back, for `cooling`.
        ///   - load: For `ready`.
        mutating func move(_ position: Int, to place: Place, end: Instant, load: Int, _ rota: Rota) {
            let known = places[position]
            let isSame = known == place
            if known == .ready, !isSame || loads[position] != Int32(load) {
                ready.remove(position, load: Int(loads[position]), rota)
            }
            if known == .cooling, !isSame { wakes.remove(position) }
            if place == .cooling { wakes.set(position, to: end.microseconds) }
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

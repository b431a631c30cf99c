/// The account that served a conversation.
struct Favourite: Sendable, Hashable {
    var provider: String
    var accountID: String
}

/// What `conversations:` in the settings allows.
public struct ConversationRules: Sendable, Equatable {
    /// How long after its last answer a conversation is remembered.
    public var timeToLive: Duration
    /// The oldest are forgotten above this. Zero remembers nothing.
    public var maxEntries: Int

    public init(timeToLive: Duration = .seconds(3600), maxEntries: Int = 10_000) {
        (self.timeToLive, self.maxEntries) = (timeToLive, maxEntries)
    }
}

/// Which account served which conversation last: bounded, each entry for a limited time. A value without a clock.
///
/// The entries form a list by the time of their last answer, so that what expires or is crowded out is always in front.
struct AffinityTable: Sendable {
    private struct Entry: Sendable {
        var key: KeyedHash.Value
        var favourite: Favourite
        var time: Instant
        var older: Int32
        var newer: Int32
    }

    private let rules: ConversationRules
    private var places: [KeyedHash.Value: Int32] = [:]
    private var entries: [Entry] = []
    private var free: [Int32] = []
    private var oldest: Int32 = -1
    private var newest: Int32 = -1

    /// Entries that the store has not heard of.
    private var changed: Set<KeyedHash.Value> = []

    init(_ rules: ConversationRules) { self.rules = rules }

    var count: Int { places.count }

    func find(_ key: KeyedHash.Value, now: Instant) -> Favourite? {
        guard let place = places[key] else { return nil }
        let entry = entries[Int(place)]
        return now - entry.time < rules.timeToLive ? entry.favourite : nil
    }

    mutating func set(_ key: KeyedHash.Value, _ favourite: Favourite, now: Instant) {
        while oldest >= 0, now - entries[Int(oldest)].time >= rules.timeToLive { removeOldest() }
        guard rules.maxEntries > 0 else { return }
        changed.insert(key)
        let place: Int32
        if let known = places[key] {
            unlink(known)
            place = known
        } else {
            if places.count >= rules.maxEntries { removeOldest() }
            place = free.popLast() ?? Int32(entries.count)
            if Int(place) == entries.count {
                entries.append(Entry(key: key, favourite: favourite, time: now, older: -1, newer: -1))
            }
            places[key] = place
        }
        entries[Int(place)] = Entry(key: key, favourite: favourite, time: now, older: newest, newer: -1)
        if newest >= 0 { entries[Int(newest)].newer = place } else { oldest = place }
        newest = place
    }

    mutating func forgetChanges() { changed = [] }

    mutating func takeChanges() -> [(key: KeyedHash.Value, favourite: Favourite, time: Instant)] {
        defer { changed = [] }
        return changed.compactMap { key in
            places[key].map { (key, entries[Int($0)].favourite, entries[Int($0)].time) }
        }
    }

    private mutating func removeOldest() {
        guard oldest >= 0 else { return }
        let place = oldest
        unlink(place)
        changed.remove(entries[Int(place)].key)
        places[entries[Int(place)].key] = nil
        free.append(place)
    }

    private mutating func unlink(_ place: Int32) {
        let entry = entries[Int(place)]
        if entry.older >= 0 { entries[Int(entry.older)].newer = entry.newer } else { oldest = entry.newer }
        if entry.newer >= 0 { entries[Int(entry.newer)].older = entry.older } else { newest = entry.older }
    }
}

/// Positions ordered by a key, the smallest on top; a key can be changed and a position taken out at any time.
struct PositionHeap: Sendable {
    private struct Entry: Sendable {
        var key: Int64
        var position: Int32
    }

    private var entries: [Entry] = []
    /// Where each position stands in `entries`; -1 for nowhere. Made with the first entry: most heaps stay empty.
    private var places: [Int32] = []
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    var first: (key: Int64, position: Int)? { entries.first.map { ($0.key, Int($0.position)) } }

    /// Adds a position or changes its key.
    mutating func set(_ position: Int, to key: Int64) {
        guard position >= 0, position < capacity else { return }
        if places.isEmpty { places = Array(repeating: -1, count: capacity) }
        let place = Int(places[position])
        if place < 0 {
            entries.append(Entry(key: key, position: Int32(position)))
            rise(from: entries.count - 1)
        } else {
            let isLater = key > entries[place].key
            entries[place].key = key
            if isLater { sink(from: place) } else { rise(from: place) }
        }
    }

    mutating func remove(_ position: Int) {
        guard position >= 0, position < places.count, places[position] >= 0 else { return }
        let place = Int(places[position])
        places[position] = -1
        let last = entries.removeLast()
        guard place < entries.count else { return }
        let isLater = last.key > entries[place].key
        entries[place] = last
        places[Int(last.position)] = Int32(place)
        if isLater { sink(from: place) } else { rise(from: place) }
    }

    /// The smallest key among positions that pass. Looks at those that fail and their neighbours only.
    func firstKey(where passes: (Int) -> Bool) -> Int64? {
        var found: Int64?
        var open = [0]
        while let place = open.popLast() {
            guard place < entries.count else { continue }
            let entry = entries[place]
            if let found, found <= entry.key { continue }
            if passes(Int(entry.position)) {
                found = entry.key
            } else {
                open += [2 * place + 1, 2 * place + 2]
            }
        }
        return found
    }

    private mutating func rise(from place: Int) {
        let entry = entries[place]
        var place = place
        while place > 0 {
            let parent = (place - 1) / 2
            guard entry.key < entries[parent].key else { break }
            put(entries[parent], at: place)
            place = parent
        }
        put(entry, at: place)
    }

    private mutating func sink(from place: Int) {
        let entry = entries[place]
        var place = place
        while 2 * place + 1 < entries.count {
            var child = 2 * place + 1
            if child + 1 < entries.count, entries[child + 1].key < entries[child].key { child += 1 }
            guard entries[child].key < entry.key else { break }
            put(entries[child], at: place)
            place = child
        }
        put(entry, at: place)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        entries[place] = entry
        places[Int(entry.position)] = Int32(place)
    }
}

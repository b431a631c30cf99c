/// Values by digest, each in a slot with a number that it keeps until it is removed.
///
/// What a look-up costs among a hundred thousand values is what it reads outside the processor's caches. A dictionary
/// reads three places for each: its bits, its keys, its values. Here an index of eight bytes per value says the slot,
/// and tells other digests apart by half of the digest without looking at theirs; the slots stand close together, in
/// the order in which they were filled, so that what was first used together lies together.
struct SlotTable<Value: Sendable>: Sendable {
    private struct Slot {
        var digest: KeyedHash.Value
        var value: Value
    }

    /// Open addressing with linear probing: 0 for nothing, else the upper half of the digest's low word and, below it,
    /// the slot's number plus one.
    private var index = [UInt64](repeating: 0, count: 16)
    private var slots: [Slot] = []
    /// Slots that were emptied.
    private var free: [UInt32] = []

    var count: Int { slots.count - free.count }

    private var mask: Int { index.count - 1 }

    // MARK: Looking up

    /// The slot of a digest's value.
    func slot(of digest: KeyedHash.Value) -> Int? {
        place(of: digest).map { Self.slot(of: index[$0]) }
    }

    /// A slot's value; the slot must be one that has a value.
    subscript(slot: Int) -> Value {
        get { slots[slot].value }
        set { slots[slot].value = newValue }
    }

    private func place(of digest: KeyedHash.Value) -> Int? {
        var place = home(of: digest)
        while index[place] != 0 {
            let word = index[place]
            if word >> 32 == digest.low >> 32, slots[Self.slot(of: word)].digest == digest { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Where the search for a digest begins. Nobody outside can choose digests, so their bits spread evenly.
    private func home(of digest: KeyedHash.Value) -> Int { Int(truncatingIfNeeded: digest.low) & mask }

    private static func slot(of word: UInt64) -> Int { Int(word & 0xffff_ffff) - 1 }

    // MARK: Changing

    /// Adds the value of a digest that has none.
    ///
    /// - Returns: Its slot.
    mutating func insert(_ value: Value, for digest: KeyedHash.Value) -> Int {
        if 5 * (count + 1) > 4 * index.count { grow() }
        let slot: Int
        if let last = free.popLast() {
            slot = Int(last)
            slots[slot] = Slot(digest: digest, value: value)
        } else {
            slot = slots.count
            slots.append(Slot(digest: digest, value: value))
        }
        enter(digest, slot)
        return slot
    }

    /// Removes a slot's value; the slot must be one that has a value.
    mutating func remove(_ slot: Int) {
        guard var hole = place(of: slots[slot].digest) else { return }
        free.append(UInt32(slot))
        // Those behind move up, unless they would come to stand before the place where their search begins.
        var next = (hole + 1) & mask
        while index[next] != 0 {
            let start = home(of: slots[Self.slot(of: index[next])].digest)
            if (next - start) & mask >= (next - hole) & mask {
                index[hole] = index[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        index[hole] = 0
    }

    private mutating func enter(_ digest: KeyedHash.Value, _ slot: Int) {
        var place = home(of: digest)
        while index[place] != 0 { place = (place + 1) & mask }
        index[place] = (digest.low >> 32) << 32 | UInt64(slot + 1)
    }

    private mutating func grow() {
        let words = index.filter { $0 != 0 }
        index = [UInt64](repeating: 0, count: 2 * index.count)
        for word in words {
            let slot = Self.slot(of: word)
            enter(slots[slot].digest, slot)
        }
    }
}

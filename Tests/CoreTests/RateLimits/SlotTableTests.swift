import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Table of slots: what a dictionary does, whatever the digests")
struct SlotTableTests {
    /// Digests by how they meet in the index.
    enum Digests: CaseIterable {
        case spread, samePlace, sameLowWord, atTheEnd

        func callAsFunction(_ number: UInt64) -> KeyedHash.Value {
            switch self {
            case .spread: .init(low: (number + 1) &* 0x9e37_79b9_7f4a_7c15, high: number)
            case .samePlace: .init(low: number << 40, high: 0)
            case .sameLowWord: .init(low: 7, high: number)
            // The search for many of them goes round the end of the index.
            case .atTheEnd: .init(low: number << 40 | (.max >> 40) - number % 3, high: number)
            }
        }
    }

    @Test("values are found, changed and removed as in a dictionary", arguments: Digests.allCases, 0..<5)
    func model(digests: Digests, seed: Int) {
        var random = PolluxTesting.SeededRandom(seed: seed)
        var table = SlotTable<Int>()
        var model: [UInt64: Int] = [:]
        for step in 0..<2000 {
            // First it grows, then it shrinks.
            let grows = Int.random(in: 0..<10, using: &random) < (step < 1000 ? 7 : 3)
            let number = UInt64.random(in: 0..<200, using: &random)
            let slot = table.slot(of: digests(number))
            let found = slot.map { table[$0] }
            #expect(found == model[number], "seed \(seed), step \(step)")
            switch (slot, grows) {
            case (nil, true): _ = table.insert(step, for: digests(number))
            case (let slot?, true): table[slot] = step
            case (let slot?, false): table.remove(slot)
            case (nil, false): continue
            }
            model[number] = grows ? step : nil
            #expect(table.count == model.count, "seed \(seed), step \(step)")
        }
        let left = (0..<200).filter { table.slot(of: digests($0)) != nil }
        #expect(left == model.keys.sorted())
    }

    @Test("a slot keeps its number while others come and go, and is used again once it is empty")
    func slots() {
        var table = SlotTable<String>()
        let first = table.insert("first", for: Digests.spread(0))
        let second = table.insert("second", for: Digests.spread(1))
        for number in 2..<1000 { _ = table.insert("\(number)", for: Digests.spread(UInt64(number))) }
        #expect(table[first] == "first" && table[second] == "second")
        table.remove(first)
        let last = table.insert("last", for: Digests.spread(1000))
        #expect(last == first && table[first] == "last" && table.count == 1000)
        #expect(table.slot(of: Digests.spread(0)) == nil)
    }
}

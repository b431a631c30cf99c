import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Sets and heaps of positions")
struct PositionSetTests {
    @Test("a set finds the next member as a plain search would, whatever its size", arguments: 0..<60)
    func set(seed: Int) {
        let random = SeededRandom(seed: seed)
        let capacity = [0, 1, 63, 64, 65, 200, 4096, 4097, 10_000][Int(random.below(9))]
        var (set, naive) = (PositionSet(capacity: capacity), Set<Int>())
        for _ in 0..<400 where capacity > 0 {
            let position = Int(random.below(UInt64(capacity)))
            if random.below(2) == 0 {
                set.insert(position)
                naive.insert(position)
            } else {
                let victim = naive.randomElement() ?? position
                set.remove(victim)
                naive.remove(victim)
            }
            let start = Int(random.below(UInt64(capacity + 2))) - 1
            let expected = naive.filter { $0 >= start }.min()
            #expect(set.next(from: start) == expected)
            #expect(set.first == naive.min())
            #expect(set.count == naive.count)
            #expect(set.contains(position) == naive.contains(position))
        }
        #expect(set.next(from: capacity) == nil)
    }

    @Test("positions outside of the set are no members and harmless")
    func outside() {
        var set = PositionSet(capacity: 10)
        for position in [-1, 10, .max, .min] {
            set.insert(position)
            set.remove(position)
            #expect(set.contains(position) == false)
        }
        #expect(set.isEmpty)
    }

    @Test("a heap has the smallest key on top, through changes and removals", arguments: 0..<60)
    func heap(seed: Int) {
        let random = SeededRandom(seed: seed)
        var (heap, naive) = (PositionHeap(capacity: 50), [Int: Int64]())
        for _ in 0..<400 {
            let position = Int(random.below(50))
            if random.below(3) > 0 {
                let key = Int64(random.below(100)) - 50
                heap.set(position, to: key)
                naive[position] = key
            } else {
                heap.remove(position)
                naive[position] = nil
            }
            #expect(heap.count == naive.count)
            #expect(heap.first?.key == naive.values.min())
            if let first = heap.first { #expect(naive[first.position] == first.key) }
            let excluded = Set((0..<5).map { _ in Int(random.below(50)) })
            let found = heap.firstKey { !excluded.contains($0) }
            #expect(found == naive.filter { !excluded.contains($0.key) }.values.min())
        }
    }
}

@Suite("The ring of turns")
struct RotaTests {
    private func turns(_ rota: Rota) -> [Int] { (0..<rota.count).map { rota.owner(of: $0) } }

    @Test("equal weights make one turn each, in file order", arguments: [1, 2, 7])
    func equal(weight: Int) {
        let rota = Rota(weights: [weight, weight, weight])
        #expect(turns(rota) == [0, 1, 2])
        #expect(Array(rota.slots(of: 1)) == [1])
    }

    @Test("an account has turns by its weight, and they are spread, not in a row")
    func spread() {
        let ring = turns(Rota(weights: [5, 1, 1]))
        #expect(ring.count == 7)
        #expect([0, 1, 2].map { owner in ring.count { $0 == owner } } == [5, 1, 1])
        let twice = ring + ring
        let longest = twice.indices.map { start in twice[start...].prefix { $0 == 0 }.count }.max()
        #expect(longest ?? 9 <= 3, "\(ring)")
    }

    @Test("in any stretch of the ring each account has its share, give or take two", arguments: 0..<50)
    func smooth(seed: Int) {
        let random = SeededRandom(seed: seed)
        let weights = (0..<(2 + Int(random.below(6)))).map { _ in 1 + Int(random.below(9)) }
        let ring = turns(Rota(weights: weights))
        let total = Double(weights.reduce(0, +))
        for (owner, weight) in weights.enumerated() {
            var got = 0
            for (index, turn) in ring.enumerated() {
                if turn == owner { got += 1 }
                let share = Double(index + 1) * Double(weight) / total
                #expect(abs(Double(got) - share) < 2, "\(weights), account \(owner) after \(index + 1): \(ring)")
            }
        }
    }

    @Test("the slots of an account are those that it owns")
    func slots() {
        let rota = Rota(weights: [3, 2, 9, 1])
        for owner in 0..<4 {
            let slots = Array(rota.slots(of: owner))
            #expect(slots == (0..<rota.count).filter { rota.owner(of: $0) == owner })
        }
    }

    @Test("weights without sense are cut, and nothing makes an empty ring")
    func extremes() {
        #expect(Rota(weights: [0, -5, 1]).count == 3)
        #expect(Rota(weights: [.max, 1]).count == Rota.largestWeight + 1)
        #expect(Rota(weights: []).count == 0)
    }
}

import PolluxCore
import PolluxTesting

/// Draws of the simulated world, all from one seed.
struct Dice: Sendable {
    private let random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func below(_ bound: Int) -> Int { Int(random.below(UInt64(max(bound, 1)))) }
    func between(_ low: Int, _ high: Int) -> Int { low + below(high - low + 1) }
    func chance(_ percent: Int) -> Bool { below(100) < percent }

    func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    /// Durations come from short lists of round numbers, so that things often happen at one and the same moment.
    func pick(seconds list: [Double]) -> Duration { .milliseconds(Int64(pick(list) * 1000)) }

    func shuffled<Element>(_ list: [Element]) -> [Element] {
        var list = list
        for index in list.indices.reversed() { list.swapAt(index, below(index + 1)) }
        return list
    }

    /// One of the kinds, the more often the greater its weight.
    func weighted<Element>(_ list: [(Element, Int)]) -> Element {
        var left = below(list.reduce(0) { $0 + $1.1 })
        for (element, weight) in list {
            if left < weight { return element }
            left -= weight
        }
        return list[0].0
    }
}

import PolluxCore
import PolluxTesting
import Testing

@Suite("Points in time")
struct InstantTests {
    @Test("arithmetic saturates at both ends")
    func saturation() {
        let (first, last) = (Instant(microseconds: .min), Instant.distantFuture)
        #expect(last + .seconds(1) == last)
        #expect(first + .seconds(-1) == first)
        #expect(last - first == .microseconds(Int64.max))
        #expect(first - last == .microseconds(Int64.min))
        #expect(Instant(microseconds: 0) + .seconds(Int64.max) == last)
        #expect(WallTime(seconds: .max) == WallTime(microseconds: .max))
        #expect(WallTime(seconds: .min) == WallTime(microseconds: .min))
        #expect(WallTime(microseconds: .max) + .seconds(1) == WallTime(microseconds: .max))
    }

    @Test("durations are cut to whole microseconds, seconds are rounded up")
    func rounding() {
        #expect(Duration.nanoseconds(1999).microseconds == 1)
        #expect(Duration.seconds(Int64.max).microseconds == .max)
        #expect(Duration.seconds(Int64.min).microseconds == .min)
        let rounded: [(Duration, Int64)] = [
            (.zero, 0), (.seconds(-5), 0), (.microseconds(1), 1), (.seconds(1), 1), (.microseconds(1_000_001), 2),
        ]
        for (duration, seconds) in rounded { #expect(duration.secondsRoundedUp == seconds) }
    }

    @Test("seconds before 1970 are rounded down as well")
    func negative() {
        #expect(WallTime(microseconds: -1).seconds == -1)
        #expect(WallTime(microseconds: -1_000_000).seconds == -1)
        #expect(WallTime(microseconds: 1_999_999).seconds == 1)
    }
}

@Suite("Random bits")
struct RandomSourceTests {
    @Test("numbers below a bound are below it and reach all of it", arguments: [1, 2, 7, 1000] as [UInt64])
    func below(bound: UInt64) {
        let random = SeededRandom(seed: 3)
        let drawn = Set((0..<20_000).map { _ in random.below(bound) })
        #expect(drawn.count == Int(bound))
        #expect(drawn.max() == bound - 1)
        #expect(random.below(0) == 0)
    }

    @Test("ids have their length and only letters and digits", arguments: [0, 1, 9, 10, 11, 24, 100])
    func alphanumeric(count: Int) {
        let text = SeededRandom(seed: count).alphanumeric(count)
        #expect(text.utf8.count == count)
        #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }

    @Test("identifiers of later milliseconds sort behind, and those of one millisecond differ")
    func timeOrdered() {
        let random = SeededRandom(seed: 1)
        let times: [Int64] = [-1, 0, 1000, 61_000, 62_000, 1_760_000_000_000_000, 1_760_000_000_001_000, .max]
        let made = times.map { random.timeOrdered("req_", at: WallTime(microseconds: $0)) }
        #expect(made.allSatisfy { $0.wholeMatch(of: /req_[0-9A-Za-z]{24}/) != nil })
        let heads = made.map { $0.utf8.dropFirst(4).prefix(8).map(\.self) }
        let isSorted = zip(heads, heads.dropFirst()).allSatisfy { !$1.lexicographicallyPrecedes($0) }
        #expect(isSorted)
        #expect(Set(heads.map { String(decoding: $0, as: UTF8.self) }).count == times.count - 1, "-1 is 0")
        let same = (0..<100).map { _ in random.timeOrdered("req_", at: WallTime(microseconds: 5)) }
        #expect(Set(same).count == 100)
    }

    @Test("the fast generator does not repeat itself, also not across threads")
    func fast() async {
        let random = FastRandom(seed: 1)
        let drawn = await withTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<4 { group.addTask { (0..<5000).map { _ in random.next() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(drawn).count == 20_000)
    }
}

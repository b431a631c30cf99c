import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("What is remembered of conversations")
struct AffinityTableTests {
    private func key(_ number: Int) -> KeyedHash.Value { KeyedHash.Value(low: UInt64(number), high: 7) }
    private func place(_ number: Int) -> Favourite { Favourite(provider: "p", accountID: "a\(number)") }
    private let start = Instant(microseconds: 0)

    @Test("an entry is forgotten when its time is over, counted from its last answer")
    func expiry() {
        var table = AffinityTable(ConversationRules(timeToLive: .seconds(10), maxEntries: 100))
        table.set(key(1), place(1), now: start)
        #expect(table.find(key(1), now: start + .microseconds(9_999_999)) == place(1))
        #expect(table.find(key(1), now: start + .seconds(10)) == nil)
        table.set(key(1), place(2), now: start + .seconds(5))
        #expect(table.find(key(1), now: start + .seconds(14)) == place(2))
        table.set(key(2), place(2), now: start + .seconds(15))
        #expect(table.count == 1, "what is over takes no room")
    }

    @Test("above the bound the one without an answer for the longest time goes")
    func bound() {
        var table = AffinityTable(ConversationRules(timeToLive: .seconds(1000), maxEntries: 3))
        for number in 1...3 { table.set(key(number), place(number), now: start + .seconds(Int64(number))) }
        table.set(key(1), place(1), now: start + .seconds(4))
        table.set(key(4), place(4), now: start + .seconds(5))
        let found = (1...4).map { table.find(key($0), now: start + .seconds(6)) != nil }
        #expect(found == [true, false, true, true])
        #expect(table.count == 3)
    }

    @Test("with no room nothing is remembered")
    func none() {
        var table = AffinityTable(ConversationRules(maxEntries: 0))
        table.set(key(1), place(1), now: start)
        #expect(table.find(key(1), now: start) == nil)
        #expect(table.count == 0)
    }

    @Test("it remembers what a plain list would", arguments: 0..<50)
    func random(seed: Int) {
        let random = SeededRandom(seed: seed)
        let rules = ConversationRules(timeToLive: .seconds(20), maxEntries: 1 + Int(random.below(8)))
        var table = AffinityTable(rules)
        var naive: [(key: Int, place: Int, time: Instant)] = []
        var now = start
        for _ in 0..<500 {
            now = now + .seconds(Int64(random.below(4)))
            let (number, account) = (Int(random.below(12)), Int(random.below(5)))
            naive.removeAll { now - $0.time >= .seconds(20) }
            if random.below(2) == 0 {
                table.set(key(number), place(account), now: now)
                naive.removeAll { $0.key == number }
                if naive.count == rules.maxEntries { naive.removeFirst() }
                naive.append((number, account, now))
                #expect(table.count == naive.count)
            }
            let expected = naive.first { $0.key == number }.map { place($0.place) }
            #expect(table.find(key(number), now: now) == expected)
        }
    }
}

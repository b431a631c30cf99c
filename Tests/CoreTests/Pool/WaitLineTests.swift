import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("A line of requests that wait")
struct WaitLineTests {
    private static let text = WaitLine.Work(quotaClass: .text)
    private static let images = WaitLine.Work(quotaClass: .images)

    /// A line whose clients are known by letters; a request is a letter and its ticket.
    private struct Line {
        var line = WaitLine()
        var names: [UInt64: String] = [:]

        @discardableResult
        mutating func joins(_ key: String, _ work: WaitLine.Work = text, maxDepth: Int = 100) -> UInt64? {
            let ticket = line.takeTicket()
            names[ticket] = key
            return comes(ticket, work, maxDepth: maxDepth) ? ticket : nil
        }

        mutating func comes(_ ticket: UInt64, _ work: WaitLine.Work = text, maxDepth: Int = 100) -> Bool {
            let place = WaitLine.Place(ticket: ticket, client: names[ticket] ?? "")
            return line.join(
                place, work, as: .member(maxDepth: maxDepth), until: .distantFuture, evenInVain: false)
        }

        mutating func isSentAway(_ ticket: UInt64) {
            _ = line.answer(ticket, .refused)
            _ = line.takeOutcome(of: ticket)
        }

        /// Whose turn it is, who then is served.
        mutating func serves(except closed: Set<WaitLine.Work> = []) -> String? {
            guard let (ticket, _) = line.first(except: closed) else { return nil }
            let handout = WaitLine.Handout(credential: PoolWorld.credential("a"), grant: 1)
            _ = line.answer(ticket, .granted(handout))
            _ = line.takeOutcome(of: ticket)
            return names[ticket]
        }

        mutating func servesAll() -> String {
            var order = ""
            while let name = serves() { order += name }
            return order
        }
    }

    @Test("client keys take turns: one that asks a lot does not keep the others waiting")
    func turns() {
        var line = Line()
        for key in ["a", "a", "a", "a", "b", "b", "c"] { line.joins(key) }
        #expect(line.servesAll() == "abcabaa")
    }

    @Test("requests of one key are served in the order in which they came, whatever they ask for")
    func ownOrder() {
        var line = Line()
        let tickets = [line.joins("a"), line.joins("a", Self.images), line.joins("a"), line.joins("b")]
        var served: [UInt64] = []
        while let (ticket, _) = line.line.first(except: []) {
            served.append(ticket)
            _ = line.serves()
        }
        #expect(served == [tickets[0], tickets[3], tickets[1], tickets[2]].compactMap(\.self))
    }

    @Test("a key that comes new, or comes again, is behind those who wait")
    func newcomers() {
        var line = Line()
        for key in ["a", "a", "b"] { line.joins(key) }
        #expect(line.serves() == "a")
        line.joins("c")
        #expect(line.serves() == "b")
        line.joins("b")
        #expect(line.servesAll() == "acb")
    }

    @Test("a turn that is taken with one kind of work is taken")
    func severalWorks() {
        var line = Line()
        for _ in 0..<2 {
            line.joins("a")
            line.joins("a", Self.images)
        }
        line.joins("b")
        #expect(line.serves(except: [Self.text]) == "a")
        #expect(line.servesAll() == "baaa")
    }

    @Test("who was sent away and comes back is before those of its key that came later")
    func comesBack() {
        var line = Line()
        let first = line.joins("a") ?? 0
        let second = line.joins("a") ?? 0
        line.isSentAway(first)
        #expect(line.comes(first) == true)
        #expect(line.line.first(except: [])?.id == first)
        line.isSentAway(second)
        #expect(line.servesAll() == "a")
    }

    @Test("who was sent away keeps its place among those that may wait, until it gives up or is served")
    func keepsItsPlace() {
        var line = Line()
        let first = line.joins("a", maxDepth: 1) ?? 0
        for _ in 0..<3 {
            line.isSentAway(first)
            #expect(line.joins("b", maxDepth: 1) == nil)
            #expect(line.comes(first, maxDepth: 1) == true)
        }
        line.isSentAway(first)
        line.line.resign(first)
        #expect(line.joins("b", maxDepth: 1) != nil)
        #expect(line.joins("c", maxDepth: 1) == nil)
        #expect(line.serves() == "b")
        let last = line.joins("c", maxDepth: 1) ?? 0
        _ = line.line.leave(last)
        #expect(line.comes(first, maxDepth: 1) == true)
        #expect(line.line.count == 1)
    }

    @Test("at random: whose turn it is, is what a list of everybody says", arguments: 0..<100)
    func random(seed: Int) {
        let dice = SeededRandom(seed: seed)
        var (line, naive) = (Line(), NaiveLine())
        for step in 0..<200 {
            switch dice.below(8) {
            case 0...3:
                let key = ["a", "b", "c", "d"][Int(dice.below(4))]
                let work = dice.below(3) == 0 ? Self.images : Self.text
                guard let ticket = line.joins(key, work) else { break }
                naive.joins(ticket, key, work)
            case 4:
                guard !naive.waiting.isEmpty else { break }
                let ticket = naive.waiting[Int(dice.below(UInt64(naive.waiting.count)))].ticket
                _ = line.line.leave(ticket)
                naive.leaves(ticket)
            default:
                let closed: Set<WaitLine.Work> = [[], [], [Self.text], [Self.images]][Int(dice.below(4))]
                let (found, expected) = (line.line.first(except: closed)?.id, naive.first(except: closed))
                guard found == expected else {
                    Issue.record(
                        "seed \(seed), step \(step): \(String(describing: found)), not \(String(describing: expected))")
                    return
                }
                _ = line.serves(except: closed)
                if let expected { naive.serves(expected) }
            }
        }
    }
}

/// A line as a list of everybody, and a list of keys in the order of their turns.
private struct NaiveLine {
    var waiting: [(ticket: UInt64, key: String, work: WaitLine.Work)] = []
    private var turns: [String] = []

    mutating func joins(_ ticket: UInt64, _ key: String, _ work: WaitLine.Work) {
        waiting.append((ticket, key, work))
        if !turns.contains(key) { turns.append(key) }
    }

    func first(except closed: Set<WaitLine.Work>) -> UInt64? {
        for key in turns {
            let own = waiting.filter { $0.key == key && !closed.contains($0.work) }
            if let first = own.map(\.ticket).min() { return first }
        }
        return nil
    }

    mutating func leaves(_ ticket: UInt64) {
        waiting.removeAll { $0.ticket == ticket }
        turns.removeAll { key in !waiting.contains { $0.key == key } }
    }

    mutating func serves(_ ticket: UInt64) {
        guard let key = waiting.first(where: { $0.ticket == ticket })?.key else { return }
        turns.removeAll { $0 == key }
        turns.append(key)
        leaves(ticket)
    }
}

import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxTransport

@Suite("Timer heap")
struct TimerHeapTests {
    @Test("timers come out by time, then in the order they were made, whatever was cancelled", arguments: 0..<50)
    func matchesSorting(seed: UInt64) throws {
        let loop = try EventLoop(name: "unused")
        let random = SeededRandom(seed: seed)
        var heap = TimerHeap()
        var model: [LoopTimer] = []
        for sequence in 0..<200 {
            let deadline = Instant(microseconds: Int64(random.next() % 40))
            let timer = LoopTimer(deadline: deadline, sequence: UInt64(sequence), loop: loop) {}
            heap.insert(timer)
            model.append(timer)
            if random.next() % 3 == 0 {
                let victim = model.remove(at: Int(random.next() % UInt64(model.count)))
                heap.remove(victim)
                #expect(!victim.isPending)
            }
        }
        let expected = model.sorted { $0.isBefore($1) }.map(\.sequence)
        var got: [UInt64] = []
        while let timer = heap.popDue(at: .distantFuture) { got.append(timer.sequence) }
        #expect(got == expected)
    }

    @Test("nothing is due before its time")
    func notDue() throws {
        let loop = try EventLoop(name: "unused")
        var heap = TimerHeap()
        heap.insert(LoopTimer(deadline: Instant(microseconds: 10), sequence: 1, loop: loop) {})
        #expect(heap.popDue(at: Instant(microseconds: 9)) == nil)
        #expect(heap.popDue(at: Instant(microseconds: 10)) != nil)
    }
}

import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@Suite("The clock that tests move")
struct ManualTimeTests {
    private let time = ManualTime()

    @Test("both clocks move together, the civil one also alone")
    func clocks() {
        time.advance(by: .seconds(90))
        #expect(time.now == Instant(microseconds: 90_000_000))
        #expect(time.wallNow == WallTime(seconds: 1_767_225_690))
        time.stepWallClock(by: .seconds(-3600))
        #expect(time.now == Instant(microseconds: 90_000_000))
        #expect(time.wallNow == WallTime(seconds: 1_767_222_090))
        time.advance(by: .seconds(-5))
        #expect(time.now == Instant(microseconds: 90_000_000))
    }

    @Test("sleepers are resumed when their moment comes, not before")
    func sleepers() async throws {
        let start = time.now
        let early = Task { try await time.sleep(until: start + .seconds(1)) }
        let late = Task { try await time.sleep(until: start + .seconds(3)) }
        await time.untilSleeping(2)
        time.advance(by: .seconds(2))
        try await early.value
        #expect(time.sleeperCount == 1)
        time.advance(by: .seconds(1))
        try await late.value
        try await time.sleep(until: time.now)
    }

    @Test("a cancelled sleeper ends at once, also one that was cancelled before")
    func cancellation() async {
        let sleeper = Task { try await time.sleep(until: .distantFuture) }
        await time.untilSleeping(1)
        sleeper.cancel()
        await #expect(throws: GatewayError.cancelled) { try await sleeper.value }
        #expect(time.sleeperCount == 0)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            try await time.sleep(until: .distantFuture)
        }
        late.cancel()
        await #expect(throws: GatewayError.cancelled) { try await late.value }
    }

    @Test("the same seed gives the same numbers")
    func seededRandom() {
        let (first, second) = (PolluxTesting.SeededRandom(seed: 7), PolluxTesting.SeededRandom(seed: 7))
        #expect((0..<100).map { _ in first.next() } == (0..<100).map { _ in second.next() })
        #expect(PolluxTesting.SeededRandom(seed: 8).next() != PolluxTesting.SeededRandom(seed: 7).next())
    }
}

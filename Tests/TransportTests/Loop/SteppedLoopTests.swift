import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxTransport

@Suite("Event loops by a clock that a test moves")
struct SteppedLoopTests {
    private let time = ManualTime()
    private let fired = Log()

    private func note(_ name: String) { fired.add(name) }
    private var names: [String] { fired.lines }

    @Test("timers fire when the clock is moved to them, in order over all loops, and have run when it stands")
    func order() throws {
        let group = try LoopGroup(count: 2, time: time)
        defer { group.stop() }
        let start = time.now
        for (index, seconds) in [30, 10, 20, 40].enumerated() {
            let loop = group.loops[index % 2]
            schedule(on: loop, at: start + .seconds(seconds)) { self.note("\(seconds)") }
        }
        #expect(names == [])
        time.advance(by: .microseconds(9_999_999))
        #expect(names == [])
        time.advance(by: .microseconds(1))
        #expect(names == ["10"])
        time.advance(by: .seconds(25))
        #expect(names == ["10", "20", "30"])
        #expect(time.now == start + .seconds(35))
    }

    @Test("a timer that sets the next one is met each time, at its own moment")
    func repeating() throws {
        let group = try LoopGroup(count: 1, time: time)
        defer { group.stop() }
        let loop = group.loops[0]
        let moments = Mutex<[Duration]>([])
        let start = time.now
        @Sendable func tick() {
            moments.withLock { $0.append(loop.now - start) }
            loop.schedule(at: loop.now + .seconds(15)) { tick() }
        }
        schedule(on: loop, at: start + .seconds(15)) { tick() }
        time.advance(by: .seconds(50))
        #expect(moments.withLock { $0 } == [.seconds(15), .seconds(30), .seconds(45)])
    }

    @Test("what a timer queues has run as well, tasks included")
    func queued() throws {
        let group = try LoopGroup(count: 1, time: time)
        defer { group.stop() }
        let loop = group.loops[0]
        schedule(on: loop, at: time.now + .seconds(1)) {
            loop.execute { loop.execute { self.note("work") } }
            Task(executorPreference: loop) {
                await Task.yield()
                self.note("task")
            }
        }
        time.advance(by: .seconds(1))
        #expect(Set(names) == ["work", "task"])
    }

    @Test("a sleeper on a loop wakes by the clock, and one elsewhere by the fallback's")
    func sleeping() async throws {
        let group = try LoopGroup(count: 1, time: time)
        defer { group.stop() }
        let loopTime = LoopTime(fallback: group.loops[0])
        #expect(loopTime.now == time.now)
        #expect(loopTime.wallNow == time.wallNow)
        for executor in [nil, group.loops[0]] as [EventLoop?] {
            let end = time.now + .seconds(3600)
            let sleeper = Task(executorPreference: executor) {
                try await loopTime.sleep(until: end)
                return loopTime.now
            }
            await time.untilSomeoneWaits(until: end)
            time.advance(by: .seconds(3600))
            #expect(try await sleeper.value == end)
        }
    }

    @Test("a cancelled timer keeps nothing; timers of the system's clock do not wait for the other one")
    func cancelled() async throws {
        let group = try LoopGroup(count: 1, time: time)
        defer { group.stop() }
        let loop = group.loops[0]
        await withCheckedContinuation { continuation in
            loop.execute {
                loop.schedule(at: loop.now + .seconds(1)) { self.note("cancelled") }.cancel()
                _ = loop.schedule(atSystem: .monotonicNow + .milliseconds(1)) { continuation.resume() }
            }
        }
        #expect(loop.nextMoment == nil)
        time.advance(by: .seconds(2))
        #expect(names == [])
    }

    /// Returns once the timer is set.
    private func schedule(on loop: EventLoop, at moment: Instant, _ action: @escaping @Sendable () -> Void) {
        loop.execute { loop.schedule(at: moment, action) }
        while !loop.hasTimer(at: moment) {}
    }
}

import CSystem
import Glibc
import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxTransport

@Suite("Event loop")
struct EventLoopTests {
    @Test("a task that prefers the loop stays on its thread across awaits")
    func staysOnLoop() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.stop() }
        let loop = group.loops[0]
        let onLoop = await Task(executorPreference: loop) {
            let before = loop.isCurrent
            await Task.yield()
            let current = EventLoop.current === loop
            await pause()
            return before && current && loop.isCurrent
        }.value
        #expect(onLoop)
        #expect(!loop.isCurrent)
    }

    @Test("work from many threads runs once each")
    func foreignWork() async throws {
        let group = try LoopGroup(count: 2)
        defer { group.stop() }
        let total = Counter()
        await withTaskGroup(of: Void.self) { tasks in
            for index in 0..<8 {
                tasks.addTask {
                    for _ in 0..<500 {
                        await withCheckedContinuation { continuation in
                            group.loops[index % 2].execute {
                                total.add()
                                continuation.resume()
                            }
                        }
                    }
                }
            }
        }
        #expect(total.value == 4000)
    }

    @Test("a loop that is kept busy is late, and says by how much", arguments: [false, true])
    func lag(beside isStepped: Bool) async throws {
        let group = try LoopGroup(count: 1, time: isStepped ? ManualTime() : nil)
        defer { group.stop() }
        let loop = group.loops[0]
        let longest = Atomic<Int64>(0)
        let reports = Counter()
        loop.watchLag(every: .milliseconds(5)) { lag in
            longest.max(lag.microseconds, ordering: .relaxed)
            reports.add()
        }
        loop.execute { poll(nil, 0, 60) }
        while reports.value < 3 { await pause() }
        #expect(longest.load(ordering: .relaxed) >= 50_000)
    }

    @Test("timers run in order, and cancelled ones do not run")
    func timers() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.stop() }
        let loop = group.loops[0]
        let order = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            loop.execute {
                let start = loop.now
                loop.schedule(at: start + .milliseconds(3)) { order.withLock { $0.append(3) } }
                loop.schedule(at: start + .milliseconds(1)) { order.withLock { $0.append(1) } }
                let cancelled = loop.schedule(at: start + .milliseconds(2)) { order.withLock { $0.append(2) } }
                cancelled.cancel()
                loop.schedule(at: start + .milliseconds(4)) { continuation.resume() }
            }
        }
        #expect(order.withLock { $0 } == [1, 3])
    }

    @Test("a sleeper wakes no earlier than its deadline; a cancelled one throws at once")
    func sleeping() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.stop() }
        let time = LoopTime(fallback: group.loops[0])
        let deadline = time.now + .milliseconds(5)
        try await time.sleep(until: deadline)
        #expect(time.now >= deadline)

        for executor in [nil, group.loops[0]] as [EventLoop?] {
            let sleeper = Task(executorPreference: executor) {
                do throws(GatewayError) { try await time.sleep(until: .distantFuture) } catch { return error.kind }
                return .internalError
            }
            sleeper.cancel()
            #expect(await sleeper.value == .cancelled)
        }
    }

    @Test("an event of a descriptor that was closed and reused in the same round is dropped")
    func staleEvent() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.stop() }
        let loop = group.loops[0]
        let calls = await withCheckedContinuation { continuation in
            loop.execute { StaleEventScene(loop, continuation).start() }
        }
        #expect(calls == 1)
    }

    @Test("the longest round is measured")
    func lag() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.stop() }
        let loop = group.loops[0]
        await withCheckedContinuation { continuation in
            loop.execute {
                let end = Instant.monotonicNow + .milliseconds(2)
                while Instant.monotonicNow < end {}
                loop.execute { loop.execute { continuation.resume() } }
            }
        }
        await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
        #expect(loop.takeLongestRoundMicroseconds() >= 2000)
    }
}

/// Leaves the loop's thread and comes back: an actor runs on its own executor.
private func pause() async { await Elsewhere().visit() }

private actor Elsewhere {
    func visit() {}
}

/// Two readable eventfds; whichever is handled first closes the other and puts a silent descriptor on its number.
private final class StaleEventScene: @unchecked Sendable {
    private let loop: EventLoop
    private let done: CheckedContinuation<Int, Never>
    private var calls = 0
    private var descriptors: [Int32] = []

    init(_ loop: EventLoop, _ done: CheckedContinuation<Int, Never>) { (self.loop, self.done) = (loop, done) }

    func start() {
        for _ in 0..<2 {
            let descriptor = eventfd(1, Int32(EFD_CLOEXEC))
            descriptors.append(descriptor)
            loop.register(descriptor, .read, Probe { self.handle(descriptor) })
        }
    }

    private func handle(_ descriptor: Int32) {
        calls += 1
        for other in descriptors {
            loop.unregister(other)
            close(other)
        }
        let reused = eventfd(0, Int32(EFD_CLOEXEC))
        loop.register(reused, .read, Probe { self.calls += 1 })
        let second = eventfd(0, Int32(EFD_CLOEXEC))
        loop.register(second, .read, Probe { self.calls += 1 })
        loop.schedule(at: loop.now + .milliseconds(1)) { [self] in
            for descriptor in [reused, second] {
                loop.unregister(descriptor)
                close(descriptor)
            }
            done.resume(returning: calls)
        }
    }
}

private final class Probe: EventHandler {
    private let action: () -> Void
    init(_ action: @escaping () -> Void) { self.action = action }
    override func handle(_ readiness: EventLoop.Readiness, on loop: EventLoop) { action() }
}

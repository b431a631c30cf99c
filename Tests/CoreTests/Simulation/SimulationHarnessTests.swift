import Glibc
import PolluxCore
import PolluxTesting
import Synchronization
import Testing

/// The simulation itself: what its users rely on.
@Suite("A simulation")
struct SimulationHarnessTests {
    private static func order(seed: UInt64) -> [Int] {
        let simulation = Simulation(seed: seed)
        let order = Notes<Int>()
        simulation.start {
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<20 { group.addTask { order.add(index) } }
            }
        }
        let ending = simulation.run()
        #expect(ending == .finished)
        return order.all
    }

    @Test("runs what is runnable in an order that follows from the seed")
    func order() {
        let (first, again, other) = (Self.order(seed: 1), Self.order(seed: 1), Self.order(seed: 2))
        #expect(first == again)
        #expect(first != other)
        #expect(first.sorted() == Array(0..<20))
    }

    @Test("moves the clock only when nothing is runnable, and then to the next moment that somebody sleeps for")
    func clock() {
        let simulation = Simulation(seed: 3)
        let time = simulation.time
        let woken = Notes<Duration>()
        let start = time.now
        for seconds in [7, 2, 5] as [Int64] {
            simulation.start {
                do { try await time.sleep(until: start + .seconds(seconds)) } catch { return }
                await Task.yield()
                woken.add(time.now - start)
            }
        }
        var quiet: [Duration] = []
        let ending = simulation.run(whenQuiet: {
            quiet.append(time.now - start)
            return true
        })
        #expect(ending == .finished)
        #expect(woken.all == [.seconds(2), .seconds(5), .seconds(7)])
        #expect(quiet == [.zero, .seconds(2), .seconds(5), .seconds(7)])
    }

    @Test("a day costs no time")
    func day() {
        let simulation = Simulation(seed: 4)
        let time = simulation.time
        simulation.start {
            for _ in 0..<24 {
                do { try await time.sleep(until: time.now + .seconds(3600)) } catch { return }
            }
        }
        let (start, ending) = (time.now, simulation.run())
        #expect(ending == .finished)
        #expect(time.now - start == .seconds(86_400))
    }

    @Test("says how many wait for what never comes")
    func stall() {
        let simulation = Simulation(seed: 5)
        let gate = Gate()
        let stuck = simulation.start { do { try await gate.pass() } catch { return } }
        simulation.start {}
        let ending = simulation.run()
        #expect(ending == .stalled(tasks: 1))
        stuck.cancel()
        let end = simulation.run()
        #expect(end == .finished)
    }

    @Test("notices jobs that follow each other without end")
    func spin() {
        let simulation = Simulation(seed: 8)
        let task = simulation.start { while !Task.isCancelled { await Task.yield() } }
        let ending = simulation.run()
        #expect(ending == .spinning)
        task.cancel()
        let end = simulation.run()
        #expect(end == .finished)
    }

    @Test("notices a job that comes from another thread")
    func stray() {
        let executor = SeededExecutor(seed: 6)
        Task(executorPreference: executor) {}
        #expect(executor.strayJobs == 0)
        runElsewhere { Task(executorPreference: executor) {} }
        #expect(executor.strayJobs == 1)
        while executor.runOne() {}
        #expect(executor.isIdle)
    }

    @Test("stops when a check says so")
    func stop() {
        let simulation = Simulation(seed: 7)
        for _ in 0..<5 { simulation.start {} }
        let ending = simulation.run(afterStep: { simulation.steps < 3 })
        #expect(ending == .stopped)
        #expect(simulation.steps == 3)
        let rest = simulation.run()
        #expect(rest == .finished)
    }

    @Test("a trace's hash tells two runs apart, and the last lines stay to be read")
    func trace() {
        let (one, same, other) = (SimulationTrace(kept: 2), SimulationTrace(kept: 2), SimulationTrace(kept: 2))
        let start = Instant(microseconds: 0)
        for line in ["a", "b", "c"] {
            one.note(start, line)
            same.note(start, line)
            other.note(start, line == "b" ? "B" : line)
        }
        #expect(one.hash == same.hash)
        #expect(one.hash != other.hash)
        #expect(one.lastLines == ["0 b", "0 c"])
        #expect(one.count == 3)
    }
}

/// Runs `body` on a thread of its own, and waits for it.
private func runElsewhere(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    guard code == 0 else { return box.release() }
    pthread_join(thread, nil)
}

private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// What jobs leave behind, in order.
private final class Notes<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])
    func add(_ element: Element) { list.withLock { $0.append(element) } }
    var all: [Element] { list.withLock { $0 } }
}

import CSystem
import Glibc
public import PolluxCore
import Synchronization

/// One thread that waits on one epoll set and runs everything that belongs to it: socket events, timers, and the Swift
/// tasks that prefer it as their executor.
///
/// A task made with `Task(executorPreference: loop)` stays on this thread as long as it calls nonisolated code, so the
/// request path needs neither locks nor thread hops. Nothing on a loop may block.
///
/// The loop must outlive its tasks: the runtime holds executors without a reference.
//
// Unchecked: `inbox` is guarded by its mutex, the counters are atomic, the descriptors never change, and everything
// else is touched by the loop's own thread only (`register`, `schedule` and the like check that).
public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    public let name: String
    /// The clock, read once per round.
    public private(set) var now: Instant

    /// Only in tests: what the timers go by instead of the system's clock.
    let steppedTime: (any SteppedTime)?
    private let epoll: Int32
    private let inbox: LoopInbox
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)
    private var slots: [Slot] = []
    private var timers = TimerHeap()
    /// Beside a stepped clock: what goes by the system's all the same.
    private var systemTimers = TimerHeap()
    /// When the round began, by the system's clock.
    private var roundStart = Instant.monotonicNow
    private var timerSequence: UInt64 = 0
    private var local: [LoopJob] = []
    private var running: [LoopJob] = []
    /// Jobs of the generation at hand that have not begun.
    private var jobsLeft = 0
    private var isStopping = false
    /// The thread runs nothing more.
    private let isOver = Atomic(false)
    private let thread = Mutex<pthread_t?>(nil)
    private let lastRound = Atomic<Int64>(0)
    private let longestRound = Atomic<Int64>(0)

    /// Makes the epoll set; nothing runs before `start()`.
    ///
    /// - Parameter time: A clock that a test moves; `nil` is the system's.
    /// - Throws: `internalError` when the system has no descriptors left.
    public init(name: String, time: (any SteppedTime)? = nil) throws(GatewayError) {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system("cannot make an epoll set") }
        guard let inbox = LoopInbox() else {
            let error = GatewayError.system("cannot make an eventfd")
            close(epoll)
            throw error
        }
        (self.name, self.epoll, self.inbox, steppedTime) = (name, epoll, inbox, time)
        now = time?.now ?? .monotonicNow
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Slot.inboxTag))
        epoll_ctl(epoll, EPOLL_CTL_ADD, inbox.descriptor, &event)
    }

    deinit {
        close(epoll)
        events.deallocate()
    }

    /// Starts the thread.
    ///
    /// - Throws: `internalError` when the system gives no thread.
    public func start() throws(GatewayError) {
        var handle = pthread_t()
        let box = Unmanaged.passRetained(self)
        let code = pthread_create(&handle, nil, runEventLoop, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw .system("cannot start the thread of loop \(name)", code: code)
        }
        thread.withLock { $0 = handle }
        steppedTime?.add(self)
    }

    /// Ends the thread after its current round, and waits for that unless it is called on the loop itself.
    public func stop() {
        steppedTime?.remove(self)
        execute { self.isStopping = true }
        guard !isCurrent, let handle = thread.withLock({ $0.take() }) else { return }
        pthread_join(handle, nil)
    }

    /// The loop whose thread this is.
    public static var current: EventLoop? {
        guard let pointer = csystem_thread_value() else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether this is the loop's own thread.
    public var isCurrent: Bool { csystem_thread_value() == UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// Runs `work` on the loop, in a later round when called on it. From any thread.
    public func execute(_ work: @escaping @Sendable () -> Void) { add(.work(work)) }

    // MARK: Executor

    public func enqueue(_ job: consuming ExecutorJob) { add(.task(UnownedJob(job))) }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    public func checkIsolated() { precondition(isCurrent, "called off the thread of loop \(name)") }

    // MARK: Descriptors

    /// Watches a descriptor. On the loop only.
    ///
    /// - Returns: False when the system refuses, which it does for want of memory.
    @discardableResult
    public func register(_ descriptor: Int32, _ interest: Interest, _ handler: EventHandler) -> Bool {
        checkIsolated()
        guard let index = Int(exactly: descriptor), index >= 0 else { return false }
        while slots.count <= index { slots.append(Slot()) }
        slots[index].generation &+= 1
        slots[index].handler = handler
        slots[index].mask = interest.mask
        // A library may have closed and reopened the number without telling us: then it is new, or still known.
        return control(EPOLL_CTL_ADD, descriptor) || control(EPOLL_CTL_MOD, descriptor)
    }

    /// Changes what a registered descriptor is watched for. On the loop only.
    public func update(_ descriptor: Int32, _ interest: Interest) {
        checkIsolated()
        let index = Int(descriptor)
        guard slots.indices.contains(index), slots[index].handler != nil else { return }
        guard slots[index].mask != interest.mask else { return }
        slots[index].mask = interest.mask
        _ = control(EPOLL_CTL_MOD, descriptor)
    }

    /// Stops watching; events of this round that were not yet delivered are dropped. Before closing the descriptor, and
    /// on the loop only.
    public func unregister(_ descriptor: Int32) {
        checkIsolated()
        let index = Int(descriptor)
        guard slots.indices.contains(index), slots[index].handler != nil else { return }
        slots[index].handler = nil
        slots[index].generation &+= 1
        _ = control(EPOLL_CTL_DEL, descriptor)
    }

    private func control(_ operation: Int32, _ descriptor: Int32) -> Bool {
        let slot = slots[Int(descriptor)]
        let tag = UInt64(slot.generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        var event = epoll_event(events: slot.mask, data: epoll_data_t(u64: tag))
        return epoll_ctl(epoll, operation, descriptor, &event) == 0
    }

    // MARK: Timers

    /// Runs `action` once `deadline` has come, at millisecond precision and never early. On the loop only.
    @discardableResult
    public func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> LoopTimer {
        checkIsolated()
        let timer = makeTimer(deadline, goesBySystem: false, action)
        timers.insert(timer)
        steppedTime?.willWake(at: deadline)
        return timer
    }

    /// As `schedule(at:_:)`, by the system's clock whatever clock the loop has: for what only real sockets need.
    func schedule(atSystem deadline: Instant, _ action: @escaping () -> Void) -> LoopTimer {
        guard steppedTime != nil else { return schedule(at: deadline, action) }
        checkIsolated()
        let timer = makeTimer(deadline, goesBySystem: true, action)
        systemTimers.insert(timer)
        return timer
    }

    private func makeTimer(_ deadline: Instant, goesBySystem: Bool, _ action: @escaping () -> Void) -> LoopTimer {
        timerSequence &+= 1
        return LoopTimer(
            deadline: deadline, sequence: timerSequence, loop: self, goesBySystem: goesBySystem, action: action)
    }

    func remove(_ timer: LoopTimer) {
        checkIsolated()
        if timer.goesBySystem { systemTimers.remove(timer) } else { timers.remove(timer) }
    }

    // MARK: Lag

    /// How long the last round kept the thread, without its waiting. From any thread.
    public var lastRoundMicroseconds: Int64 { lastRound.load(ordering: .relaxed) }

    /// The longest round since the last call. From any thread.
    public func takeLongestRoundMicroseconds() -> Int64 { longestRound.exchange(0, ordering: .relaxed) }
}

// MARK: - The rounds

extension EventLoop {
    /// A descriptor's entry; the generation tells a late event of a closed descriptor from one of its successor.
    fileprivate struct Slot {
        static let inboxTag = UInt64.max

        var handler: EventHandler?
        var generation: UInt32 = 0
        var mask: UInt32 = 0
    }

    /// Jobs may make jobs; after so many generations, or so long, sockets get their turn.
    private static let jobGenerationsPerRound = 32
    private static let jobTimePerRound: Int64 = 1000

    fileprivate func run() {
        csystem_set_thread_value(Unmanaged.passUnretained(self).toOpaque())
        csystem_name_thread(name)
        while !isStopping {
            wait()
            fireTimers()
            runJobs()
            noteRound()
        }
        // What was queued before the end still runs, so that nobody waits for it in vain.
        takeInbox()
        runJobs()
        isOver.store(true, ordering: .releasing)
        csystem_set_thread_value(nil)
    }

    private func wait() {
        let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), waitMilliseconds())
        readClocks()
        guard count > 0 else { return }
        for index in 0..<Int(count) { deliver(events[index]) }
    }

    private func readClocks() {
        roundStart = .monotonicNow
        now = steppedTime?.now ?? roundStart
    }

    private func waitMilliseconds() -> Int32 {
        guard local.isEmpty else { return 0 }
        guard let next = steppedTime == nil ? timers.first : systemTimers.first else { return -1 }
        let microseconds = (next.deadline - .monotonicNow).microseconds
        guard microseconds > 0 else { return 0 }
        return Int32(min((microseconds - 1) / 1000 + 1, 3_600_000))
    }

    private func deliver(_ event: epoll_event) {
        let tag = event.data.u64
        guard tag != Slot.inboxTag else { return takeInbox() }
        let index = Int(UInt32(truncatingIfNeeded: tag))
        guard slots[index].generation == UInt32(truncatingIfNeeded: tag >> 32) else { return }
        slots[index].handler?.handle(Readiness(mask: event.events), on: self)
    }

    private func fireTimers() {
        // Bounded by the round's instant: an action that schedules for `now` again waits one round.
        let newest = timerSequence
        while let timer = timers.popDue(at: now, madeThrough: newest) { fire(timer) }
        while let timer = systemTimers.popDue(at: roundStart, madeThrough: newest) { fire(timer) }
    }

    private func fire(_ timer: LoopTimer) {
        let action = timer.action
        timer.action = nil
        action?()
    }

    private func add(_ job: LoopJob) {
        if isCurrent { local.append(job) } else { inbox.post(job) }
    }

    private func takeInbox() { inbox.drain(into: &local) }

    private func runJobs() {
        let end = roundStart.microseconds &+ Self.jobTimePerRound
        var generations = 0
        while !local.isEmpty, generations < Self.jobGenerationsPerRound {
            if generations > 0, Instant.monotonicNow.microseconds > end { break }
            swap(&local, &running)
            jobsLeft = running.count
            for job in running {
                jobsLeft -= 1
                run(job)
            }
            running.removeAll(keepingCapacity: true)
            generations += 1
        }
    }

    private func run(_ job: LoopJob) {
        switch job {
        case .task(let task):
            // As task executor only: a job that claimed the loop's isolation would be queued again at each `await` of
            // nonisolated code, which has none.
            task.runSynchronously(on: asUnownedTaskExecutor())
        case .work(let work): work()
        }
    }

    private func noteRound() {
        let spent = (Instant.monotonicNow - roundStart).microseconds
        lastRound.store(spent, ordering: .relaxed)
        if spent > longestRound.load(ordering: .relaxed) { longestRound.store(spent, ordering: .relaxed) }
    }
}

// MARK: - A clock that is moved

extension EventLoop: TimeFollower {
    public var nextMoment: Instant? { hop { $0.timers.first?.deadline } ?? nil }

    public func hasTimer(at moment: Instant) -> Bool { hop { $0.timers.contains(moment) } ?? false }

    public func catchUp() {
        _ = hop { loop in
            loop.readClocks()
            loop.fireTimers()
        }
        guard !isCurrent else { return }
        // What the timers queued may queue more.
        while hop({ $0.local.isEmpty && $0.jobsLeft == 0 }) == false {}
    }

    /// Runs `body` on the loop and waits for it. Whoever moves a clock on the loop's own thread waits for nobody.
    ///
    /// - Returns: `nil` when the loop has ended.
    private func hop<Value: Sendable>(_ body: @escaping @Sendable (EventLoop) -> Value) -> Value? {
        if isCurrent { return body(self) }
        let answer = Mailbox<Value>()
        execute { answer.put(body(self)) }
        while !isOver.load(ordering: .acquiring) {
            if let value = answer.take(within: .milliseconds(50)) { return value }
        }
        return answer.take(within: .zero)
    }
}

/// The thread's entry; a free function, because a closure passed to C may be taken for isolated code and trap.
private func runEventLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}

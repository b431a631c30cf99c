import PolluxCore

/// An action that a loop will run once. Belongs to the loop's thread.
public final class LoopTimer {
    let deadline: Instant
    /// Timers of one instant fire in the order they were made.
    let sequence: UInt64
    /// The position in the heap; -1 once fired or cancelled.
    var position = -1
    var action: (() -> Void)?
    let goesBySystem: Bool
    private unowned let loop: EventLoop

    init(
        deadline: Instant, sequence: UInt64, loop: EventLoop, goesBySystem: Bool = false, action: @escaping () -> Void
    ) {
        (self.deadline, self.sequence, self.loop, self.action) = (deadline, sequence, loop, action)
        self.goesBySystem = goesBySystem
    }

    /// Whether the action is still to come.
    public var isPending: Bool { position >= 0 }

    /// Forgets the action. Does nothing once it has run. On the loop's thread only.
    public func cancel() {
        guard isPending else { return }
        loop.remove(self)
        action = nil
    }

    func isBefore(_ other: LoopTimer) -> Bool {
        deadline == other.deadline ? sequence < other.sequence : deadline < other.deadline
    }
}

/// A binary heap of timers, the earliest first. Each timer knows its position, so that cancelling frees it at once:
/// most timers are deadlines that are never reached.
struct TimerHeap {
    private var timers: [LoopTimer] = []

    var count: Int { timers.count }
    var first: LoopTimer? { timers.first }

    func contains(_ deadline: Instant) -> Bool { timers.contains { $0.deadline == deadline } }

    mutating func insert(_ timer: LoopTimer) {
        timer.position = timers.count
        timers.append(timer)
        siftUp(timer.position)
    }

    /// Takes out the earliest timer if its time has come and it was made no later than `newest`.
    mutating func popDue(at now: Instant, madeThrough newest: UInt64 = .max) -> LoopTimer? {
        guard let earliest = timers.first, earliest.deadline <= now, earliest.sequence <= newest else { return nil }
        remove(earliest)
        return earliest
    }

    mutating func remove(_ timer: LoopTimer) {
        let hole = timer.position
        guard timers.indices.contains(hole), timers[hole] === timer else { return }
        timer.position = -1
        let last = timers.removeLast()
        guard last !== timer else { return }
        place(last, at: hole)
        siftUp(hole)
        siftDown(last.position)
    }

    private mutating func place(_ timer: LoopTimer, at index: Int) {
        timers[index] = timer
        timer.position = index
    }

    private mutating func siftUp(_ start: Int) {
        let timer = timers[start]
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard timer.isBefore(timers[parent]) else { break }
            place(timers[parent], at: index)
            index = parent
        }
        place(timer, at: index)
    }

    private mutating func siftDown(_ start: Int) {
        let timer = timers[start]
        var index = start
        while true {
            var child = 2 * index + 1
            guard child < timers.count else { break }
            if child + 1 < timers.count, timers[child + 1].isBefore(timers[child]) { child += 1 }
            guard timers[child].isBefore(timer) else { break }
            place(timers[child], at: index)
            index = child
        }
        place(timer, at: index)
    }
}

import PolluxCore
import Synchronization

/// What the loops of one server share: counters, the limits on connections, and who waits for the end.
final class ServerState: Sendable {
    private let currentLimits: Mutex<HTTPServerLimits>
    /// For the server's life: whoever was counted must be counted out.
    private let exemptsLoopback: Bool
    private let warn: @Sendable (String) -> Void
    private let connections = Atomic<Int>(0)
    private let requests = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)
    private let perSource = Mutex<[PeerAddress.Source: Int]>([:])
    private let nextWarning = Mutex(Instant(microseconds: .min))
    private let waiters = Mutex<[(id: UInt64, continuation: CheckedContinuation<Bool, Never>)]>([])
    private let waiterID = Atomic<UInt64>(0)

    init(limits: HTTPServerLimits, warn: @escaping @Sendable (String) -> Void) {
        currentLimits = Mutex(limits)
        (exemptsLoopback, self.warn) = (limits.exemptsLoopback, warn)
    }

    var limits: HTTPServerLimits { currentLimits.withLock { $0 } }

    func change(_ limits: HTTPServerLimits) { currentLimits.withLock { $0 = limits } }

    var openConnections: Int { connections.load(ordering: .relaxed) }
    var requestsInFlight: Int { requests.load(ordering: .relaxed) }
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func beginDrain() { draining.store(true, ordering: .sequentiallyConsistent) }

    /// Counts a connection, unless there are too many. What was admitted must be released.
    func admit(_ peer: PeerAddress) -> Bool {
        let limits = limits
        guard connections.add(1, ordering: .sequentiallyConsistent).newValue <= limits.maxConnections else {
            connections.subtract(1, ordering: .sequentiallyConsistent)
            return false
        }
        guard isCounted(peer) else { return true }
        let fits = perSource.withLock { counts in
            let count = counts[peer.source, default: 0]
            guard count < limits.maxConnectionsPerIP else { return false }
            counts[peer.source] = count + 1
            return true
        }
        if !fits { connections.subtract(1, ordering: .sequentiallyConsistent) }
        return fits
    }

    func release(_ peer: PeerAddress) {
        if isCounted(peer) {
            perSource.withLock { counts in
                let count = counts[peer.source, default: 1] - 1
                counts[peer.source] = count > 0 ? count : nil
            }
        }
        connections.subtract(1, ordering: .sequentiallyConsistent)
        resumeWaitersIfIdle()
    }

    func requestBegan() { requests.add(1, ordering: .relaxed) }

    func requestEnded() {
        requests.subtract(1, ordering: .sequentiallyConsistent)
        resumeWaitersIfIdle()
    }

    /// At most once a minute: what needs this says the same thing again and again.
    func warnRarely(_ message: @autoclosure () -> String, now: Instant) {
        let isDue = nextWarning.withLock { next in
            guard now >= next else { return false }
            next = now + .seconds(60)
            return true
        }
        if isDue { warn(message()) }
    }

    private func isCounted(_ peer: PeerAddress) -> Bool { !(exemptsLoopback && peer.isLoopback) }

    // MARK: Waiting for the end

    func addWaiter(_ continuation: CheckedContinuation<Bool, Never>) -> UInt64 {
        let id = waiterID.add(1, ordering: .relaxed).newValue
        waiters.withLock { $0.append((id, continuation)) }
        resumeWaitersIfIdle()
        return id
    }

    func expireWaiter(_ id: UInt64) {
        let expired = waiters.withLock { waiters in
            waiters.firstIndex { $0.id == id }.map { waiters.remove(at: $0).continuation }
        }
        expired?.resume(returning: false)
    }

    private func resumeWaitersIfIdle() {
        guard isDraining, connections.load(ordering: .sequentiallyConsistent) == 0,
            requests.load(ordering: .sequentiallyConsistent) == 0
        else { return }
        let idle = waiters.withLock { waiters in
            defer { waiters = [] }
            return waiters
        }
        for waiter in idle { waiter.continuation.resume(returning: true) }
    }
}

import Glibc
public import PolluxCore
import PolluxTransport
import Synchronization

/// The end that SIGTERM or SIGINT asks for, for programs without a gateway.
public enum Termination {
    /// Suspends until the first signal; call it once.
    public static func wait() async throws(GatewayError) {
        ProcessSetup.ignoreBrokenPipes()
        await (try SignalWaiter()).first()
    }
}

/// Turns SIGTERM and SIGINT into something a task can await. One for a process.
///
/// The signals have a handler and are not merely blocked: the runtime's own threads exist before any code of ours, keep
/// their signals unblocked, and would end the process in the default way.
final class SignalWaiter: Sendable {
    private struct Guarded {
        var received = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(Guarded())

    init() throws(GatewayError) {
        _ = arrivedSignals
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in sem_post(arrivedSignals) }
        action.sa_flags = Int32(SA_RESTART)
        for number in [SIGTERM, SIGINT] {
            guard sigaction(number, &action, nil) == 0 else {
                throw GatewayError(.internalError, .request, "cannot watch for signal \(number)")
            }
        }
        var thread = pthread_t()
        guard pthread_create(&thread, nil, waitForSignals, Unmanaged.passRetained(self).toOpaque()) == 0 else {
            throw GatewayError(.internalError, .request, "cannot start the thread that waits for signals")
        }
        pthread_detach(thread)
    }

    /// Suspends until the first signal.
    func first() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.received == 0 { state.waiter = continuation }
                return state.received > 0
            }
            if isOver { continuation.resume() }
        }
    }

    fileprivate func run() {
        while true {
            guard sem_wait(arrivedSignals) == 0 else { continue }
            let (count, waiter) = state.withLock { state in
                state.received += 1
                defer { state.waiter = nil }
                return (state.received, state.waiter)
            }
            // Whoever asks twice does not want to wait for the drain.
            if count > 1 { _exit(2) }
            waiter?.resume()
        }
    }
}

/// Counts signals from their handler to the waiting thread: `sem_post` is among the few calls a handler may make.
/// Made by `SignalWaiter.init`, before a handler can run, and never freed.
nonisolated(unsafe) private let arrivedSignals: UnsafeMutablePointer<sem_t> = {
    let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(semaphore, 0, 0)
    return semaphore
}()

/// A free function: a closure made on the main actor would trap when another thread calls it.
private func waitForSignals(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<SignalWaiter>.fromOpaque(argument).takeUnretainedValue().run()
    return nil
}

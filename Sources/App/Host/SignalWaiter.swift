import Glibc
public import PolluxCore
import PolluxTransport
import Synchronization

/// The end that SIGTERM or SIGINT asks for, for programs without a gateway.
public enum Termination {
    /// Suspends until the first signal; call it once.
    public static func wait() async throws(GatewayError) {
        ProcessSetup.ignoreBrokenPipes()
        _ = await (try SignalWaiter(for: [SIGTERM, SIGINT])).next()
    }
}

/// Turns SIGTERM, SIGINT and SIGHUP into something a task can await. One for a process.
///
/// The signals have a handler and are not merely blocked: the runtime's own threads exist before any code of ours, keep
/// their signals unblocked, and would end the process in the default way.
final class SignalWaiter: Sendable {
    enum Wish: Sendable { case end, reload }

    private struct Guarded {
        var ends = 0
        var wantsReload = false
        var waiter: CheckedContinuation<Wish, Never>?
        var lastWill: (@Sendable () -> Void)?
    }

    private let state = Mutex(Guarded())

    init(for signals: [Int32] = [SIGTERM, SIGINT, SIGHUP]) throws(GatewayError) {
        guard signalPipe.read >= 0 else { throw .system("cannot make a pipe for signals") }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = noteSignal
        action.sa_flags = Int32(SA_RESTART)
        for number in signals {
            guard sigaction(number, &action, nil) == 0 else { throw .system("cannot watch for signal \(number)") }
        }
        var thread = pthread_t()
        guard pthread_create(&thread, nil, waitForSignals, Unmanaged.passRetained(self).toOpaque()) == 0 else {
            throw .system("cannot start the thread that waits for signals")
        }
        pthread_detach(thread)
    }

    /// Runs before a second signal ends the process. Must not take long.
    func beforeForcedEnd(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.lastWill = action } }

    /// Suspends until a signal asks for something. Several SIGHUP that nobody waited for are one wish. For one task.
    func next() async -> Wish {
        await withCheckedContinuation { continuation in
            let wish = state.withLock { state -> Wish? in
                if state.ends > 0 { return .end }
                if state.wantsReload {
                    state.wantsReload = false
                    return .reload
                }
                state.waiter = continuation
                return nil
            }
            if let wish { continuation.resume(returning: wish) }
        }
    }

    fileprivate func run() {
        while true {
            var number: UInt8 = 0
            guard read(signalPipe.read, &number, 1) == 1 else { continue }
            if Int32(number) == SIGHUP { askForReload() } else { askForEnd() }
        }
    }

    private func askForReload() {
        let waiter = state.withLock { state in
            if state.waiter == nil { state.wantsReload = true }
            return state.waiter.take()
        }
        waiter?.resume(returning: .reload)
    }

    private func askForEnd() {
        let (count, waiter, lastWill) = state.withLock { state in
            state.ends += 1
            return (state.ends, state.waiter.take(), state.lastWill)
        }
        // Whoever asks twice does not want to wait for the drain.
        if count > 1 {
            lastWill?()
            _exit(2)
        }
        waiter?.resume(returning: .end)
    }
}

/// Carries the numbers of signals from their handler to the waiting thread. Made before a handler can run, and never
/// closed.
private let signalPipe: (read: Int32, write: Int32) = {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return (-1, -1) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // A handler must not block; with 64 KiB of signals unread, one more says nothing new.
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    return (ends[0], ends[1])
}()

/// The handler: `write` is among the few calls it may make.
private func noteSignal(_ number: Int32) {
    let saved = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(signalPipe.write, &byte, 1)
    errno = saved
}

/// A free function: a closure made on the main actor would trap when another thread calls it.
private func waitForSignals(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<SignalWaiter>.fromOpaque(argument).takeUnretainedValue().run()
    return nil
}

extension GatewayError {
    fileprivate static func system(_ what: String) -> GatewayError {
        GatewayError(.internalError, .request, what)
    }
}

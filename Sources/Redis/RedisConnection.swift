internal import Glibc
public import PolluxCore
internal import Synchronization

/// One connection to Redis, on a thread of its own: nothing of it ever blocks a loop.
///
/// Commands of all requests go out as they come (pipelined) and are answered in order. Each has `timeout`; when it
/// passes, the connection is given up, since a late reply would be taken for the next one's. While there is none,
/// commands fail at once: nobody waits for a reconnection. After five failures in a row nothing is sent for five
/// seconds.
public final class RedisConnection: Sendable {
    typealias Completion = @Sendable (Result<RedisReply, RedisFailure>) -> Void

    struct Command: Sendable {
        var arguments: [[UInt8]]
        /// On the system's monotonic clock, in microseconds.
        var deadline: Int64
        var completion: Completion
    }

    struct State: Sendable {
        /// Who wants the connection; the thread ends with the last one.
        var users = 0
        var isRunning = false
        var isReady = false
        var isWoken = false
        var hasSpoken = false
        /// Why there is no connection; `nil` while there is one, and before the first try.
        var complaint: String?
        var queue: [Command] = []
        var breaker = RedisBreaker()
    }

    let address: RedisAddress
    let scripts: [RedisScript]
    let log: Logger
    /// Called once.
    let firstOutcome: @Sendable () -> Void
    let state = Mutex(State())
    /// Wakes the thread: the end that is read, and the one that is written.
    let wakeRead: Int32
    private let wakeWrite: Int32
    private let timeout: Int64

    static let mostQueued = 10_000

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - scripts: Loaded whenever the connection opens.
    ///   - timeout: For one command; real time, since it is a socket's.
    ///   - firstOutcome: Called once, when the connection has come about, or has failed, for the first time.
    /// - Throws: `internalError` when the process has no descriptors left.
    public init(
        _ address: RedisAddress, scripts: [RedisScript], timeout: Duration = .milliseconds(50), log: Logger,
        firstOutcome: @escaping @Sendable () -> Void = {}
    ) throws(GatewayError) {
        (self.address, self.scripts, self.log) = (address, scripts, log)
        self.firstOutcome = firstOutcome
        self.timeout = max(1000, timeout.microseconds)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw GatewayError(.internalError, .request, "no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (wakeRead, wakeWrite) = (ends[0], ends[1])
    }

    deinit {
        close(wakeRead)
        close(wakeWrite)
    }

    /// Connects, and connects again whenever the connection is lost, until `stop` was called as often as this.
    ///
    /// - Throws: `internalError` when the system gives no thread.
    public func start() throws(GatewayError) {
        let mustSpawn = state.withLock { state in
            state.users += 1
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustSpawn else { return }
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        let code = pthread_create(&thread, nil, runRedisThread, me.toOpaque())
        guard code == 0 else {
            me.release()
            state.withLock { ($0.users, $0.isRunning) = ($0.users - 1, false) }
            throw GatewayError(
                .internalError, .request, "no thread for Redis: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    public func stop() {
        state.withLock { $0.users = max(0, $0.users - 1) }
        wake()
    }

    public var isReady: Bool { state.withLock { $0.isReady } }

    /// Where it leads, without its password.
    public var shownAddress: String { address.shown }

    /// Why there is no connection, as far as is known.
    public var complaint: String? { state.withLock { $0.complaint } }

    /// Sends a command and waits for its reply.
    public func send(_ arguments: [String]) async -> Result<RedisReply, RedisFailure> {
        await withCheckedContinuation { continuation in
            send(arguments.map { Array($0.utf8) }) { continuation.resume(returning: $0) }
        }
    }

    /// - Parameter completion: Called once, on the connection's thread or at once.
    func send(_ arguments: [[UInt8]], completion: @escaping Completion) {
        let now = Self.now
        let command = Command(arguments: arguments, deadline: now &+ timeout, completion: completion)
        let (failure, mustWake) = state.withLock { state -> (RedisFailure?, Bool) in
            if state.breaker.isOpen(now) { return (.resting, false) }
            guard state.isReady else { return (.notConnected, false) }
            guard state.queue.count < Self.mostQueued else { return (.overloaded, false) }
            state.queue.append(command)
            defer { state.isWoken = true }
            return (nil, !state.isWoken)
        }
        if let failure { return completion(.failure(failure)) }
        if mustWake { wake() }
    }

    func speak() {
        let isFirst = state.withLock { state in
            defer { state.hasSpoken = true }
            return !state.hasSpoken
        }
        if isFirst { firstOutcome() }
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeWrite, &byte, 1)
    }

    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000
    }
}

/// A free function: a closure could inherit an isolation that another thread breaks.
private func runRedisThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let connection = Unmanaged<RedisConnection>.fromOpaque(argument).takeRetainedValue()
    RedisThread(connection).run()
    return nil
}

internal import Glibc
internal import PolluxCore
internal import Synchronization

/// What the thread of a connection does: connect, send, read, and mind deadlines.
///
/// Everything here belongs to that thread; what others touch is behind the connection's mutex.
final class RedisThread {
    private let connection: RedisConnection
    private var socket: RedisSocket?
    private var isConnected = false
    /// Sent, or about to be: their replies come in this order.
    private var inFlight: [RedisConnection.Command] = []
    private var firstInFlight = 0
    private var nextTry: Int64 = .min
    private var pause: Int64 = RedisThread.firstPause
    /// Until when the connection must stand; nobody waits for it.
    private var openingUntil: Int64 = .max
    private var lastComplaint = ""

    private static let firstPause: Int64 = 50_000
    private static let longestPause: Int64 = 2_000_000
    private static let openingTime: Int64 = 1_000_000

    init(_ connection: RedisConnection) { self.connection = connection }

    func run() {
        blockBrokenPipes()
        repeat {
            while connection.state.withLock({ $0.users > 0 }) { turn() }
            lose(.connectionLost("the gateway closes it"), isOwnWish: true)
            nextTry = .min
        } while !ended()
    }

    private func turn() {
        if socket == nil, RedisConnection.now >= nextTry { open() }
        wait()
        takeQueue()
        exchange()
        let now = RedisConnection.now
        if let first = front, now >= first.deadline {
            lose(.timedOut)
        } else if socket != nil, now >= openingUntil {
            lose(.connectionLost("it does not come about"))
        }
    }

    /// Whoever wants the connection after this starts another thread.
    private func ended() -> Bool {
        connection.state.withLock { state in
            if state.users == 0 { state.isRunning = false }
            return state.users == 0
        }
    }

    // MARK: Opening

    private func open() {
        do throws(RedisFailure) {
            socket = try RedisSocket(connection.address.place)
            openingUntil = RedisConnection.now &+ Self.openingTime
        } catch {
            lose(error)
        }
    }

    private func greet() {
        let greeting = RedisGreeting(connection.address, connection.scripts)
        self.greeting = greeting
        for step in greeting.steps {
            push(
                RedisConnection.Command(arguments: step.arguments, deadline: openingUntil) {
                    greeting.take($0, for: step)
                })
        }
    }

    private var greeting: RedisGreeting?

    private func finishGreeting() throws(RedisFailure) {
        guard let greeting, greeting.isOver else { return }
        self.greeting = nil
        if let complaint = greeting.complaint { throw .connectionLost(complaint) }
        (pause, openingUntil) = (Self.firstPause, .max)
        lastComplaint = ""
        connection.state.withLock { ($0.isReady, $0.complaint) = (true, nil) }
        connection.speak()
        connection.log.info("connected to Redis", [LogField("address", connection.address.shown)])
    }

    // MARK: Talking

    private func wait() {
        var wanted = [pollfd(fd: connection.wakeRead, events: Int16(POLLIN), revents: 0)]
        if let socket {
            let events = isConnected && !socket.hasOutput ? POLLIN : POLLIN | POLLOUT
            wanted.append(pollfd(fd: socket.descriptor, events: Int16(events), revents: 0))
        }
        var until = socket == nil ? nextTry : openingUntil
        if let first = front { until = min(until, first.deadline) }
        let left = until == .max ? 60_000_000 : max(0, min(until &- RedisConnection.now, 60_000_000))
        poll(&wanted, nfds_t(wanted.count), Int32((left + 999) / 1000))
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(connection.wakeRead, &bytes, bytes.count) > 0 {}
        isReadable = wanted.count == 2 && wanted[1].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0
        isWritable = wanted.count == 2 && wanted[1].revents & Int16(POLLOUT | POLLHUP | POLLERR) != 0
    }

    private var isReadable = false
    private var isWritable = false

    private func takeQueue() {
        let commands = connection.state.withLock { state in
            defer { (state.queue, state.isWoken) = ([], false) }
            return state.queue
        }
        for command in commands { push(command) }
    }

    private func push(_ command: RedisConnection.Command) {
        guard let socket else { return command.completion(.failure(.notConnected)) }
        inFlight.append(command)
        do throws(RedisFailure) { try socket.append(command.arguments) } catch { lose(error) }
    }

    private func exchange() {
        guard let socket else { return }
        do throws(RedisFailure) {
            if !isConnected {
                guard isWritable else { return }
                try socket.checkConnected()
                isConnected = true
                greet()
            }
            if socket.hasOutput { try socket.write() }
            if isReadable { try socket.read() }
            while let reply = try socket.nextReply() { try answer(reply) }
            try finishGreeting()
        } catch {
            lose(error)
        }
    }

    private var front: RedisConnection.Command? {
        firstInFlight < inFlight.count ? inFlight[firstInFlight] : nil
    }

    private func answer(_ reply: RedisReply) throws(RedisFailure) {
        guard let command = front else { throw .malformed }
        firstInFlight += 1
        if firstInFlight == inFlight.count || firstInFlight > 1024 {
            inFlight.removeFirst(firstInFlight)
            firstInFlight = 0
        }
        note(reply)
        command.completion(.success(reply))
    }

    /// A refusal is a failure, too: a server that has no memory or is a replica helps nobody. One that has forgotten a
    /// script, or rejects an argument, is well.
    private func note(_ reply: RedisReply) {
        guard connection.isReady else { return }
        var isFailure = false
        if case .error(let words) = reply {
            let ofServer = ["OOM", "LOADING", "READONLY", "MISCONF", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "NOAUTH"]
            isFailure = ofServer.contains { words.hasPrefix($0) }
        }
        let now = RedisConnection.now
        connection.state.withLock { isFailure ? $0.breaker.fail(now) : $0.breaker.succeed() }
    }

    // MARK: Losing it

    /// Gives up the connection: everything that waits has failed, and the next try comes after a pause.
    private func lose(_ failure: RedisFailure, isOwnWish: Bool = false) {
        socket = nil
        (isConnected, greeting, isReadable, isWritable) = (false, nil, false, false)
        openingUntil = .max
        let now = RedisConnection.now
        nextTry = now &+ pause
        pause = min(pause * 2, Self.longestPause)
        let sent = Array(inFlight[firstInFlight...])
        (inFlight, firstInFlight) = ([], 0)
        let queued = connection.state.withLock { state in
            // Nobody has waited for a connection that did not come about.
            if state.isReady, !isOwnWish, !sent.isEmpty { state.breaker.fail(now) }
            (state.isReady, state.complaint) = (false, failure.description)
            defer { state.queue = [] }
            return state.queue
        }
        let failed = sent + queued
        for command in failed { command.completion(.failure(failure)) }
        connection.speak()
        guard !isOwnWish, lastComplaint != failure.description else { return }
        lastComplaint = failure.description
        connection.log.warning(
            "no Redis",
            [LogField("address", connection.address.shown), LogField("message", failure.description)])
    }

    /// A write to a connection that Redis has closed must not end the process.
    private func blockBrokenPipes() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

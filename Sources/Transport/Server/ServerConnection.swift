import CSystem
import Glibc
import PolluxCore

/// One client connection: a state machine driven by its socket's events and by the exchange of the running request.
//
// Unchecked: touched on its loop's thread only.
final class ServerConnection: EventHandler, @unchecked Sendable {
    enum Phase {
        /// No byte of the next request has come.
        case idle
        /// Part of a head has come.
        case head
        /// A handler runs.
        case serving
        /// The request is answered; the rest of its small body is read and dropped.
        case discarding
        /// Nothing more will be said; what waits is still being sent.
        case closing
        /// All is said and our side is shut; input is dropped so that no reset overtakes the answer.
        case lingering
        case closed
    }

    let worker: ServerWorker
    let peer: PeerAddress
    /// Counted against the limits; the others are only told to come back later.
    let isAdmitted: Bool
    var listIndex = 0

    let descriptor: Int32
    var phase = Phase.idle
    var parser: HTTPRequestParser
    var inbound = InboundBuffer()
    var output = OutputQueue()
    var exchange: ServerExchange?
    /// Of an answered request's body, still to come.
    var toDiscard = 0
    /// Read and dropped since the connection began to close.
    var dropped = 0
    /// Input may be left when all is said, so closing must be gentle.
    var leavesInput = false
    /// The answer was broken off in a form whose proper end is the connection's end: only a reset shows the cut.
    var resetsAtEnd = false

    private var task: Task<Void, Never>?
    private var requestCount = 0
    private var interest: EventLoop.Interest = .read
    private lazy var deadline = MovingDeadline(loop) { [unowned self] in didPassDeadline() }
    private lazy var writeDeadline = MovingDeadline(loop) { [unowned self] in didStall() }

    static let lingerBytes = 256 << 10
    private static let lingerTime: Duration = .seconds(1)
    /// An unread body up to this size is read for the connection's sake; a larger one is not worth it.
    static let discardableBytes = 64 << 10

    init(_ worker: ServerWorker, _ descriptor: Int32, _ peer: PeerAddress, isAdmitted: Bool) {
        (self.worker, self.descriptor, self.peer, self.isAdmitted) = (worker, descriptor, peer, isAdmitted)
        parser = HTTPRequestParser(limits: worker.parserLimits)
    }

    var loop: EventLoop { worker.loop }
    var limits: HTTPServerLimits { worker.limits }

    func start() { setDeadline(after: limits.idleTimeout) }

    override func handle(_ readiness: EventLoop.Readiness, on loop: EventLoop) {
        if readiness.contains(.writable) { flush() }
        switch phase {
        case .closed: break
        // Half-closing clients are not served (requirement R-1): whoever closes does not want the answer.
        case .serving where !readiness.isDisjoint(with: [.peerClosed, .failed]): clientGone()
        default: if !readiness.isDisjoint(with: [.readable, .peerClosed, .failed]) { receive() }
        }
    }

    // MARK: Requests

    func begin(_ start: RequestStart) {
        deadline.clear()
        let method = start.head.method.rawValue
        guard method != "TRACE", method != "CONNECT" else {
            let error = GatewayError(.methodNotAllowed, .request, "the method \(method) is not served")
            return refuse(error, fields: ["allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"])
        }
        requestCount += 1
        let closes = !start.keepsAlive || requestCount >= limits.maxRequestsPerConnection
        let exchange = ServerExchange(self, start, closes: closes)
        self.exchange = exchange
        phase = .serving
        worker.state.requestBegan()
        task = Task(executorPreference: loop) { [handler = worker.handler] in
            await handler.handle(exchange)
            exchange.connection.didReturn(exchange)
        }
    }

    /// The handler has returned: whatever it left undone is settled, and the next request may come.
    private func didReturn(_ ended: ServerExchange) {
        ended.stopTimers()
        task = nil
        exchange = nil
        defer { worker.state.requestEnded() }
        guard phase == .serving else { return }
        switch ended.response {
        case .none:
            refuse(
                GatewayError(.internalError, .request, "the gateway did not answer; its log says why"),
                isHead: ended.isHead)
        case .streaming: abort(resets: ended.isCloseDelimited)
        case .complete where ended.closes:
            leavesInput = !ended.body.isComplete || !inbound.isEmpty
            finishOutput()
        case .complete: proceed(afterBody: ended.body)
        }
    }

    private func proceed(afterBody body: RequestBody) {
        toDiscard = body.isComplete ? 0 : body.remaining ?? 0
        let count = min(toDiscard, inbound.count)
        inbound.consume(count)
        toDiscard -= count
        guard toDiscard > 0 else { return awaitRequest() }
        phase = .discarding
        setDeadline(after: limits.bodyDuration(toDiscard))
        updateInterest()
    }

    func awaitRequest() {
        phase = .idle
        parser = HTTPRequestParser(limits: worker.parserLimits)
        guard !worker.state.isDraining else {
            leavesInput = !inbound.isEmpty
            return finishOutput()
        }
        if inbound.isEmpty { setDeadline(after: limits.idleTimeout) } else { parseBuffered() }
        updateInterest()
    }

    /// Answers what never became a request, and closes.
    ///
    /// - Parameter fields: Added to the handler's answer unless it has them.
    func refuse(_ error: GatewayError, fields: HTTPFields = [:], isHead: Bool = false) {
        var answer = worker.handler.answer(for: error)
        for field in fields where answer.head.fields[field.name] == nil {
            answer.head.fields.append(field.name, field.value)
        }
        send(answer, minorVersion: 1, closes: true, isHead: isHead)
        guard phase != .closed else { return }
        leavesInput = true
        finishOutput()
    }

    func cancelRequest() { task?.cancel() }

    // MARK: Closing

    /// The peer has closed, reset, or stopped reading. No abort once the whole answer was handed over.
    func clientGone() {
        let isServed = exchange.map { $0.response == .complete } ?? true
        let wasSent = isServed && output.isEmpty
        close()
        guard let exchange else { return }
        if !wasSent { task?.cancel() }
        exchange.didClose()
    }

    /// Ends the answer before its end.
    func abort(resets: Bool) {
        resetsAtEnd = resets
        leavesInput = false
        finishOutput()
    }

    /// Closes once everything was sent.
    func finishOutput() {
        phase = .closing
        deadline.clear()
        if output.isEmpty { endOutput() } else { updateInterest() }
    }

    func endOutput() {
        if resetsAtEnd { resetOnClose() }
        guard leavesInput, !resetsAtEnd else { return close() }
        shutdown(descriptor, Int32(SHUT_WR))
        phase = .lingering
        inbound.clear()
        setDeadline(after: Self.lingerTime)
        updateInterest()
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        deadline.cancel()
        writeDeadline.cancel()
        output.clear()
        inbound.clear()
        loop.unregister(descriptor)
        Glibc.close(descriptor)
        worker.didClose(self)
    }

    /// Makes the coming `close` a reset, which also frees what the kernel still holds for the peer.
    private func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    // MARK: Deadlines and interest

    func setDeadline(after duration: Duration) { deadline.set(loop.now + duration) }

    func setBodyDeadline(_ instant: Instant) { deadline.set(instant) }

    func clearDeadline() { deadline.clear() }

    func setWriteDeadline() { writeDeadline.set(loop.now + limits.writeTimeout) }

    func clearWriteDeadline() { writeDeadline.clear() }

    private func didPassDeadline() {
        switch phase {
        case .head: refuse(GatewayError(.requestTimeout, .request, "the request's headers did not arrive in time"))
        case .serving: exchange?.bodyDidTimeOut()
        case .idle, .discarding, .lingering: close()
        case .closing, .closed: break
        }
    }

    private func didStall() {
        resetOnClose()
        clientGone()
    }

    func updateInterest() {
        guard phase != .closed else { return }
        var wanted: EventLoop.Interest = wantsInput ? .read : .hangup
        if !output.isEmpty { wanted.insert(.write) }
        guard wanted != interest else { return }
        interest = wanted
        loop.update(descriptor, wanted)
    }

    private var wantsInput: Bool {
        switch phase {
        case .serving: exchange?.isReadingBody == true || inbound.count < limits.pipelinedBytes
        case .closing: dropped <= Self.lingerBytes
        case .idle, .head, .discarding, .lingering, .closed: true
        }
    }
}

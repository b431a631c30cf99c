import PolluxCore

/// One request and its answer, for the handler.
//
// Unchecked: touched on the connection's loop only, which every method that a handler calls checks.
final class ServerExchange: HTTPExchange, @unchecked Sendable {
    enum Response: Equatable { case none, streaming, complete }

    let head: HTTPRequestHead
    let connection: ServerConnection
    var body: RequestBody
    private(set) var response = Response.none
    /// The connection ends after this answer.
    private(set) var closes: Bool
    private(set) var isReadingBody = false

    private let expectsContinue: Bool
    private var bodyError: GatewayError?
    private var bodyStart = Instant.distantFuture
    /// Where the handler waits for its body, and for room to write; made when first needed.
    private var bodyWaiter: LoopWaiter?
    private var roomWaiter: LoopWaiter?
    /// Written since the writer last let others have the loop.
    private var burst = 0
    private static let largestBurst = 256 << 10

    /// How the stream is framed: chunks, bytes up to a length or to the connection's end, or not at all for HEAD, 204
    /// and 304.
    private enum StreamFraming { case chunked, counted, closeDelimited, bodiless }
    private var streamFraming = StreamFraming.chunked
    /// What a counted stream still owes.
    private var owed = 0
    /// The commit clock has started the stream; the handler does not know yet.
    private var wasStartedByClock = false
    private var lastWrite = Instant.distantFuture
    private var commitTimer: LoopTimer?
    private var keepAliveTimer: LoopTimer?
    private var expiryTimer: LoopTimer?
    private(set) var isExpired = false

    init(_ connection: ServerConnection, _ start: RequestStart, closes: Bool) {
        (self.connection, self.closes, head) = (connection, closes, start.head)
        body = RequestBody(start.framing, limit: connection.limits.maxBodyBytes)
        expectsContinue = start.expectsContinue
    }

    var peerAddress: String { connection.peer.text }
    var declaredBodyLength: Int? { body.declaredLength }
    var isCommitted: Bool { response != .none }
    var isHead: Bool { head.method == .head }
    var isCloseDelimited: Bool { response == .streaming && streamFraming == .closeDelimited }

    private var loop: EventLoop { connection.loop }
    private var isOpen: Bool { connection.phase == .serving }

    // MARK: Reading

    func readBody() async throws(GatewayError) -> [UInt8] {
        try checkUse()
        if body.isComplete { return body.takeAll() }
        guard !body.isDeclaredTooLarge else {
            closes = true
            throw body.tooLarge
        }
        isReadingBody = true
        bodyStart = loop.exactNow
        connection.feedBody(of: self)
        if isReadingBody { try await awaitBody() }
        if let bodyError { throw bodyError }
        return body.takeAll()
    }

    private func awaitBody() async throws(GatewayError) {
        if awaitsContinue { sendContinue() }
        connection.setDeadline(after: connection.limits.bodyDuration(body.declaredLength ?? body.bytes.count))
        connection.updateInterest()
        let waiter = LoopWaiter(loop)
        bodyWaiter = waiter
        guard await waiter.wait(while: { isReadingBody && isOpen }), isOpen else {
            endReading(nil)
            closes = true
            throw .cancelled
        }
    }

    /// The client may hold back the body until it is asked for it.
    private var awaitsContinue: Bool { expectsContinue && body.bytes.isEmpty && !body.isComplete }

    private func sendContinue() {
        var bytes = connection.worker.takeScratch()
        bytes.append(literal: "HTTP/1.1 100 Continue\r\n\r\n")
        connection.transmit(bytes, [], "")
    }

    /// - Returns: How many of the bytes belong to the body.
    func takeBody(_ bytes: Span<UInt8>) -> Int {
        do throws(GatewayError) {
            let used = try body.take(bytes)
            if body.isComplete {
                endReading(nil)
            } else if isReadingBody, body.declaredLength == nil {
                // What has come earns a chunked body more time, counted from the start: a drip earns nothing.
                connection.setBodyDeadline(bodyStart + connection.limits.bodyDuration(body.bytes.count))
            }
            return used
        } catch {
            endReading(error)
            return bytes.count
        }
    }

    func bodyDidTimeOut() {
        endReading(GatewayError(.requestTimeout, .request, "the request body did not arrive in time"))
    }

    private func endReading(_ error: GatewayError?) {
        if let error {
            bodyError = error
            closes = true
        }
        guard isReadingBody else { return }
        isReadingBody = false
        connection.clearDeadline()
        bodyWaiter?.resume(true)
    }

    // MARK: Answering

    func respond(_ answer: HTTPAnswer) async throws(GatewayError) {
        try checkUse()
        try checkStart(answer.head)
        settleClosing()
        stopTimers()
        response = .complete
        connection.send(answer, minorVersion: head.minorVersion, closes: closes, isHead: isHead)
        try await awaitRoom(after: answer.body.count)
    }

    func startStream(_ head: HTTPResponseHead, firstBytes: [UInt8]) async throws(GatewayError) {
        try checkUse()
        if wasStartedByClock {
            wasStartedByClock = false
            return try await write(firstBytes)
        }
        try checkStart(head)
        beginStream(head, firstBytes)
        try await awaitRoom(after: firstBytes.count)
    }

    private func beginStream(_ responseHead: HTTPResponseHead, _ firstBytes: [UInt8]) {
        settleClosing()
        commitTimer?.cancel()
        commitTimer = nil
        response = .streaming
        lastWrite = loop.exactNow
        let isBodiless = isHead || responseHead.forbidsBody
        let length = responseHead.forbidsBody ? nil : responseHead.bodyLength
        owed = length ?? 0
        streamFraming =
            isBodiless
            ? .bodiless : length != nil ? .counted : head.minorVersion == 0 ? .closeDelimited : .chunked
        if streamFraming == .closeDelimited { closes = true }
        var bytes = connection.worker.takeScratch()
        let saysChunked = head.minorVersion == 1 && !responseHead.forbidsBody
        ResponseHeadWriter(minorVersion: head.minorVersion, closes: closes, dateLine: connection.worker.dateLine)
            .write(responseHead, length.map { .length($0) } ?? (saysChunked ? .chunked : .unframed), to: &bytes)
        sendPiece(bytes, firstBytes)
    }

    func write(_ bytes: [UInt8]) async throws(GatewayError) {
        try checkUse()
        guard response == .streaming else { throw .misuse("write outside of a stream") }
        sendPiece(connection.worker.takeScratch(), bytes)
        try await awaitRoom(after: bytes.count)
    }

    func finishStream(lastBytes: [UInt8]) async throws(GatewayError) {
        try checkUse()
        guard response == .streaming else { throw .misuse("finishStream outside of a stream") }
        stopTimers()
        response = .complete
        var bytes = connection.worker.takeScratch()
        switch streamFraming {
        case .bodiless: return
        case .closeDelimited: connection.transmit(bytes, lastBytes, "")
        case .counted:
            sendPiece(bytes, lastBytes)
            guard owed == 0 else {
                // The client waits for bytes that will not come.
                connection.abort(resets: false)
                throw .misuse("a stream ended \(owed) bytes before its length")
            }
        case .chunked where lastBytes.isEmpty:
            bytes.append(literal: "0\r\n\r\n")
            connection.transmit(bytes, [], "")
        case .chunked:
            bytes.append(chunkSize: lastBytes.count)
            connection.transmit(bytes, lastBytes, "\r\n0\r\n\r\n")
        }
        guard isOpen else { throw .cancelled }
    }

    func abortStream() {
        onLoop { [self] in
            guard isOpen, response != .complete else { return }
            stopTimers()
            connection.abort(resets: isCloseDelimited)
        }
    }

    /// Sends a piece of the stream behind `bytes`, in one system call.
    private func sendPiece(_ bytes: consuming [UInt8], _ piece: [UInt8]) {
        lastWrite = loop.exactNow
        var bytes = bytes
        switch streamFraming {
        case .chunked where !piece.isEmpty:
            bytes.append(chunkSize: piece.count)
            connection.transmit(bytes, piece, "\r\n")
        case .closeDelimited: connection.transmit(bytes, piece, "")
        case .counted:
            // More than was announced would be read as the next answer.
            let piece = piece.count > owed ? Array(piece.prefix(owed)) : piece
            owed -= piece.count
            connection.transmit(bytes, piece, "")
        case .chunked, .bodiless: connection.transmit(bytes, [], "")
        }
    }

    // MARK: Timers

    func commitLater(_ head: HTTPResponseHead, firstBytes: [UInt8], after delay: Duration) {
        onLoop { [self] in
            guard isOpen, response == .none else { return }
            commitTimer?.cancel()
            commitTimer = loop.schedule(at: loop.exactNow + delay) { [unowned self] in
                commitTimer = nil
                guard isOpen, response == .none else { return }
                wasStartedByClock = true
                beginStream(head, firstBytes)
            }
        }
    }

    func commitNoLonger() {
        onLoop { [self] in
            commitTimer?.cancel()
            commitTimer = nil
        }
    }

    func expire(at deadline: Instant) {
        loop.checkIsolated()
        expiryTimer?.cancel()
        expiryTimer = loop.schedule(at: deadline) { [unowned self] in
            expiryTimer = nil
            guard isOpen, response != .complete else { return }
            isExpired = true
            connection.cancelRequest()
        }
    }

    func keepAlive(_ bytes: [UInt8], every interval: Duration) {
        onLoop { [self] in
            keepAliveTimer?.cancel()
            keepAliveTimer = nil
            guard isOpen, response != .complete, !bytes.isEmpty, interval > .zero else { return }
            armKeepAlive(bytes, every: interval, at: loop.exactNow + interval)
        }
    }

    private func armKeepAlive(_ bytes: [UInt8], every interval: Duration, at instant: Instant) {
        keepAliveTimer = loop.schedule(at: instant) { [unowned self] in
            guard isOpen else { return }
            if response == .streaming, streamFraming != .counted, lastWrite + interval <= loop.now {
                // A client that does not take what it has is kept alive by the write deadline, not by more bytes.
                if connection.output.isEmpty { sendPiece(connection.worker.takeScratch(), bytes) }
                lastWrite = loop.now
            }
            guard isOpen else { return }
            let base = response == .streaming ? lastWrite : loop.now
            armKeepAlive(bytes, every: interval, at: base + interval)
        }
    }

    func stopTimers() {
        commitTimer?.cancel()
        keepAliveTimer?.cancel()
        expiryTimer?.cancel()
        (commitTimer, keepAliveTimer, expiryTimer) = (nil, nil, nil)
    }

    // MARK: The connection's side

    /// The client has taken enough for the writer to go on.
    func didDrain() {
        roomWaiter?.resume(true)
    }

    func didClose() {
        stopTimers()
        bodyWaiter?.resume(false)
        roomWaiter?.resume(false)
    }

    // MARK: Checks

    /// Waits while the client takes less than there is for it, and lets others have the loop when the client takes
    /// all, however much it is.
    private func awaitRoom(after count: Int) async throws(GatewayError) {
        guard isOpen else { throw .cancelled }
        burst += count
        guard connection.output.count > connection.limits.unsentBuffer else {
            guard burst > Self.largestBurst else { return }
            burst = 0
            await Task.yield()
            guard isOpen else { throw .cancelled }
            return
        }
        burst = 0
        let limit = connection.limits.unsentBuffer
        let waiter = roomWaiter ?? LoopWaiter(loop)
        roomWaiter = waiter
        let hasRoom = await waiter.wait(while: { isOpen && connection.output.count > limit })
        guard hasRoom, isOpen else { throw .cancelled }
    }

    private func checkUse() throws(GatewayError) {
        guard loop.isCurrent else {
            throw .misuse("an exchange was used off its loop, perhaps in an unstructured task")
        }
        guard isOpen else { throw .cancelled }
    }

    private func onLoop(_ action: @escaping @Sendable () -> Void) {
        if loop.isCurrent { action() } else { loop.execute(action) }
    }

    private func checkStart(_ head: HTTPResponseHead) throws(GatewayError) {
        guard response == .none else { throw .misuse("the answer has already begun") }
        guard (200...599).contains(head.status) else { throw .misuse("\(head.status) is no status of an answer") }
    }

    /// Decides, before the head of the answer is written, whether the connection can go on, which an unread body
    /// may forbid.
    private func settleClosing() {
        if connection.worker.state.isDraining { closes = true }
        guard !closes, !body.isComplete else { return }
        if !isReadingBody { connection.feedBody(of: self) }
        guard !body.isComplete, !closes else { return }
        let remaining = body.remaining ?? .max
        closes = awaitsContinue || isReadingBody || remaining > ServerConnection.discardableBytes
    }
}

extension GatewayError {
    /// A handler used an exchange against its rules.
    fileprivate static func misuse(_ what: String) -> GatewayError {
        GatewayError(.internalError, .request, "the gateway could not answer; its log says why", detail: what)
    }
}

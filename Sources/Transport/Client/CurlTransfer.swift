import CCurl
import PolluxCore
import Synchronization

/// One request and its answer.
///
/// Callbacks of libcurl only note what came; readers are woken after libcurl has returned, so that all bytes of one
/// read go to the reader at once and no reader runs inside libcurl. A waiter is taken out before it is resumed, so that
/// it is resumed exactly once.
//
// Unchecked: the mutable state belongs to the loop's thread. `cancel` and `abandon`, which come from anywhere, only
// queue work on the loop.
final class CurlTransfer: @unchecked Sendable {
    typealias HeadWaiter = UnsafeContinuation<Result<UpstreamResponse, GatewayError>, Never>
    typealias BodyWaiter = UnsafeContinuation<Result<[UInt8]?, GatewayError>, Never>

    let loop: EventLoop
    let request: UpstreamRequest
    let deadlines: TransferDeadlines
    let network: NetworkOptions
    /// Asked about each address of a host that a client named; `nil` for upstreams of the operator's.
    let judge: AddressJudge?
    private(set) var isCancelled = false

    /// Present while libcurl has the transfer.
    private var handle: CurlHandle?
    private var owner: CurlLoop?
    private var head = ResponseHeadReader()
    private var headWaiter: HeadWaiter?
    private var bodyWaiter: BodyWaiter?
    /// Bytes that the reader has not taken.
    private var unread: [UInt8] = []
    private var received = 0
    private var isPaused = false
    private var isToBeWoken = false
    private var sends = 0
    private var isFinished = false
    private var failure: GatewayError?
    /// Why the last address that was judged must not be asked.
    private var refusedAddress: String?
    /// Set when the reader is content: until then the transfer may end by itself, and what comes is dropped.
    private var lingersUntil: Instant?
    private var startedAt = Instant.distantFuture
    /// The last byte, or the end of a pause.
    private var movedAt = Instant.distantFuture

    /// For an answer's last bytes behind what its reader needed.
    private static let lingerTime = Duration.milliseconds(100)
    /// Unread bytes above which libcurl stops reading; one more piece of at most 16 KiB may follow over HTTP/2.
    private static let highWater = 64 << 10
    /// The first send, and libcurl's repetition on a fresh connection when a kept one was dead.
    private static let sendLimit = 2

    init(
        _ request: UpstreamRequest, deadlines: TransferDeadlines, network: NetworkOptions, judge: AddressJudge? = nil,
        on loop: EventLoop
    ) {
        (self.request, self.deadlines, self.network, self.loop) = (request, deadlines, network, loop)
        self.judge = judge
    }

    // MARK: - The reader's side, on the loop

    /// What `next()` can return without waiting.
    func takeReady() -> Result<[UInt8]?, GatewayError>? {
        guard !unread.isEmpty else {
            guard isFinished else { return nil }
            return failure.map { .failure($0) } ?? .success(nil)
        }
        let bytes = unread
        unread = []
        if isPaused { unpause() }
        return .success(bytes)
    }

    var isReady: Bool { !unread.isEmpty || isFinished }

    /// Waits for the next bytes.
    func wait(_ waiter: BodyWaiter) {
        if let ready = takeReady() { return waiter.resume(returning: ready) }
        precondition(bodyWaiter == nil, "the body of an answer has one reader")
        bodyWaiter = waiter
    }

    private func unpause() {
        isPaused = false
        guard let handle, let owner else { return }
        movedAt = loop.now
        handle.timer.require(by: movedAt + deadlines.gap)
        let code = owner.resume(handle)
        if code != CURLE_OK { complete(code) }
        owner.runWhileDue()
    }

    // MARK: - From any thread

    /// The task that sends or reads was cancelled.
    func cancel() {
        loop.execute {
            self.isCancelled = true
            self.fail(.cancelled)
        }
    }

    /// The body was released.
    func abandon() {
        if loop.isCurrent, isFinished { return }
        loop.execute {
            if self.lingersUntil == nil { self.fail(.cancelled) }
        }
    }

    /// The reader needs no more; the body's end may still come.
    func endSoon() {
        loop.execute {
            guard let handle = self.handle, self.head.isComplete, self.lingersUntil == nil else { return }
            let end = self.loop.now + Self.lingerTime
            self.lingersUntil = end
            self.unread = []
            handle.timer.require(by: end)
            if self.isPaused { self.unpause() }
        }
    }

    // MARK: - Life

    func begin(with handle: CurlHandle, in owner: CurlLoop, _ waiter: HeadWaiter) {
        (self.handle, self.owner, headWaiter) = (handle, owner, waiter)
        startedAt = loop.now
        handle.timer.require(by: startedAt + min(deadlines.firstByte, deadlines.total))
    }

    /// libcurl is done with the transfer.
    func complete(_ code: CURLcode) {
        guard let handle else { return }
        if failure == nil, code == CURLE_COULDNT_CONNECT, let refusedAddress {
            failure = GatewayError(
                .permission, .request, "no address of the host may be asked", detail: refusedAddress)
        }
        if failure == nil, code != CURLE_OK {
            failure = CurlFailure(code: code, progress: progress, text: handle.lastError).error
        }
        if failure == nil, !head.isComplete {
            failure = CurlFailure(code: CURLE_GOT_NOTHING, progress: progress, text: "the head is incomplete").error
        }
        end()
    }

    /// Ends the transfer from our side. Never inside one of libcurl's callbacks.
    func fail(_ error: GatewayError) {
        guard let owner else { return }
        if failure == nil { failure = error }
        end()
        owner.runWhileDue()
    }

    private func end() {
        guard let handle, let owner else { return }
        (self.handle, self.owner) = (nil, nil)
        isFinished = true
        owner.release(self, handle)
        wakeLater(owner)
    }

    /// Tells whoever waits.
    func wake() {
        isToBeWoken = false
        if let waiter = headWaiter, head.isComplete || isFinished {
            headWaiter = nil
            waiter.resume(returning: answer)
        }
        // Taking bytes may let libcurl go on and come back here: the waiter must be gone by then.
        if isReady, let waiter = bodyWaiter {
            bodyWaiter = nil
            waiter.resume(returning: takeReady() ?? .success(nil))
        }
    }

    private var answer: Result<UpstreamResponse, GatewayError> {
        guard head.isComplete else { return .failure(failure ?? .cancelled) }
        var fields = head.fields
        // They tell of bytes that nobody will see.
        if !isPlain {
            fields = HTTPFields(fields.filter { $0.name != "content-encoding" && $0.name != "content-length" })
        }
        return .success(UpstreamResponse(status: head.status, fields: fields, body: CurlBody(self)))
    }

    private func wakeLater(_ owner: CurlLoop) {
        guard !isToBeWoken else { return }
        isToBeWoken = true
        owner.wakeLater(self)
    }

    private var progress: CurlFailure.Progress {
        head.isComplete ? .insideBody : head.hasBegun ? .insideHead : .nothingReceived
    }

    // MARK: - Called by libcurl

    /// - Returns: Whether the request may be sent (once more).
    func willSend() -> Bool {
        sends += 1
        guard sends > 1 else { return true }
        guard sends <= Self.sendLimit else {
            failure = CurlFailure(code: CURLE_GOT_NOTHING, progress: progress, text: "sent \(sends - 1) times").error
            return false
        }
        owner?.counters.repeatedSends.add(1, ordering: .relaxed)
        return true
    }

    /// Judges the very address that libcurl is about to connect to, so that no second lookup can lead elsewhere.
    ///
    /// - Returns: A socket, or `CURL_SOCKET_BAD`: libcurl goes on to the host's next address.
    func openJudgedSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard let owner else { return CURL_SOCKET_BAD }
        if let judge {
            guard let (ip, port) = PeerOfSocket.read(address) else {
                refusedAddress = "not an IP address"
                return CURL_SOCKET_BAD
            }
            if let reason = judge.reasonToRefuse(ip, port: port) {
                refusedAddress = reason
                return CURL_SOCKET_BAD
            }
        }
        return owner.sockets.open(address.pointee)
    }

    /// - Returns: How many bytes were taken; fewer than offered make libcurl end the transfer.
    func receiveHead(_ line: UnsafeRawBufferPointer) -> Int {
        switch head.read(line) {
        case .more: break
        case .complete:
            movedAt = loop.now
            handle?.timer.require(by: min(movedAt + deadlines.gap, startedAt + deadlines.total))
            guard isPlain || request.acceptsCompression else {
                return refuse(.upstreamBadResponse, "the upstream's answer has an encoding that was not asked for")
            }
            if let owner { wakeLater(owner) }
        case .tooLarge:
            let limit = ResponseHeadReader.limit >> 10
            return refuse(.upstreamBadResponse, "the header of the upstream's answer exceeds \(limit) KiB")
        case .malformed: return refuse(.upstreamBadResponse, "the upstream's answer is not valid HTTP")
        }
        return line.count
    }

    /// - Returns: How many bytes were taken, or `CURL_WRITEFUNC_PAUSE`.
    func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if lingersUntil != nil {
            received += bytes.count
            return bytes.count
        }
        guard unread.count < Self.highWater else {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        guard bytes.count <= request.maxResponseBytes - received else {
            return refuse(
                .upstreamTooLarge, "the upstream's answer is larger than \(request.maxResponseBytes) bytes")
        }
        received += bytes.count
        unread.append(contentsOf: bytes)
        movedAt = loop.now
        if let owner { wakeLater(owner) }
        return bytes.count
    }

    private func refuse(_ kind: GatewayError.Kind, _ message: String) -> Int {
        failure = GatewayError(kind, .endpoint, message)
        return 0
    }

    private var isPlain: Bool { head.fields["content-encoding"].map { $0.lowercased() == "identity" } ?? true }
}

// MARK: - Deadlines

extension CurlTransfer {
    /// - Returns: When to ask again; `nil` once the transfer has ended.
    func deadlinePassed(_ now: Instant) -> Instant? {
        guard handle != nil else { return nil }
        if let lingersUntil {
            guard lingersUntil <= now else { return lingersUntil }
            fail(.cancelled)
            return nil
        }
        let end = startedAt + deadlines.total
        let next =
            if !head.isComplete {
                min(end, startedAt + deadlines.firstByte)
            } else if isPaused {
                end
            } else {
                min(end, movedAt + deadlines.gap)
            }
        guard next <= now else { return next }
        fail(timeoutError(isTotal: next == end))
        return nil
    }

    private func timeoutError(isTotal: Bool) -> GatewayError {
        let detail =
            if isTotal {
                "total deadline of \(deadlines.total), \(received) body bytes received"
            } else if !head.isComplete {
                "first byte deadline of \(deadlines.firstByte)"
            } else {
                "gap deadline of \(deadlines.gap), \(received) body bytes received"
            }
        return GatewayError(
            .upstreamTimeout, .endpoint, "the upstream did not answer in time; try again", detail: detail)
    }
}

import CCurl
import CCurlShim
import PolluxCore
import Synchronization

/// libcurl on one event loop: its sockets are watched by the loop, its clock is a timer of the loop.
//
// Unchecked: everything here and in the transfers is touched on the loop's own thread only; other threads reach it
// through `loop.execute`.
final class CurlLoop: @unchecked Sendable {
    let loop: EventLoop
    let counters: TransportCounters
    private let multi: UnsafeMutableRawPointer
    private(set) lazy var sockets = CurlSockets(of: self)

    private var idleHandles: [CurlHandle] = []
    private var active: [ObjectIdentifier: CurlTransfer] = [:]
    /// Transfers whose reader has something to hear of once libcurl has returned.
    private var toWake: [CurlTransfer] = []
    private var waking: [CurlTransfer] = []
    private var deadline: Instant?
    /// libcurl wants to be called as soon as it has returned.
    private var isDue = false
    private var isInsideCurl = false
    private var isRunning = false
    private var isClosed = false
    /// What libcurl waits for concerns real sockets, so it goes by the system's clock. The deadlines of transfers are
    /// ours and go by the loop's.
    private lazy var timer = LazyTimer(on: loop, goesBySystem: true) { [unowned self] now in self.timePassed(now) }

    /// A handle keeps about 25 KiB; beyond this many they are given back.
    private static let idleHandleLimit = 128
    /// Kept connections; beyond it libcurl closes the one idle for longest.
    private static let connectionLimit = 512

    /// On the loop only.
    ///
    /// - Throws: `internalError` when libcurl has no memory.
    init(on loop: EventLoop, counters: TransportCounters) throws(GatewayError) {
        guard let multi = curl_multi_init() else {
            throw GatewayError(.internalError, .endpoint, "the HTTP client has no memory left")
        }
        (self.loop, self.counters, self.multi) = (loop, counters, multi)
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = ccurl_multi_set_socket_function(multi, watchSocket, context)
        _ = ccurl_multi_set_timer_function(multi, setTimer, context)
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.connectionLimit)
    }

    // MARK: - Transfers

    /// Begins a transfer; the waiter hears of its head or its failure.
    ///
    /// - Throws: When the request cannot be put into libcurl; then the waiter is not kept.
    func start(_ transfer: CurlTransfer, _ waiter: CurlTransfer.HeadWaiter) throws(GatewayError) {
        guard !isClosed else { throw GatewayError(.shuttingDown, .request, "the gateway is shutting down") }
        guard !transfer.isCancelled else { throw .cancelled }
        let handle = try takeHandle()
        do throws(GatewayError) {
            try handle.prepare(for: transfer, sockets: sockets)
        } catch {
            recycle(handle)
            throw error
        }
        counters.transfers.add(1, ordering: .relaxed)
        transfer.begin(with: handle, in: self, waiter)
        active[ObjectIdentifier(transfer)] = transfer
        let code = curl_multi_add_handle(multi, handle.easy)
        guard code == CURLM_OK else {
            return transfer.fail(
                GatewayError(.internalError, .endpoint, "the HTTP client failed", detail: "curl_multi \(code.rawValue)")
            )
        }
        runWhileDue()
    }

    /// Takes a transfer's handle back. Never from inside one of libcurl's callbacks.
    func release(_ transfer: CurlTransfer, _ handle: CurlHandle) {
        precondition(!isInsideCurl, "a transfer was ended inside a callback of libcurl")
        active[ObjectIdentifier(transfer)] = nil
        curl_multi_remove_handle(multi, handle.easy)
        recycle(handle)
    }

    private func takeHandle() throws(GatewayError) -> CurlHandle {
        if let idle = idleHandles.popLast() { return idle }
        return try CurlHandle(on: loop)
    }

    private func recycle(_ handle: CurlHandle) {
        guard idleHandles.count < Self.idleHandleLimit, !isClosed else { return handle.destroy() }
        handle.rest()
        idleHandles.append(handle)
    }

    func wakeLater(_ transfer: CurlTransfer) { toWake.append(transfer) }

    /// Lets a paused transfer go on. libcurl may deliver what it holds before this returns.
    func resume(_ handle: CurlHandle) -> CURLcode {
        isInsideCurl = true
        let code = curl_easy_pause(handle.easy, CURLPAUSE_CONT)
        isInsideCurl = false
        return code
    }

    // MARK: - Driving libcurl

    /// A socket is ready.
    func socketReady(_ descriptor: Int32, _ events: Int32) {
        call(descriptor, events)
        runWhileDue()
    }

    /// Calls libcurl for as long as it asks to be called at once, within bounds, and tells the readers what came.
    func runWhileDue() {
        // A reader that is told may let its transfer go on, which leads back here: the outer call sees to it.
        guard !isRunning else { return }
        isRunning = true
        defer { isRunning = false }
        var rounds = 0
        while true {
            if isDue, rounds < 16 {
                rounds += 1
                isDue = false
                call(CURL_SOCKET_BAD, 0)
            } else if !toWake.isEmpty {
                swap(&toWake, &waking)
                for transfer in waking { transfer.wake() }
                waking.removeAll(keepingCapacity: true)
            } else {
                break
            }
        }
        if isDue { timer.require(by: loop.systemNow) }
    }

    private func call(_ descriptor: Int32, _ events: Int32) {
        var running: Int32 = 0
        isInsideCurl = true
        curl_multi_socket_action(multi, descriptor, events, &running)
        isInsideCurl = false
        takeMessages()
    }

    private func takeMessages() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            var context: UnsafeMutableRawPointer?
            guard ccurl_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK, let context else { continue }
            Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().complete(code)
        }
    }

    fileprivate func setDeadline(milliseconds: Int) {
        if milliseconds < 0 {
            deadline = nil
        } else if milliseconds == 0 {
            isDue = true
        } else {
            let next = Instant.monotonicNow + .milliseconds(milliseconds)
            deadline = next
            timer.require(by: next)
        }
    }

    private func timePassed(_ now: Instant) -> Instant? {
        guard isDue || (deadline.map { $0 <= now } ?? false) else { return deadline }
        deadline = nil
        isDue = true
        runWhileDue()
        return deadline
    }

    // MARK: - The end

    /// Ends all transfers and connections. From any thread.
    func closeLater() {
        loop.execute { self.close() }
    }

    private func close() {
        isClosed = true
        for transfer in active.values {
            transfer.fail(GatewayError(.shuttingDown, .request, "the gateway is shutting down"))
        }
        for handle in idleHandles { handle.destroy() }
        idleHandles = []
        timer.cancel()
        curl_multi_cleanup(multi)
    }
}

/// `CURLMOPT_SOCKETFUNCTION`. A free function, as are all callbacks: a closure may be taken for isolated code and trap.
private func watchSocket(
    _ easy: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t, _ what: Int32, _ context: UnsafeMutableRawPointer?,
    _ assigned: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context else { return -1 }
    Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue().sockets.watch(descriptor, what)
    return 0
}

/// `CURLMOPT_TIMERFUNCTION`.
private func setTimer(
    _ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context else { return -1 }
    Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue().setDeadline(milliseconds: milliseconds)
    return 0
}

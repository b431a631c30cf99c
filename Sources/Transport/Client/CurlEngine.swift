import CCurl
import PolluxCore
import Synchronization

/// What all copies of a transport share: one `CurlLoop` per event loop, made when the loop sends its first request.
final class CurlEngine: Sendable {
    let fallback: EventLoop
    let counters = TransportCounters()
    private let loops = Mutex<[CurlLoop]>([])

    init(fallback: EventLoop) {
        curlIsReady()
        self.fallback = fallback
    }

    deinit {
        for loop in loops.withLock({ $0 }) { loop.closeLater() }
    }

    /// Sends a request on the loop that the task runs on, and waits for the head of its answer.
    ///
    /// - Parameter judge: For hosts that clients name: asked about each address before a connection to it.
    func send(
        _ request: UpstreamRequest, deadlines: TransferDeadlines, network: NetworkOptions, judge: AddressJudge?
    ) async throws(GatewayError) -> UpstreamResponse {
        let loop = EventLoop.current ?? fallback
        let transfer = CurlTransfer(request, deadlines: deadlines, network: network, judge: judge, on: loop)
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if loop.isCurrent {
                    start(transfer, continuation)
                } else {
                    loop.execute { self.start(transfer, continuation) }
                }
            }
        } onCancel: {
            transfer.cancel()
        }
        return try result.get()
    }

    /// Begins a transfer. On its loop only.
    private func start(_ transfer: CurlTransfer, _ waiter: CurlTransfer.HeadWaiter) {
        do throws(GatewayError) {
            try curlLoop(of: transfer.loop).start(transfer, waiter)
        } catch {
            waiter.resume(returning: .failure(error))
        }
    }

    private func curlLoop(of loop: EventLoop) throws(GatewayError) -> CurlLoop {
        let known = loops.withLock { loops in loops.first { $0.loop === loop } }
        if let known { return known }
        // Only this loop's thread makes its entry, so nobody can have made it in between.
        let made = try CurlLoop(on: loop, counters: counters)
        loops.withLock { $0.append(made) }
        return made
    }
}

/// The figures behind `TransportStatistics`.
final class TransportCounters: Sendable {
    let transfers = Atomic<Int>(0)
    let connections = Atomic<Int>(0)
    let repeatedSends = Atomic<Int>(0)

    var snapshot: TransportStatistics {
        TransportStatistics(
            transfers: transfers.load(ordering: .relaxed), connections: connections.load(ordering: .relaxed),
            repeatedSends: repeatedSends.load(ordering: .relaxed))
    }
}

/// libcurl's own global state, made once per process.
private let globalState = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

private func curlIsReady() {
    precondition(globalState == CURLE_OK, "libcurl cannot be initialised")
    // OpenSSL writes to sockets without MSG_NOSIGNAL.
    ProcessSetup.ignoreBrokenPipes()
}

import PolluxCore

/// The reader's end of a transfer: releasing it ends the transfer.
final class CurlBody: UpstreamBody {
    private let transfer: CurlTransfer

    init(_ transfer: CurlTransfer) { self.transfer = transfer }

    deinit { transfer.abandon() }

    func next() async throws(GatewayError) -> [UInt8]? {
        let loop = transfer.loop
        if loop.isCurrent, let ready = transfer.takeReady() { return try ready.get() }
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter in
                if loop.isCurrent {
                    transfer.wait(waiter)
                } else {
                    loop.execute { self.transfer.wait(waiter) }
                }
            }
        } onCancel: {
            transfer.cancel()
        }
        return try result.get()
    }

    func endSoon() { transfer.endSoon() }

    /// Exact on the transfer's loop; elsewhere nothing is known and the answer is false.
    var isReady: Bool { transfer.loop.isCurrent && transfer.isReady }
}

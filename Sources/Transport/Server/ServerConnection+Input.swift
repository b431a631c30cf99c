import Glibc
import PolluxCore

extension ServerConnection {
    /// Reads once; epoll reports what is left.
    func receive() {
        let room = roomForInput
        guard room > 0 else { return }
        let count = read(descriptor, worker.readBuffer.baseAddress, room)
        if count > 0 {
            take(UnsafeBufferPointer(rebasing: worker.readBuffer[..<count]))
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            clientGone()
        }
    }

    /// While a handler runs and does not read its body, no more than the limit is taken in (requirement H-9).
    private var roomForInput: Int {
        guard phase == .serving, exchange?.isReadingBody != true else { return worker.readBuffer.count }
        return min(worker.readBuffer.count, limits.pipelinedBytes - inbound.count)
    }

    private func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch phase {
        case .idle, .head: parse(bytes)
        case .serving: takeWhileServing(bytes)
        case .discarding: discard(bytes)
        case .closing, .lingering: drop(bytes.count)
        case .closed: break
        }
    }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard inbound.isEmpty else {
            inbound.append(bytes)
            return parseBuffered()
        }
        // The usual case: a whole head in one read, parsed where it lies.
        do throws(HTTPSyntaxError) {
            guard let start = try parseStart(bytes.span) else {
                inbound.append(bytes)
                return awaitHead()
            }
            inbound.append(UnsafeBufferPointer(rebasing: bytes[start.headLength...]))
            begin(start)
        } catch {
            refuse(GatewayError(error))
        }
    }

    /// Looks for a request in what was read before.
    func parseBuffered() {
        do throws(HTTPSyntaxError) {
            let found = try inbound.withUnread { bytes throws(HTTPSyntaxError) in try parseStart(bytes) }
            guard let start = found else { return awaitHead() }
            inbound.consume(start.headLength)
            begin(start)
        } catch {
            refuse(GatewayError(error))
        }
    }

    private func parseStart(_ bytes: Span<UInt8>) throws(HTTPSyntaxError) -> RequestStart? {
        try parser.parse(bytes).map { RequestStart($0, bytes) }
    }

    /// The deadline counts from the head's first byte: later bytes do not move it (requirement H-3).
    private func awaitHead() {
        guard phase == .idle else { return }
        phase = .head
        setDeadline(after: limits.headerTimeout)
    }

    private func takeWhileServing(_ bytes: UnsafeBufferPointer<UInt8>) {
        let used = exchange.map { $0.isReadingBody ? $0.takeBody(bytes.span) : 0 } ?? 0
        inbound.append(UnsafeBufferPointer(rebasing: bytes[used...]))
        updateInterest()
    }

    /// Gives the running request's body what was read ahead.
    func feedBody(of exchange: ServerExchange) {
        let used = inbound.withUnread { exchange.takeBody($0) }
        inbound.consume(used)
    }

    private func discard(_ bytes: UnsafeBufferPointer<UInt8>) {
        let count = min(toDiscard, bytes.count)
        toDiscard -= count
        guard toDiscard == 0 else { return }
        inbound.append(UnsafeBufferPointer(rebasing: bytes[count...]))
        awaitRequest()
    }

    private func drop(_ count: Int) {
        dropped += count
        guard dropped > Self.lingerBytes else { return }
        if phase == .lingering { close() } else { updateInterest() }
    }
}

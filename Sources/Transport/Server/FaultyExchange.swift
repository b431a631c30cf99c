public import PolluxCore

/// Misbehaviour that a simulated upstream needs and a gateway never shows: bytes past the framing, and resets.
///
/// The server's exchanges are of this kind; a handler reaches it with `exchange as? any FaultyExchange`.
public protocol FaultyExchange: HTTPExchange {
    /// Sends bytes as they are, before, within or instead of the answer. `abortStream()` ends the connection.
    func sendUnframed(_ bytes: [UInt8])

    /// Ends the connection with a TCP reset, once what was written has gone out.
    func resetConnection()
}

extension ServerExchange: FaultyExchange {
    func sendUnframed(_ bytes: [UInt8]) {
        connection.loop.checkIsolated()
        guard connection.phase == .serving, response != .complete else { return }
        connection.transmit(connection.worker.takeScratch(), bytes, "")
    }

    func resetConnection() {
        connection.loop.checkIsolated()
        guard connection.phase == .serving, response != .complete else { return }
        stopTimers()
        connection.abort(resets: true)
    }
}

import CSystem
import Glibc
import PolluxCore

/// The part of a server that lives on one loop: its listeners, its connections, and the buffers they share.
//
// Unchecked: touched on the loop's thread only, but for `loop`, `state` and `handler`, which do not change.
final class ServerWorker: @unchecked Sendable {
    let loop: EventLoop
    let state: ServerState
    let handler: any HTTPRequestHandler
    private(set) var limits: HTTPServerLimits
    private(set) var parserLimits: HTTPRequestParser.Limits
    /// One read goes through here; only what is left over is copied to the connection.
    let readBuffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 << 10)

    private var scratch: [UInt8] = []
    private var date = DateLine()
    private var listeners: [Listener] = []
    private var connections: [ServerConnection] = []
    private var refusedCount = 0

    /// Refused connections that are closed gently; beyond that they are cut.
    private static let maxRefused = 64

    init(loop: EventLoop, state: ServerState, handler: any HTTPRequestHandler) {
        (self.loop, self.state, self.handler) = (loop, state, handler)
        limits = state.limits
        parserLimits = limits.parserLimits
    }

    deinit { readBuffer.deallocate() }

    var dateLine: [UInt8] { date.bytes(on: loop) }

    /// For connections to come, and for what the present ones begin from now on.
    func change(_ limits: HTTPServerLimits) {
        (self.limits, parserLimits) = (limits, limits.parserLimits)
    }

    func listen(on descriptor: Int32) {
        guard !state.isDraining else {
            close(descriptor)
            return
        }
        let listener = Listener(self, descriptor)
        listeners.append(listener)
        loop.register(descriptor, .read, listener)
    }

    func owns(_ listener: Listener) -> Bool { listeners.contains { $0 === listener } }

    func accept(_ descriptor: Int32, _ peer: PeerAddress) {
        let isAdmitted = state.admit(peer)
        let connection = ServerConnection(self, descriptor, peer, isAdmitted: isAdmitted)
        connection.listIndex = connections.count
        connections.append(connection)
        if !isAdmitted { refusedCount += 1 }
        guard loop.register(descriptor, .read, connection) else { return connection.close() }
        if isAdmitted {
            connection.start()
        } else {
            let error = GatewayError(
                .overloaded, .request, "too many connections; try again in a second", retryAfter: .seconds(1))
            connection.refuse(error, fields: ["retry-after": "1"])
            if refusedCount > Self.maxRefused { connection.close() }
        }
    }

    func didClose(_ connection: ServerConnection) {
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.listIndex] = last
            last.listIndex = connection.listIndex
        }
        if connection.isAdmitted { state.release(connection.peer) } else { refusedCount -= 1 }
    }

    /// A buffer to build output in; give it back.
    func takeScratch() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &scratch)
        return taken
    }

    func giveBack(_ bytes: consuming [UInt8]) {
        guard bytes.capacity <= 128 << 10 else { return }
        bytes.removeAll(keepingCapacity: true)
        scratch = bytes
    }

    func closeIdleConnections() {
        for connection in connections where connection.phase == .idle { connection.close() }
    }

    func beginDrain() {
        for listener in listeners { listener.close() }
        listeners = []
        closeIdleConnections()
    }

    func cancelAll() {
        for connection in connections { connection.cancelRequest() }
    }
}

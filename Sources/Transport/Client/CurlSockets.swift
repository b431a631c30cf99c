import CCurl
import CCurlShim
import CSystem
import Glibc
import Synchronization

/// The sockets of one `CurlLoop`, by descriptor.
///
/// libcurl forgets a connection's socket after each transfer and asks for it again at the next. The loop goes on
/// watching it in between, which saves two system calls per request; the upstream's closing then ends the watch.
final class CurlSockets {
    private unowned let owner: CurlLoop
    private let loop: EventLoop
    private var table: [CurlSocket?] = []

    init(of owner: CurlLoop) { (self.owner, loop) = (owner, owner.loop) }

    /// What libcurl wants to know of a socket, as `CURL_POLL_…`.
    func watch(_ descriptor: Int32, _ what: Int32) {
        guard let index = Int(exactly: descriptor), index >= 0 else { return }
        if what == CURL_POLL_REMOVE {
            guard index < table.count, let socket = table[index] else { return }
            socket.isWanted = false
            // A descriptor that we do not see closed may come back as anything.
            if !socket.isOurs { forget(index, socket) }
            return
        }
        var interest: EventLoop.Interest = []
        if what & CURL_POLL_IN != 0 { interest.insert(.read) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.write) }
        let socket = known(index) ?? add(index, isOurs: false)
        socket.isWanted = true
        if socket.isWatched {
            loop.update(descriptor, interest)
        } else {
            socket.isWatched = loop.register(descriptor, interest, socket)
        }
    }

    fileprivate func ready(_ socket: CurlSocket, _ readiness: EventLoop.Readiness) {
        guard socket.isWanted else {
            // Nobody waits for this connection: libcurl will see for itself what came when it wants to reuse it.
            socket.isWatched = false
            return loop.unregister(socket.descriptor)
        }
        var events: Int32 = 0
        if !readiness.isDisjoint(with: [.readable, .peerClosed]) { events |= CURL_CSELECT_IN }
        if readiness.contains(.writable) { events |= CURL_CSELECT_OUT }
        if readiness.contains(.failed) { events |= CURL_CSELECT_ERR }
        owner.socketReady(socket.descriptor, events)
    }

    func open(_ address: curl_sockaddr) -> Int32 {
        let kind = address.socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, address.protocol)
        guard descriptor >= 0 else { return CURL_SOCKET_BAD }
        owner.counters.connections.add(1, ordering: .relaxed)
        _ = add(Int(descriptor), isOurs: true)
        return descriptor
    }

    fileprivate func close(_ descriptor: Int32) -> Int32 {
        if let socket = known(Int(descriptor)) { forget(Int(descriptor), socket) }
        return Glibc.close(descriptor)
    }

    private func known(_ index: Int) -> CurlSocket? { table.indices.contains(index) ? table[index] : nil }

    private func add(_ index: Int, isOurs: Bool) -> CurlSocket {
        while table.count <= index { table.append(nil) }
        let socket = CurlSocket(Int32(index), in: self, isOurs: isOurs)
        table[index] = socket
        return socket
    }

    private func forget(_ index: Int, _ socket: CurlSocket) {
        table[index] = nil
        if socket.isWatched { loop.unregister(socket.descriptor) }
    }
}

private final class CurlSocket: EventHandler {
    let descriptor: Int32
    /// Opened by us, so that we are told when it is closed.
    let isOurs: Bool
    /// libcurl waits for it now.
    var isWanted = false
    var isWatched = false
    private unowned let sockets: CurlSockets

    init(_ descriptor: Int32, in sockets: CurlSockets, isOurs: Bool) {
        (self.descriptor, self.sockets, self.isOurs) = (descriptor, sockets, isOurs)
    }

    override func handle(_ readiness: EventLoop.Readiness, on loop: EventLoop) { sockets.ready(self, readiness) }
}

/// `CURLOPT_OPENSOCKETFUNCTION`: as libcurl would, but closed on exec.
func openSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let context, let address else { return CURL_SOCKET_BAD }
    return Unmanaged<CurlSockets>.fromOpaque(context).takeUnretainedValue().open(address.pointee)
}

/// `CURLOPT_CLOSESOCKETFUNCTION`.
func closeSocket(_ context: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t) -> Int32 {
    guard let context else { return Glibc.close(descriptor) }
    return Unmanaged<CurlSockets>.fromOpaque(context).takeUnretainedValue().close(descriptor)
}

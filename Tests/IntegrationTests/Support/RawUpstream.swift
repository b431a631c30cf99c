import CSystem
import Glibc

/// An upstream that answers every request with the same bytes, however wrong they are, and closes the connection.
final class RawUpstream: Sendable {
    let port: Int
    private let listener: Int32

    init(answer: [UInt8]) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw TestFailure("no upstream: \(String(cString: strerror(errno)))") }
        port = Int(UInt16(bigEndian: address.sin_port))
        let job = Unmanaged.passRetained(RawUpstreamJob(listener: listener, answer: answer)).toOpaque()
        var thread = pthread_t()
        guard pthread_create(&thread, nil, serveRawUpstream, job) == 0 else { throw TestFailure("no thread") }
        pthread_detach(thread)
    }

    /// A port on which nobody listens any more.
    static func refusingPort() throws -> Int {
        let upstream = try RawUpstream(answer: [])
        upstream.stop()
        return upstream.port
    }

    var url: String { "http://127.0.0.1:\(port)/v1" }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    deinit { stop() }
}

private final class RawUpstreamJob: Sendable {
    private let listener: Int32
    private let answer: [UInt8]

    init(listener: Int32, answer: [UInt8]) { (self.listener, self.answer) = (listener, answer) }

    /// Ends when the listener is shut down.
    func serve() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            if recv(descriptor, &bytes, bytes.count, 0) > 0 {
                send(descriptor, answer, answer.count, Int32(MSG_NOSIGNAL))
                shutdown(descriptor, Int32(SHUT_WR))
                // Until the client has closed as well: an unread request would turn the FIN into a RST.
                while recv(descriptor, &bytes, bytes.count, 0) > 0 {}
            }
            close(descriptor)
        }
        close(listener)
    }
}

private func serveRawUpstream(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<RawUpstreamJob>.fromOpaque(argument).takeRetainedValue().serve()
    return nil
}

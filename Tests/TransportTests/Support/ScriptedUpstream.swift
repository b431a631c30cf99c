import Foundation
import Synchronization

/// An upstream that does to each connection what a script says, however wrong that is. One thread per connection, a
/// port of the system's choice on 127.0.0.1.
final class ScriptedUpstream: Sendable {
    indirect enum Step: Sendable {
        /// Reads a head, and as much of a body as its `content-length` says; the script ends if the client closes.
        case readRequest
        case write([UInt8])
        /// One write per byte, some milliseconds apart.
        case drip([UInt8], milliseconds: UInt32)
        /// Writes the same bytes until the client goes away.
        case flood([UInt8])
        /// Runs the steps until the client goes away.
        case forever([Step])
        /// Waits until the client closes, or for `stop()`.
        case stall
        /// Waits for the signal.
        case wait(ScriptedSignal)
        /// Tells a test that the script has come this far.
        case tell(ScriptedSignal)
        /// Closes with a reset in place of a proper end.
        case reset

        static func write(_ text: String) -> Step { .write(Array(text.utf8)) }
        static func drip(_ text: String, milliseconds: UInt32) -> Step {
            .drip(Array(text.utf8), milliseconds: milliseconds)
        }
        /// A whole answer with a length.
        static func answer(_ body: String, fields: String = "") -> Step {
            .write("HTTP/1.1 200 OK\r\n\(fields)content-length: \(body.utf8.count)\r\n\r\n\(body)")
        }
    }

    let port: UInt16
    /// Fires when a client has closed a connection that the script still held.
    let clientClosed = ScriptedSignal()
    private let listener: Int32
    private let scripts: [[Step]]
    private struct State {
        var connections: [Int32] = []
        var accepted = 0
        var requests: [String] = []
        var bytesWritten = 0
        var isStopped = false
    }
    private let state = Mutex(State())

    /// - Parameter scripts: One per connection in the order they come; the last serves all further ones.
    init(scripts: [[Step]]) throws {
        self.scripts = scripts
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let bound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 512) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw ScriptedError() }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { self.accept() }
    }

    convenience init(_ steps: Step...) throws { try self.init(scripts: [steps]) }

    var url: String { "http://127.0.0.1:\(port)" }
    var connectionCount: Int { state.withLock { $0.accepted } }
    /// The heads and bodies that were read, in the order they came.
    var requests: [String] { state.withLock { $0.requests } }
    var bytesWritten: Int { state.withLock { $0.bytesWritten } }

    /// Closes the listener and all connections.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            for descriptor in state.connections { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            let number = state.withLock { state in
                state.accepted += 1
                state.connections.append(descriptor)
                return state.accepted - 1
            }
            Thread.detachNewThread { self.serve(descriptor, self.scripts[min(number, self.scripts.count - 1)]) }
        }
        close(listener)
    }

    private func serve(_ descriptor: Int32, _ script: [Step]) {
        _ = run(script, on: descriptor)
        state.withLock { $0.connections.removeAll { $0 == descriptor } }
        close(descriptor)
    }

    /// - Returns: False when the client has gone.
    private func run(_ steps: [Step], on descriptor: Int32) -> Bool {
        for step in steps {
            let goesOn =
                switch step {
                case .readRequest: readRequest(descriptor)
                case .write(let bytes): write(bytes, to: descriptor)
                case .drip(let bytes, let pause): drip(bytes, pause, to: descriptor)
                case .flood(let bytes): flood(bytes, to: descriptor)
                case .forever(let steps): runForever(steps, on: descriptor)
                case .stall: stall(descriptor)
                case .wait(let signal): signal.waitBlocking()
                case .tell(let signal): signal.fire()
                case .reset: abort(descriptor)
                }
            guard goesOn else { return false }
        }
        return true
    }

    private func runForever(_ steps: [Step], on descriptor: Int32) -> Bool {
        while run(steps, on: descriptor) {}
        return false
    }

    private func readRequest(_ descriptor: Int32) -> Bool {
        var bytes: [UInt8] = []
        var missing = Int.max
        while missing > 0 {
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &buffer, min(buffer.count, missing), 0)
            guard count > 0 else { return noteClosed() }
            bytes += buffer[..<count]
            if missing != Int.max {
                missing -= count
            } else if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
                let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
                missing = (length.flatMap { Int($0.dropFirst(16)) } ?? 0) - (bytes.count - end.upperBound)
            }
        }
        state.withLock { $0.requests.append(String(decoding: bytes, as: UTF8.self)) }
        return true
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return noteClosed() }
            state.withLock { $0.bytesWritten += count }
            start += count
        }
        return true
    }

    private func drip(_ bytes: [UInt8], _ milliseconds: UInt32, to descriptor: Int32) -> Bool {
        for byte in bytes {
            guard write([byte], to: descriptor) else { return false }
            usleep(milliseconds * 1000)
        }
        return true
    }

    private func flood(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        while write(bytes, to: descriptor) {}
        return false
    }

    private func stall(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
        return noteClosed()
    }

    private func abort(_ descriptor: Int32) -> Bool {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        return false
    }

    private func noteClosed() -> Bool {
        clientClosed.fire()
        return false
    }
}

/// Something that happens once.
final class ScriptedSignal: Sendable {
    private struct State {
        var hasFired = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    private let semaphore = DispatchSemaphore(value: 0)

    @discardableResult
    func fire() -> Bool {
        let waiters = state.withLock { state in
            state.hasFired = true
            defer { state.waiters = [] }
            return state.waiters
        }
        semaphore.signal()
        for waiter in waiters { waiter.resume() }
        return true
    }

    var hasFired: Bool { state.withLock { $0.hasFired } }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.hasFired { state.waiters.append(continuation) }
                return state.hasFired
            }
            if isOver { continuation.resume() }
        }
    }

    func waitBlocking() -> Bool {
        semaphore.wait()
        semaphore.signal()
        return true
    }
}

struct ScriptedError: Error {}

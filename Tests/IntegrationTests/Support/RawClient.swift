import CSystem
import Glibc

/// A blocking HTTP client on a raw socket: it says exactly the bytes it is told, reads as far as it is told, and leaves
/// as rudely as it is told.
final class RawClient {
    enum Fault: Error, Equatable {
        /// The server ended the connection before the answer was whole.
        case closedEarly
        case reset
        /// Nothing came before the deadline.
        case timedOut
        case malformed(String)
    }

    private let descriptor: Int32
    private var buffered: [UInt8] = []
    private var isOpen = true
    private var framing = Framing.none

    private enum Framing: Equatable { case none, length(Int), chunked, untilClose }

    /// - Parameter receiveBuffer: Bytes the kernel keeps for us; small, to play a slow reader.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("no socket: \(String(cString: strerror(errno)))") }
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close()
            throw TestFailure("cannot connect to port \(port): \(reason)")
        }
    }

    deinit { close() }

    /// Leaves with a FIN.
    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }

    /// Leaves with a RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Fault.reset }
            sent += count
        }
    }
}

// MARK: - Reading

extension RawClient {
    /// The next answer's head; its body is read by `piece`.
    ///
    /// - Parameter toHead: The answer is to a HEAD request and has no body.
    func head(toHead: Bool = false, _ deadline: Deadline = .within(.seconds(15))) throws -> Reply.Head {
        while true {
            let end = try fill(deadline) { Self.find("\r\n\r\n", in: $0) }
            let head = try Reply.Head(Array(buffered[..<end]))
            buffered.removeFirst(end + 4)
            if head.status < 200 { continue }
            framing = Self.framing(head, toHead: toHead)
            return head
        }
    }

    /// Some more bytes of the body: one chunk, or what has come; `nil` at its proper end.
    func piece(_ deadline: Deadline = .within(.seconds(15))) throws -> [UInt8]? {
        switch framing {
        case .none: return nil
        case .length(let count):
            if buffered.isEmpty { try receive(deadline) }
            let piece = Array(buffered.prefix(count))
            buffered.removeFirst(piece.count)
            framing = count == piece.count ? .none : .length(count - piece.count)
            return piece
        case .chunked: return try chunk(deadline)
        case .untilClose:
            do { if buffered.isEmpty { try receive(deadline) } } catch Fault.closedEarly { return nil }
            defer { buffered = [] }
            return buffered
        }
    }

    /// A whole answer, with the time at which each piece came.
    func reply(toHead: Bool = false, _ deadline: Deadline = .within(.seconds(15))) throws -> Reply {
        var reply = Reply(head: try head(toHead: toHead, deadline))
        do {
            while let piece = try piece(deadline) {
                reply.body += piece
                reply.arrivals.append((ContinuousClock.now, reply.body.count))
            }
        } catch let fault as Fault {
            reply.fault = fault
        }
        return reply
    }

    /// Whether the server has ended the connection.
    func isClosedByServer(_ deadline: Deadline = .within(.seconds(5))) -> Bool {
        do {
            while true { try receive(deadline) }
        } catch Fault.timedOut {
            return false
        } catch {
            return true
        }
    }

    private func chunk(_ deadline: Deadline) throws -> [UInt8]? {
        let lineEnd = try fill(deadline) { Self.find("\r\n", in: $0) }
        let line = String(decoding: buffered[..<lineEnd], as: UTF8.self)
        guard let size = Int(line, radix: 16) else { throw Fault.malformed("chunk size \(line)") }
        let total = lineEnd + 2 + size + 2
        _ = try fill(deadline) { $0.count >= total ? total : nil }
        guard buffered[total - 2] == 13, buffered[total - 1] == 10 else { throw Fault.malformed("end of chunk") }
        defer { buffered.removeFirst(total) }
        if size == 0 {
            framing = .none
            return nil
        }
        return Array(buffered[(lineEnd + 2)..<(lineEnd + 2 + size)])
    }

    private func fill(_ deadline: Deadline, until end: ([UInt8]) -> Int?) throws -> Int {
        while true {
            if let end = end(buffered) { return end }
            try receive(deadline)
        }
    }

    private func receive(_ deadline: Deadline) throws {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, deadline.millisecondsLeft) > 0 else { throw Fault.timedOut }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count != 0 else { throw Fault.closedEarly }
        guard count > 0 else { throw Fault.reset }
        buffered += bytes[..<count]
    }

    private static func framing(_ head: Reply.Head, toHead: Bool) -> Framing {
        if toHead || head.status == 204 || head.status == 304 { return .none }
        if head["transfer-encoding"] == "chunked" { return .chunked }
        guard let length = head["content-length"].flatMap({ Int($0) }) else { return .untilClose }
        return length == 0 ? .none : .length(length)
    }

    private static func find(_ text: StaticString, in bytes: [UInt8]) -> Int? {
        let found = csystem_find(bytes, bytes.count, text.utf8Start, text.utf8CodeUnitCount)
        return found < 0 ? nil : found
    }
}

extension RawClient {
    /// Whether the server says anything, or closes, in this time.
    func hasBytes(within limit: Duration) throws -> Bool {
        if !buffered.isEmpty { return true }
        do { try receive(.within(limit)) } catch Fault.timedOut { return false } catch { return true }
        return true
    }
}

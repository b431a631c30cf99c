import CSystem
import Glibc

/// A blocking client on a raw socket, which says exactly the bytes it is told. Gives up on a silent server after five
/// seconds.
//
// Unchecked: a test uses a client in one task at a time.
final class TestClient: @unchecked Sendable {
    let descriptor: Int32
    private var buffered: [UInt8] = []
    private var isClosed = false

    struct Answer: Equatable {
        var status: Int
        var fields: [String: String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// What reading a whole connection gave.
    enum End: Equatable {
        case closed, reset, timedOut
    }

    /// - Parameter receiveBuffer: Bytes the kernel keeps for us; small, to play a slow reader.
    init(port: UInt16, receiveBuffer: Int32? = nil, ipv6: Bool = false) {
        let family = ipv6 ? AF_INET6 : AF_INET
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        connectToLoopback(family, port)
    }

    deinit { close() }

    func close() {
        if !isClosed { Glibc.close(descriptor) }
        isClosed = true
    }

    /// Closes with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// - Returns: False when the server has closed.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Some more bytes; `nil` at the end.
    func receive() -> [UInt8]? {
        if !buffered.isEmpty {
            defer { buffered = [] }
            return buffered
        }
        return readMore() == nil ? buffered.isEmpty ? nil : receive() : nil
    }

    /// The next answer; `nil` when the connection ended before one was complete.
    ///
    /// - Parameter toHead: The answer is to a HEAD request and has no body.
    func answer(toHead: Bool = false) -> Answer? {
        guard var answer = head() else { return nil }
        let isBodiless = toHead || answer.status == 204 || answer.status == 304 || answer.status < 200
        if isBodiless { return answer }
        guard let body = body(answer.fields) else { return nil }
        answer.body = body
        return answer
    }

    /// The head of the next answer, which must be followed by `chunk()`.
    func head() -> Answer? {
        guard let headEnd = fill(until: { find("\r\n\r\n", in: $0).map { $0 + 4 } }) else { return nil }
        let lines = lines(of: buffered[..<(headEnd - 4)])
        buffered.removeFirst(headEnd)
        guard let first = lines.first, let status = Int(first.split(separator: " ").dropFirst().first ?? "") else {
            return nil
        }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[String(parts[0])] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        return Answer(status: status, fields: fields, body: [])
    }

    private func body(_ fields: [String: String]) -> [UInt8]? {
        if fields["transfer-encoding"] == "chunked" {
            var body: [UInt8] = []
            while let chunk = chunk() {
                if chunk.isEmpty { return body }
                body += chunk
            }
            return nil
        }
        guard let length = fields["content-length"].flatMap({ Int($0) }) else {
            return rest().bytes
        }
        guard fill(until: { $0.count >= length ? length : nil }) != nil else { return nil }
        defer { buffered.removeFirst(length) }
        return Array(buffered[..<length])
    }

    /// The next chunk; empty for the last one, `nil` when the connection ended.
    func chunk(afterHead: Bool = false) -> [UInt8]? {
        if afterHead, head() == nil { return nil }
        guard let lineEnd = fill(until: { find("\r\n", in: $0) }) else { return nil }
        guard let size = Int(String(decoding: buffered[..<lineEnd], as: UTF8.self), radix: 16) else { return nil }
        let total = lineEnd + 2 + size + 2
        guard fill(until: { $0.count >= total ? total : nil }) != nil else { return nil }
        defer { buffered.removeFirst(total) }
        return Array(buffered[(lineEnd + 2)..<(lineEnd + 2 + size)])
    }

    /// Whether something can be read, or the connection has ended, within the time.
    func waitForInput(milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, milliseconds) > 0
    }

    /// Everything up to the connection's end, and how it ended.
    func rest() -> (bytes: [UInt8], end: End) {
        while true {
            guard let end = readMore() else { continue }
            defer { buffered = [] }
            return (buffered, end)
        }
    }

    /// - Returns: How the connection ended, or `nil` when bytes came.
    private func readMore() -> End? {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 {
            buffered += chunk[..<count]
            return nil
        }
        return count == 0 ? .closed : errno == ECONNRESET || errno == EPIPE ? .reset : .timedOut
    }

    private func fill(until isComplete: ([UInt8]) -> Int?) -> Int? {
        while true {
            if let end = isComplete(buffered) { return end }
            if readMore() != nil { return nil }
        }
    }

    private func lines(of bytes: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        for byte in bytes where byte != 0x0D {
            if byte == 0x0A {
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
            }
        }
        return lines + [String(decoding: line, as: UTF8.self)]
    }

    private func find(_ text: StaticString, in bytes: [UInt8]) -> Int? {
        let found = csystem_find(bytes, bytes.count, text.utf8Start, text.utf8CodeUnitCount)
        return found < 0 ? nil : found
    }

    private func connectToLoopback(_ family: Int32, _ port: UInt16) {
        if family == AF_INET {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            withUnsafePointer(to: &address) { connectTo($0, MemoryLayout<sockaddr_in>.size) }
        } else {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            withUnsafePointer(to: &address) { connectTo($0, MemoryLayout<sockaddr_in6>.size) }
        }
    }

    private func connectTo<Address>(_ address: UnsafePointer<Address>, _ length: Int) {
        _ = address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(length))
        }
    }
}

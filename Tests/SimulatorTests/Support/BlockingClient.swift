import Glibc
import PolluxCore

/// A small HTTP client over blocking sockets that keeps what a good client hides: where chunks ended, and how the
/// connection did.
struct BlockingClient {
    let port: UInt16

    struct Reply {
        enum Ending { case complete, closedEarly, reset, timedOut }

        var status = 0
        var fields: [(name: String, value: String)] = []
        var chunks: [[UInt8]] = []
        var ending = Ending.complete

        var body: [UInt8] { Array(chunks.joined()) }
        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSON? { try? JSON.parse(body, .upstream) }
        func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    }

    func get(_ target: String, _ fields: [(String, String)] = []) -> Reply { send("GET", target, fields, nil) }

    func post(_ target: String, _ fields: [(String, String)] = [], _ body: JSON) -> Reply {
        send("POST", target, fields, body.bytes())
    }

    func send(
        _ method: String, _ target: String, _ fields: [(String, String)], _ body: [UInt8]?,
        type: String = "application/json"
    ) -> Reply {
        guard let connection = open(method, target, fields, body, type: type) else {
            return Reply(ending: .closedEarly)
        }
        defer { connection.close() }
        var reader = ReplyReader(connection)
        return reader.read()
    }

    /// Sends a request and hands over the connection, for a test that leaves before the answer is whole.
    func open(
        _ method: String, _ target: String, _ fields: [(String, String)], _ body: [UInt8]?,
        type: String = "application/json"
    ) -> Connection? {
        guard let connection = Connection(port: port) else { return nil }
        var head = "\(method) \(target) HTTP/1.1\r\nhost: 127.0.0.1:\(port)\r\nconnection: close\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "content-type: \(type)\r\ncontent-length: \(body.count)\r\n" }
        connection.send(Array("\(head)\r\n".utf8) + (body ?? []))
        return connection
    }
}

/// One blocking connection.
struct Connection {
    enum Piece { case bytes([UInt8]), end, reset, timedOut }

    private let descriptor: Int32

    init?(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            Glibc.close(descriptor)
            return nil
        }
    }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    func receive(upTo count: Int = 65_536) -> Piece {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = recv(descriptor, &buffer, count, 0)
        if received > 0 { return .bytes(Array(buffer[..<received])) }
        if received == 0 { return .end }
        return errno == ECONNRESET ? .reset : .timedOut
    }

    func close() { Glibc.close(descriptor) }
}

/// Reads one answer and remembers its chunks.
struct ReplyReader {
    private let connection: Connection
    private var buffer: [UInt8] = []
    private var reply = BlockingClient.Reply()

    init(_ connection: Connection) { self.connection = connection }

    mutating func readHead() -> BlockingClient.Reply {
        guard let head = take(through: "\r\n\r\n") else { return reply }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        reply.status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        reply.fields = lines.dropFirst().map { line in
            let halves = line.split(separator: ":", maxSplits: 1)
            return (halves[0].lowercased(), halves.count > 1 ? String(halves[1].drop { $0 == " " }) : "")
        }
        if (100...199).contains(reply.status) { return readHead() }
        return reply
    }

    mutating func read() -> BlockingClient.Reply {
        guard readHead().ending == .complete, reply.status > 0 else { return reply }
        if reply.field("transfer-encoding") == "chunked" {
            while let chunk = readChunk() { reply.chunks.append(chunk) }
        } else if let length = reply.field("content-length").flatMap({ Int($0) }), length > 0 {
            if let body = take(length) { reply.chunks = [body] }
        }
        return reply
    }

    /// nil at the last chunk, and when the answer breaks off.
    mutating func readChunk() -> [UInt8]? {
        guard let line = take(through: "\r\n"),
            let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16)
        else {
            if reply.ending == .complete { reply.ending = .closedEarly }
            return nil
        }
        guard let chunk = take(size), take(through: "\r\n") != nil else {
            reply.chunks.append(buffer)
            return nil
        }
        return size == 0 ? nil : chunk
    }

    private mutating func take(through mark: String) -> [UInt8]? {
        let wanted = Array(mark.utf8)
        while true {
            if buffer.count >= wanted.count {
                for start in 0...buffer.count - wanted.count
                where buffer[start..<start + wanted.count].elementsEqual(wanted) {
                    return take(start + wanted.count)
                }
            }
            guard fill() else { return nil }
        }
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        while buffer.count < count {
            guard fill() else { return nil }
        }
        let taken = Array(buffer[..<count])
        buffer.removeFirst(count)
        return taken
    }

    private mutating func fill() -> Bool {
        switch connection.receive() {
        case .bytes(let bytes): buffer += bytes
        case .end: reply.ending = .closedEarly
        case .reset: reply.ending = .reset
        case .timedOut: reply.ending = .timedOut
        }
        return reply.ending == .complete
    }
}

import Glibc
import PolluxCore
import PolluxTesting
import Synchronization

@testable import PolluxRedis

/// A connection that a test can wait for, by what it writes into the log.
final class WatchedConnection: Sendable {
    let connection: RedisConnection
    private let log = EventLog()

    init(_ url: String, scripts: [RedisScript] = [], timeout: Duration = .milliseconds(50)) throws {
        connection = try RedisConnection(
            try RedisAddress(Secret(url)), scripts: scripts, timeout: timeout, log: Logger(level: .debug, sink: log))
        try connection.start()
    }

    deinit { connection.stop() }

    /// Waits for the next record of this event.
    func waits(for event: String, within limit: Duration = .seconds(10)) -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if log.takes(event) { return true }
            poll(nil, 0, 5)
        }
        return false
    }

    var isConnected: Bool { waits(for: "connected to Redis") }
    /// What the log says of the connection.
    var words: String { log.words }
}

final class EventLog: LogSink {
    private let records = Mutex<[LogRecord]>([])
    private let all = Mutex("")

    func write(_ record: LogRecord) {
        records.withLock { $0.append(record) }
        all.withLock { $0 += "\(record.event) \(record.fields)\n" }
    }

    func takes(_ event: String) -> Bool {
        records.withLock { records in
            guard let index = records.firstIndex(where: { $0.event == event }) else { return false }
            records.removeSubrange(...index)
            return true
        }
    }

    var words: String { all.withLock { $0 } }
}

/// A server that takes one connection after the other, and says to each the same bytes whatever it hears.
final class BabblingServer: Sendable {
    let url: String
    private let listener: Int32
    private let path: String

    init(_ bytes: String) throws {
        path = "/tmp/pollux-babble-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        url = "unix://" + path
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8) + [0]) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0, listen(listener, 16) == 0 else { throw RedisServer.Failure("no listener") }
        let box = Box(listener: listener, bytes: Array(bytes.utf8))
        var thread = pthread_t()
        pthread_create(&thread, nil, babble, Unmanaged.passRetained(box).toOpaque())
        pthread_detach(thread)
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        unlink(path)
    }

    final class Box: Sendable {
        let listener: Int32
        let bytes: [UInt8]
        init(listener: Int32, bytes: [UInt8]) { (self.listener, self.bytes) = (listener, bytes) }
    }
}

private func babble(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let box = Unmanaged<BabblingServer.Box>.fromOpaque(argument).takeRetainedValue()
    while case let client = accept(box.listener, nil, nil), client >= 0 {
        var heard = [UInt8](repeating: 0, count: 4096)
        _ = read(client, &heard, heard.count)
        _ = send(client, box.bytes, box.bytes.count, Int32(MSG_NOSIGNAL))
        close(client)
    }
    close(box.listener)
    return nil
}

import Glibc
import PolluxCore
import Synchronization

/// Takes records from any thread without blocking it, and writes them from one thread of its own.
///
/// Bounded: when the reader of the log is too slow, records are dropped and their number is written later.
/// Unchecked: everything but the queue belongs to the writing thread; the semaphore is a thread-safe system object.
final class LogWriter: LogSink, @unchecked Sendable {
    private struct Queue {
        var records: [(WallTime, LogRecord)] = []
        var dropped = 0
        var isWriting = false
    }

    private let queue = Mutex(Queue())
    private let available: UnsafeMutablePointer<sem_t>
    private let time: any TimeSource
    private let formatter: LogFormatter
    private let output: LogOutput
    private static let maxQueued = 4096

    init(formatter: LogFormatter, output: LogOutput, time: any TimeSource) throws(GatewayError) {
        (self.formatter, self.output, self.time) = (formatter, output, time)
        available = .allocate(capacity: 1)
        sem_init(available, 0, 0)
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runLogWriter, Unmanaged.passRetained(self).toOpaque()) == 0 else {
            throw GatewayError(.internalError, .request, "cannot start the thread that writes the log")
        }
        pthread_detach(thread)
    }

    func write(_ record: LogRecord) {
        let now = time.wallNow
        let wake = queue.withLock { queue in
            guard queue.records.count < Self.maxQueued else {
                queue.dropped += 1
                return false
            }
            queue.records.append((now, record))
            return queue.records.count == 1
        }
        if wake { sem_post(available) }
    }

    func mask(_ secrets: [Secret]) { formatter.secrets.add(secrets) }

    /// Waits until what was taken is written, at most two seconds; for the end of the process.
    func flush() {
        for _ in 0..<200 {
            let isDone = queue.withLock { $0.records.isEmpty && !$0.isWriting }
            if isDone { return }
            sem_post(available)
            usleep(10_000)
        }
    }

    fileprivate func run() {
        while true {
            while sem_wait(available) != 0 {}
            let (records, dropped) = queue.withLock { queue in
                defer { (queue.records, queue.dropped, queue.isWriting) = ([], 0, true) }
                return (queue.records, queue.dropped)
            }
            var bytes: [UInt8] = []
            for (when, record) in records { formatter.append(record, at: when, to: &bytes) }
            if dropped > 0 {
                let note = LogRecord(
                    level: .warning, event: "log records dropped", fields: [LogField("count", dropped)])
                formatter.append(note, at: time.wallNow, to: &bytes)
            }
            output.write(bytes)
            queue.withLock { $0.isWriting = false }
        }
    }
}

/// A free function: a closure made on the main actor would trap when another thread calls it.
private func runLogWriter(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<LogWriter>.fromOpaque(argument).takeUnretainedValue().run()
    return nil
}

public import PolluxCore
internal import Synchronization

/// A log in memory, for tests that look at what was said, and for those that look for what must not be.
public final class RecordedLog: LogSink {
    private let kept = Mutex<[LogRecord]>([])

    public init() {}

    public var records: [LogRecord] { kept.withLock { $0 } }
    /// Everything that was written, as one text.
    public var text: String { records.map { "\($0.event) \($0.fields)" }.joined(separator: "\n") }
    /// A logger that writes here, debug records included.
    public var logger: Logger { Logger(level: .debug, sink: self) }

    public func write(_ record: LogRecord) { kept.withLock { $0.append(record) } }
}

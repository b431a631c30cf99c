import Synchronization

/// Structured, levelled records. A record is an event's name and its fields; never a prompt or a secret.
public struct Logger: Sendable {
    public enum Level: String, Sendable, CaseIterable, Comparable {
        /// The steps of a request.
        case debug
        /// Changes of state.
        case info
        /// What an operator should look at.
        case warning
        /// What an operator must look at.
        case error

        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
        /// Its place in `allCases`.
        fileprivate var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            }
        }
    }

    private let threshold: Threshold
    private let sink: any LogSink
    private let fields: [LogField]

    public init(level: Level, sink: any LogSink) { self.init(Threshold(level), sink: sink, fields: []) }

    private init(_ threshold: Threshold, sink: any LogSink, fields: [LogField]) {
        (self.threshold, self.sink, self.fields) = (threshold, sink, fields)
    }

    /// Shared by a logger and all that were made from it, so that a reload reaches every part of the gateway.
    private final class Threshold: Sendable {
        let index: Atomic<Int>
        init(_ level: Level) { index = Atomic(level.rank) }
    }

    /// The least important level that is written.
    public var level: Level { Level.allCases[threshold.index.load(ordering: .relaxed)] }

    /// Changes it for this logger, those that were made from it, and the one it was made from.
    public func setLevel(_ level: Level) { threshold.index.store(level.rank, ordering: .relaxed) }

    /// Writes nothing; for tests and for parts that are only validated.
    public static let silent = Logger(level: .error, sink: SilentSink())

    /// The same logger with fields that every record carries: the request's id, the provider's name.
    public func with(_ more: LogField...) -> Logger { Logger(threshold, sink: sink, fields: fields + more) }

    public func debug(_ event: String, _ more: @autoclosure () -> [LogField] = []) { log(.debug, event, more) }
    public func info(_ event: String, _ more: @autoclosure () -> [LogField] = []) { log(.info, event, more) }
    public func warning(_ event: String, _ more: @autoclosure () -> [LogField] = []) { log(.warning, event, more) }
    public func error(_ event: String, _ more: @autoclosure () -> [LogField] = []) { log(.error, event, more) }

    /// Values that must never be written, whatever a record holds.
    public func mask(_ secrets: [Secret]) { sink.mask(secrets) }

    /// True when a record of this level would be written; ask before gathering something costly.
    public func writes(_ level: Level) -> Bool { level.rank >= threshold.index.load(ordering: .relaxed) }

    private func log(_ level: Level, _ event: String, _ more: () -> [LogField]) {
        guard writes(level) else { return }
        sink.write(LogRecord(level: level, event: event, fields: fields + more()))
    }
}

/// A name and a value: `.init("status", 200)`.
public struct LogField: Sendable, Equatable {
    public enum Value: Sendable, Equatable { case text(String), integer(Int), boolean(Bool), milliseconds(Double) }
    public let name: String
    public let value: Value

    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, .text(value)) }
    public init(_ name: String, _ value: Int) { (self.name, self.value) = (name, .integer(value)) }
    public init(_ name: String, _ value: Bool) { (self.name, self.value) = (name, .boolean(value)) }
    /// Written in milliseconds with three decimals.
    public init(_ name: String, _ value: Duration) {
        (self.name, self.value) = (name, .milliseconds(Double(value.microseconds) / 1000))
    }
}

public struct LogRecord: Sendable, Equatable {
    public let level: Logger.Level
    public let event: String
    public let fields: [LogField]

    public init(level: Logger.Level, event: String, fields: [LogField]) {
        (self.level, self.event, self.fields) = (level, event, fields)
    }
}

/// Where records go. Must not block its caller.
public protocol LogSink: Sendable {
    func write(_ record: LogRecord)
    /// Masks these values in every later record.
    func mask(_ secrets: [Secret])
}

extension LogSink {
    public func mask(_ secrets: [Secret]) {}
}

struct SilentSink: LogSink {
    func write(_ record: LogRecord) {}
}

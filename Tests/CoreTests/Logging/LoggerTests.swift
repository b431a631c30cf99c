import PolluxCore
import Synchronization
import Testing

@Suite("Log records")
struct LoggerTests {
    private final class Collector: LogSink {
        private let kept = Mutex<[LogRecord]>([])
        func write(_ record: LogRecord) { kept.withLock { $0.append(record) } }
        var records: [LogRecord] { kept.withLock { $0 } }
    }

    @Test("a level lets through itself and what is more important", arguments: Logger.Level.allCases)
    func levels(level: Logger.Level) {
        let sink = Collector()
        let log = Logger(level: level, sink: sink)
        log.debug("d")
        log.info("i")
        log.warning("w")
        log.error("e")
        let written = Logger.Level.allCases.filter { $0 >= level }
        #expect(sink.records.map(\.level) == written)
        for other in Logger.Level.allCases { #expect(log.writes(other) == written.contains(other)) }
    }

    @Test("a new level holds for a logger and all that were made from it")
    func newLevel() {
        let sink = Collector()
        let log = Logger(level: .warning, sink: sink)
        let child = log.with(LogField("provider", "p"))
        child.debug("unheard")
        log.setLevel(.debug)
        child.debug("heard")
        #expect(sink.records.map(\.event) == ["heard"])
        #expect(child.level == .debug)
    }

    @Test("the fields of a record below the level are not even made")
    func lazy() {
        var made = 0
        let fields = { () -> [LogField] in
            made += 1
            return []
        }
        Logger(level: .warning, sink: Collector()).info("quiet", fields())
        #expect(made == 0)
    }

    @Test("a logger's own fields stand in front of a record's")
    func fields() {
        let sink = Collector()
        let log = Logger(level: .debug, sink: sink).with(LogField("request", "r1")).with(LogField("provider", "p"))
        log.info("attempt", [LogField("attempt", 2), LogField("ok", true), LogField("took", .microseconds(1500))])
        #expect(
            sink.records == [
                LogRecord(
                    level: .info, event: "attempt",
                    fields: [
                        LogField("request", "r1"), LogField("provider", "p"), LogField("attempt", 2),
                        LogField("ok", true), LogField("took", .microseconds(1500)),
                    ])
            ])
        #expect(sink.records.first?.fields.last?.value == .milliseconds(1.5))
    }
}

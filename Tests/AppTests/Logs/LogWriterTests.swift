import Glibc
import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Writing the log")
struct LogWriterTests {
    private func writer(_ path: String) throws -> LogWriter {
        let formatter = LogFormatter(style: .json)
        return try LogWriter(formatter: formatter, output: try LogOutput(path: path), time: ManualTime())
    }

    @Test("records come out in order, into a file for its owner alone")
    func order() throws {
        let folder = try TemporaryFolder()
        let writer = try writer(folder.file("p.log"))
        for number in 0..<1000 { writer.write(LogRecord(level: .info, event: "e", fields: [LogField("n", number)])) }
        writer.flush()
        let numbers = try folder.text("p.log").split(separator: "\n").map { try JSON.parse(Array($0.utf8))["n"] }
        #expect(numbers == (0..<1000).map { .number(JSONNumber($0)) })
        var info = stat()
        #expect(stat(folder.file("p.log"), &info) == 0)
        #expect(info.st_mode & 0o777 == 0o600)
    }

    @Test("a log that nobody reads costs records, not memory or time, and their number is written")
    func drops() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("pipe")
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let writer = try writer(path)
        let text = String(repeating: "x", count: 200)
        let count = 20_000
        for number in 0..<count {
            writer.write(LogRecord(level: .info, event: "e", fields: [LogField("n", number), LogField("x", text)]))
        }
        var (kept, dropped) = (0, 0)
        var lines = PipeLines(descriptor: reader)
        while kept + dropped < count, let line = lines.next() {
            let record = try JSON.parse(Array(line.utf8))
            if record["event"] == "log records dropped" {
                dropped += record["count"]?.int ?? 0
            } else {
                kept += 1
            }
        }
        #expect(dropped > 0)
        #expect(kept + dropped == count)
    }

    @Test("a file that cannot be written is refused with its name")
    func refused() {
        let error = #expect(throws: GatewayError.self) { try LogOutput(path: "/no/such/folder/p.log") }
        #expect(error?.message == "log.file: /no/such/folder/p.log cannot be written: No such file or directory")
    }
}

/// Lines from a pipe, waiting at most ten seconds for each piece.
private struct PipeLines {
    let descriptor: Int32
    private var buffer: [UInt8] = []

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func next() -> String? {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                defer { buffer.removeSubrange(...end) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 10_000) > 0 else { return nil }
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { return nil }
            buffer += piece[..<count]
        }
    }
}

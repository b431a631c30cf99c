import PolluxCore
import Testing

@testable import PolluxApp

@Suite("A record is one line (L-3)")
struct LogFormatterTests {
    private let time = WallTime(microseconds: 1_767_225_600_042_999)

    private func line(_ style: LogFormatter.Style, _ record: LogRecord, secrets: [Secret] = []) -> String {
        var bytes: [UInt8] = []
        LogFormatter(style: style, secrets: secrets).append(record, at: time, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func record(_ fields: [LogField], event: String = "request") -> LogRecord {
        LogRecord(level: .warning, event: event, fields: fields)
    }

    @Test("text for people: time, level, event, then the fields; quotes only where they are needed")
    func text() {
        let fields = [
            LogField("status", 502), LogField("took_ms", .microseconds(1500)), LogField("ok", false),
            LogField("model", "gemini"), LogField("message", "try \"again\" later"), LogField("empty", ""),
        ]
        #expect(
            line(.text, record(fields))
                == "2026-01-01T00:00:00.042Z WARNING request  status=502  took_ms=1.5  ok=false  "
                + "model=gemini  message=\"try \\\"again\\\" later\"\n")
    }

    @Test("JSON for programs: numbers stay numbers, empty texts are left out")
    func json() throws {
        let fields = [
            LogField("status", 502), LogField("took_ms", .microseconds(1500)), LogField("ok", true),
            LogField("message", "a \"b\""), LogField("empty", ""),
        ]
        let text = line(.json, record(fields))
        #expect(
            text == "{\"time\":\"2026-01-01T00:00:00.042Z\",\"level\":\"warning\",\"event\":\"request\",\"status\":502,"
                + "\"took_ms\":1.5,\"ok\":true,\"message\":\"a \\\"b\\\"\"}\n")
    }

    @Test(
        "whatever a field holds, the record is one line of at most 16 KiB", arguments: [LogFormatter.Style.text, .json])
    func oneLine(style: LogFormatter.Style) throws {
        let wild = "a\r\nb\u{2028}c\u{1B}[0m\"\\ 語🎈\0"
        let values = [wild, wild + wild] + [wild, "\n", "\"", "語"].map { String(repeating: $0, count: 3000) }
        let fields = (0..<24).map { LogField("field\($0)", values[$0 % values.count]) }
        let text = line(style, record(fields, event: wild))
        #expect(text.utf8.count <= 16 << 10)
        #expect(text.unicodeScalars.filter { $0.value < 0x20 || $0.value == 0x2028 } == ["\n"])
        #expect(text.hasSuffix("\n"))
        if style == .json { _ = try JSON.parse(Array(text.utf8)) }
    }

    @Test(
        "a long field is cut at 2 KiB, and the fields behind it are kept", arguments: [LogFormatter.Style.text, .json])
    func longField(style: LogFormatter.Style) {
        let text = line(
            style, record([LogField("long", String(repeating: "x", count: 100_000)), LogField("next", "here")]))
        #expect(text.contains(String(repeating: "x", count: 2048) + "…"))
        #expect(!text.contains(String(repeating: "x", count: 2049)))
        #expect(text.contains("here"))
    }

    @Test("a secret is masked before a long field is cut: no half of it is left at the cut", arguments: 2030...2050)
    func secretAtTheCut(offset: Int) {
        let secret = "correct horse battery staple"
        let field = LogField("detail", String(repeating: "-", count: offset) + secret + " end")
        #expect(!line(.json, record([field]), secrets: [Secret(secret)]).contains("cor"))
    }

    @Test("times before 1970 and at the end of a year are written right")
    func timestamps() {
        #expect(Timestamp.text(WallTime(microseconds: -1)) == "1969-12-31T23:59:59.999Z")
        #expect(Timestamp.text(WallTime(seconds: 1_735_689_599)) == "2024-12-31T23:59:59.000Z")
        #expect(Timestamp.text(WallTime(seconds: 1_709_210_096)) == "2024-02-29T12:34:56.000Z")
    }
}

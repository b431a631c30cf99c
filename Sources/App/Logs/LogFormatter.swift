import Glibc
import PolluxCore

/// Turns a record into one line (L-3): text for people, JSON for programs. Every text passes the redactor.
struct LogFormatter: Sendable {
    enum Style: Sendable { case text, json }

    let style: Style
    let secrets: KnownSecrets

    init(style: Style, secrets: [Secret] = []) { (self.style, self.secrets) = (style, KnownSecrets(secrets)) }

    private static let maxField = 2 << 10
    private static let maxLine = 16 << 10
    /// What is looked through for secrets; no field comes near it.
    private static let maxCleaned = 64 << 10

    func append(_ record: LogRecord, at time: WallTime, to bytes: inout [UInt8]) {
        var line: [UInt8] = []
        switch style {
        case .text: appendText(record, time, &line)
        case .json: appendJSON(record, time, &line)
        }
        bytes += line
        bytes.append(0x0A)
    }

    private func appendText(_ record: LogRecord, _ time: WallTime, _ line: inout [UInt8]) {
        let level = record.level.rawValue.uppercased()
        line += "\(Timestamp.text(time)) \(level)\(String(repeating: " ", count: max(0, 8 - level.utf8.count)))".utf8
        line += cleaned(record.event).utf8
        for field in record.fields {
            guard let value = text(field.value) else { continue }
            var piece = Array("  \(field.name)=".utf8)
            let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F }
            if isPlain { piece += value.utf8 } else { JSONWriter.appendString(value, to: &piece) }
            guard line.count + piece.count <= Self.maxLine else { continue }
            line += piece
        }
    }

    private func appendJSON(_ record: LogRecord, _ time: WallTime, _ line: inout [UInt8]) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("time", Timestamp.text(time))
        writer.member("level", record.level.rawValue)
        writer.member("event", cleaned(record.event))
        for field in record.fields {
            switch field.value {
            case .integer(let number): writer.member(field.name, number)
            case .boolean(let flag): writer.member(field.name, flag)
            case .milliseconds(let number): writer.member(field.name, number)
            case .text:
                guard let value = text(field.value) else { continue }
                // Escapes make a text at most twice as long: the redactor leaves no control characters.
                guard writer.bytes.count + 2 * value.utf8.count + field.name.utf8.count < Self.maxLine - 64 else {
                    continue
                }
                writer.member(field.name, value)
            }
        }
        writer.endObject()
        line += writer.bytes
    }

    /// `nil` for an empty text, which says nothing.
    private func text(_ value: LogField.Value) -> String? {
        switch value {
        case .integer(let number): return String(number)
        case .boolean(let flag): return String(flag)
        case .milliseconds(let number): return String(number)
        case .text(let text):
            return text.isEmpty ? nil : cleaned(text)
        }
    }

    /// Without secrets, then cut: the other way round, half a secret could stay at the cut.
    private func cleaned(_ text: String) -> String {
        let known =
            text.utf8.count <= Self.maxCleaned
            ? text : String(decoding: text.utf8.prefix(Self.maxCleaned), as: UTF8.self)
        let clean = secrets.redactor.clean(known)
        guard clean.utf8.count > Self.maxField else { return clean }
        return String(decoding: clean.utf8.prefix(Self.maxField), as: UTF8.self) + "…"
    }
}

/// RFC 3339 in UTC, with milliseconds.
enum Timestamp {
    static func text(_ time: WallTime) -> String {
        var seconds = time_t(time.seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let milliseconds = Int((time.microseconds - time.seconds &* 1_000_000) / 1000)
        let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        let clock = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
        let fraction = String(1000 + milliseconds).dropFirst()
        return "\(date)T\(clock).\(fraction)Z"
    }

    private static func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
}

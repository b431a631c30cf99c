import PolluxCore

/// The `Date` header line, made once a second (RFC 9110 section 5.6.7).
struct DateLine {
    private var line: [UInt8] = []
    private var validUntil = Instant(microseconds: .min)

    mutating func bytes(on loop: EventLoop) -> [UInt8] {
        let now = loop.now
        if now >= validUntil {
            let wall = loop.wallNow
            line = Self.make(wall.seconds)
            validUntil = now + .microseconds(1_000_000 - (wall.microseconds - wall.seconds * 1_000_000))
        }
        return line
    }

    /// - Parameter seconds: Since 1970-01-01 00:00 UTC.
    static func make(_ seconds: Int64) -> [UInt8] {
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let second = Int(seconds - days * 86400)
        let date = CivilDate.of(day: days)
        let weekday = (Int(days) % 7 + 11) % 7  // 1970-01-01 was a Thursday, the fourth day from Sunday on
        var line: [UInt8] = []
        line.append(literal: "date: ")
        append(name: weekday, of: "SunMonTueWedThuFriSat", to: &line)
        line.append(literal: ", ")
        append(twoDigits: date.day, to: &line)
        line.append(literal: " ")
        append(name: date.month - 1, of: "JanFebMarAprMayJunJulAugSepOctNovDec", to: &line)
        line.append(literal: " ")
        line.append(decimal: date.year)
        line.append(literal: " ")
        append(twoDigits: second / 3600, to: &line)
        line.append(literal: ":")
        append(twoDigits: second / 60 % 60, to: &line)
        line.append(literal: ":")
        append(twoDigits: second % 60, to: &line)
        line.append(literal: " GMT\r\n")
        return line
    }

    private static func append(name index: Int, of names: StaticString, to line: inout [UInt8]) {
        line.append(contentsOf: UnsafeBufferPointer(start: names.utf8Start + 3 * index, count: 3))
    }

    private static func append(twoDigits number: Int, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "0") + UInt8(number / 10))
        line.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

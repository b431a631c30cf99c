extension WallTime {
    /// RFC 3339 in UTC: `2026-11-21T18:00:00Z`, with milliseconds where there are any.
    ///
    /// Times beyond the years 1 to 9999 are cut to them.
    public var rfc3339Text: String {
        // `seconds` rounds down, which the very earliest times leave no room for.
        let seconds = max(self, WallTime(microseconds: .min + 1_000_000)).seconds
        let clipped = min(max(seconds, Self.earliest), Self.latest)
        let milliseconds = clipped == seconds ? (microseconds - seconds &* 1_000_000) / 1000 : 0
        let (day, second) = (
            Self.floorDivide(clipped, 86_400), Int(clipped - Self.floorDivide(clipped, 86_400) * 86_400)
        )
        let date = Self.civilDate(daysSinceEpoch: Int(day))
        let clock = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, to: 2) }.joined(separator: ":")
        let fraction = milliseconds == 0 ? "" : "." + Self.padded(Int(milliseconds), to: 3)
        return "\(Self.padded(date.year, to: 4))-\(Self.padded(date.month, to: 2))-\(Self.padded(date.day, to: 2))"
            + "T\(clock)\(fraction)Z"
    }

    /// - Parameter text: `2026-11-21T18:00:00Z`, with any fraction of a second and with `+HH:MM` in place of `Z`.
    /// - Returns: `nil` for every other form, and for dates that no calendar has.
    public init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        guard (20...40).contains(bytes.count), bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
        else { return nil }
        let numbers = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19].compactMap { Self.number(bytes[$0]) }
        guard numbers.count == 6,
            let local = WallTime(
                year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
                second: numbers[5])
        else { return nil }
        var rest = bytes[19...]
        var microseconds = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            let six = Array(digits.prefix(6)) + Array(repeating: UInt8(ascii: "0"), count: max(0, 6 - digits.count))
            microseconds = Self.number(six[...]) ?? 0
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = Self.offset(rest) else { return nil }
        self = local + .seconds(-offset) + .microseconds(microseconds)
    }

    /// Seconds east of UTC.
    private static func offset(_ text: ArraySlice<UInt8>) -> Int? {
        guard let sign = text.first else { return nil }
        if text.count == 1, sign | 0x20 == UInt8(ascii: "z") { return 0 }
        let bytes = Array(text.dropFirst())
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hours = number(bytes[0..<2]), hours < 24,
            let minutes = number(bytes[3..<5]), minutes < 60
        else { return nil }
        switch sign {
        case UInt8(ascii: "+"): return hours * 3600 + minutes * 60
        case UInt8(ascii: "-"): return -(hours * 3600 + minutes * 60)
        default: return nil
        }
    }

    /// At most a few digits, so that no sum of them overflows.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static let earliest: Int64 = -62_135_596_800
    private static let latest: Int64 = 253_402_300_799

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : (value - divisor + 1) / divisor
    }

    /// The inverse of counting days from years that begin in March.
    private static func civilDate(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
        let days = daysSinceEpoch + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ number: Int, to width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}

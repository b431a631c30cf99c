/// A zone's rule for ever, as the last line of a time-zone file has it: `PST8PDT,M3.2.0,M11.1.0` (POSIX `TZ`).
struct PosixZone: Sendable, Equatable {
    struct Summer: Sendable, Equatable {
        var offset: Int64
        var start: Day
        var end: Day
    }

    /// A day of each year, and the hour of the change in the local time that held before it.
    struct Day: Sendable, Equatable {
        enum Form: Sendable, Equatable {
            /// The weekday's first to fifth occurrence; the fifth is the last.
            case weekday(Int, week: Int, month: Int)
            /// 1 to 365; there is no 29 February.
            case dayWithoutLeap(Int)
            /// 0 to 365.
            case day(Int)
        }

        var form: Form
        var time: Int64 = 2 * 3600

        init(_ form: Form, time: Int64 = 2 * 3600) { (self.form, self.time) = (form, time) }
        init(month: Int, week: Int, weekday: Int) { form = .weekday(weekday, week: week, month: month) }

        /// Seconds of local time since 1970.
        func moment(in year: Int) -> Int64 { dayNumber(in: year) * 86_400 + time }

        private func dayNumber(in year: Int) -> Int64 {
            let newYear = CivilDate.day(year, 1, 1)
            switch form {
            case .day(let number): return newYear + Int64(number)
            case .dayWithoutLeap(let number):
                let isLeap = CivilDate.day(year + 1, 1, 1) - newYear == 366
                return newYear + Int64(number) - 1 + (isLeap && number >= 60 ? 1 : 0)
            case .weekday(let weekday, let week, let month):
                let first = CivilDate.day(year, month, 1)
                // 1 January 1970 was a Thursday.
                let firstWeekday = ((first + 4) % 7 + 7) % 7
                var day = first + (Int64(weekday) - firstWeekday + 7) % 7 + Int64(week - 1) * 7
                let next = month == 12 ? CivilDate.day(year + 1, 1, 1) : CivilDate.day(year, month + 1, 1)
                if day >= next { day -= 7 }
                return day
            }
        }
    }

    var offset: Int64
    var summer: Summer?

    init(offset: Int64, summer: Summer? = nil) { (self.offset, self.summer) = (offset, summer) }

    /// - Returns: `nil` for an empty rule, and for one that cannot be read.
    init?(_ text: [UInt8]) {
        var reader = RuleReader(text)
        guard reader.skipName(), let west = reader.time() else { return nil }
        offset = -west
        guard !reader.isAtEnd else { return }
        guard reader.skipName() else { return nil }
        var summerOffset = offset + 3600
        if !reader.isNext(",") {
            guard let west = reader.time() else { return nil }
            summerOffset = -west
        }
        guard let start = reader.day(), let end = reader.day(), reader.isAtEnd else { return nil }
        summer = Summer(offset: summerOffset, start: start, end: end)
    }

    /// Seconds that local time is ahead of UTC.
    func offset(at time: Int64) -> Int64 {
        guard let summer else { return offset }
        let local = time.addingReportingOverflow(offset)
        guard !local.overflow, abs(local.partialValue / 86_400) < 365_000_000 else { return offset }
        let day = local.partialValue >= 0 ? local.partialValue / 86_400 : (local.partialValue - 86_399) / 86_400
        let year = CivilDate.of(day: day).year
        let (start, end) = (summer.start.moment(in: year) - offset, summer.end.moment(in: year) - summer.offset)
        // South of the equator summer begins in one year and ends in the next.
        let isSummer = start < end ? start <= time && time < end : !(end <= time && time < start)
        return isSummer ? summer.offset : offset
    }
}

/// Walks over a rule. Numbers have at most three digits, so nothing overflows.
private struct RuleReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    func isNext(_ character: Unicode.Scalar) -> Bool { rest.first == UInt8(ascii: character) }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard isNext(character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Letters, or anything in angle brackets.
    mutating func skipName() -> Bool {
        if take("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let letters = rest.prefix { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Hours, and perhaps minutes and seconds, with a sign.
    mutating func time() -> Int64? {
        let sign: Int64 = take("-") ? -1 : 1
        if sign > 0 { _ = take("+") }
        guard let hours = number(), hours <= 167 else { return nil }
        var seconds = Int64(hours) * 3600
        for unit: Int64 in [60, 1] {
            guard take(":") else { break }
            guard let value = number(), value < 60 else { return nil }
            seconds += Int64(value) * unit
        }
        return sign * seconds
    }

    mutating func day() -> PosixZone.Day? {
        guard take(","), let form = form() else { return nil }
        guard take("/") else { return PosixZone.Day(form) }
        return time().map { PosixZone.Day(form, time: $0) }
    }

    private mutating func form() -> PosixZone.Day.Form? {
        if take("M") {
            guard let month = number(), (1...12).contains(month), take("."), let week = number(),
                (1...5).contains(week), take("."), let weekday = number(), (0...6).contains(weekday)
            else { return nil }
            return .weekday(weekday, week: week, month: month)
        }
        let withoutLeap = take("J")
        guard let number = number(), number <= 365, !withoutLeap || number >= 1 else { return nil }
        return withoutLeap ? .dayWithoutLeap(number) : .day(number)
    }
}

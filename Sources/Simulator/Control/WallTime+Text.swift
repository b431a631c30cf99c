import PolluxCore

extension WallTime {
    /// `2026-01-01T00:00:05Z`: UTC, whole seconds.
    var rfc3339: String {
        let second = Int(seconds - daysSinceEpoch * 86_400)
        let (year, month, day) = civilDate
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(year)-\(two(month))-\(two(day))T\(time)Z"
    }

    private var daysSinceEpoch: Int64 { (seconds >= 0 ? seconds : seconds - 86_399) / 86_400 }

    /// Day count to Gregorian date; years are counted from March, so that the leap day comes last.
    private var civilDate: (year: Int, month: Int, day: Int) {
        let shifted = Int(daysSinceEpoch) + 719_468  // days since 0000-03-01
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }
}

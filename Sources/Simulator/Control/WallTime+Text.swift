import PolluxCore

extension WallTime {
    /// `2026-01-01T00:00:05Z`: UTC, whole seconds.
    var rfc3339: String {
        let second = Int(seconds - daysSinceEpoch * 86_400)
        let (year, month, day) = CivilDate.of(day: daysSinceEpoch)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        return "\(year)-\(two(month))-\(two(day))T\(time)Z"
    }

    private var daysSinceEpoch: Int64 { (seconds >= 0 ? seconds : seconds - 86_399) / 86_400 }
}

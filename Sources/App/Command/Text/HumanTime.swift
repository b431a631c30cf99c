import PolluxCore

/// Times as a person says them.
enum HumanTime {
    /// `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`: the two largest units.
    static func text(_ seconds: Int) -> String {
        let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        var (parts, rest) = ([String](), max(0, seconds))
        for (index, (name, length)) in units.enumerated() {
            let count = rest / length
            rest %= length
            if count > 0 { parts.append("\(count) \(name)") }
            // A third unit says nothing that anybody plans by.
            let isSecondDone = !parts.isEmpty && (count == 0 || parts.count == 2 || index == units.count - 1)
            if isSecondDone { return parts.joined(separator: " ") }
        }
        return "0 s"
    }

    /// `in 42 s`, `5 min 3 s ago`, `now`.
    static func distance(from now: WallTime, to time: WallTime) -> String {
        let seconds = Int(clamping: (time - now).microseconds / 1_000_000)
        if seconds == 0 { return "now" }
        return seconds > 0 ? "in \(text(seconds))" : "\(text(0 - max(seconds, -Int.max))) ago"
    }

    /// `90s`, `24h`, `7d`, back from now, or a time as RFC 3339 has it.
    ///
    /// - Throws: For what is neither.
    static func past(_ text: String, _ now: WallTime, option: String) throws(GatewayError) -> WallTime {
        if let time = WallTime(rfc3339: text) { return time }
        guard let length = length(text) else { throw refusal(text, option) }
        return now + (.zero - length)
    }

    /// The same, ahead of now.
    static func future(_ text: String, _ now: WallTime, option: String) throws(GatewayError) -> WallTime {
        if let time = WallTime(rfc3339: text) { return time }
        guard let length = length(text) else { throw refusal(text, option) }
        return now + length
    }

    private static func refusal(_ text: String, _ option: String) -> GatewayError {
        .invalid(
            nil, "--\(option) takes a length such as 24h or 7d, or a time such as 2030-01-31T00:00:00Z, not \"\(text)\""
        )
    }

    /// `15m`, `24h`, `7d`, `2w`
    private static func length(_ text: String) -> Duration? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
            text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") })
        else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow || seconds > 100 * 366 * 86_400 ? nil : .seconds(seconds)
    }
}

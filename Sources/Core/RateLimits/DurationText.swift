/// Durations as clients read them.
public enum DurationText {
    /// As Go prints them: `120ms`, `1s`, `1.5s`, `6m0s`, `24h0m0s`. Rounded up to the millisecond.
    public static func go(_ duration: Duration) -> String {
        let microseconds = max(0, duration.microseconds)
        let milliseconds = microseconds / 1000 + (microseconds % 1000 > 0 ? 1 : 0)
        if milliseconds == 0 { return "0s" }
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1000
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        var text = hours > 0 ? "\(hours)h\(minutes)m" : minutes > 0 ? "\(minutes)m" : ""
        text += String(seconds % 60)
        if milliseconds % 1000 > 0 {
            var fraction = String(String(1000 + milliseconds % 1000).dropFirst())
            while fraction.hasSuffix("0") { fraction.removeLast() }
            text += "." + fraction
        }
        return text + "s"
    }
}

/// Durations as clients read them.
public enum DurationText {
    /// As Go prints them: `120ms`, `1s`, `1.5s`, `6m0s`, `24h0m0s`. Rounded up to the millisecond.
    public static func go(_ duration: Duration) -> String { go(microseconds: duration.microseconds) }

    static func go(microseconds: Int64) -> String {
        let microseconds = max(0, microseconds)
        let milliseconds = microseconds / 1000 + (microseconds % 1000 > 0 ? 1 : 0)
        if milliseconds == 0 { return "0s" }
        if milliseconds < 1000 { return FieldText.make(milliseconds) + "ms" }
        let seconds = milliseconds / 1000
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        // 15 bytes are kept without an allocation.
        return FieldText.make(capacity: hours < 1000 ? 15 : 32) { text in
            if hours > 0 {
                text.append(hours)
                text.append("h")
            }
            if hours > 0 || minutes > 0 {
                text.append(minutes)
                text.append("m")
            }
            text.append(seconds % 60)
            append(thousandths: milliseconds % 1000, to: &text)
            text.append("s")
        }
    }

    /// `.5`, `.05`, `.125`; nothing for none.
    private static func append(thousandths: Int64, to text: inout FieldText) {
        guard thousandths > 0 else { return }
        text.append(".")
        text.append(thousandths / 100)
        if thousandths % 100 > 0 { text.append(thousandths / 10 % 10) }
        if thousandths % 10 > 0 { text.append(thousandths % 10) }
    }
}

extension SettingsType where Value == Int {
    /// A whole number in decimal digits.
    public static func integer(in range: ClosedRange<Int> = 0...SettingsUnits.largestNumber) -> SettingsType {
        scalar("integer", range: text(range, "\(range.lowerBound)", "\(range.upperBound)"), write: { "\($0)" }) {
            scalar throws(SettingsProblem) in
            try scalar.refuseQuotedNumber("a whole number")
            guard scalar.isWholeNumber else { throw SettingsProblem("\(scalar.shown) is not a whole number") }
            // Digits that overflow `Int` lie outside every range.
            guard let number = Int(scalar.text), range.contains(number) else {
                throw SettingsProblem("\(scalar.shown) is outside \(range.lowerBound)...\(range.upperBound)")
            }
            return number
        }
    }

    /// Bytes, written with a unit: `64KiB`.
    public static func size(in range: ClosedRange<Int> = 1...SettingsUnits.largestNumber) -> SettingsType {
        let bounds = text(
            range, SettingsUnits.text(bytes: range.lowerBound), SettingsUnits.text(bytes: range.upperBound))
        return scalar("size", range: bounds, write: { SettingsUnits.text(bytes: $0) }) {
            scalar throws(SettingsProblem) in
            let bytes = try SettingsUnits.parseSize(scalar)
            guard range.contains(bytes) else { throw SettingsProblem("\(scalar.shown) is outside \(bounds)") }
            return bytes
        }
    }
}

extension SettingsType where Value == Double {
    /// A number with or without a fraction.
    public static func number(in range: ClosedRange<Double> = 0...Double(1 << 31)) -> SettingsType {
        scalar("number", range: text(range, write(range.lowerBound), write(range.upperBound)), write: write) {
            scalar throws(SettingsProblem) in
            try scalar.refuseQuotedNumber("a number")
            guard scalar.isDecimalNumber, let number = Double(scalar.text) else {
                throw SettingsProblem("\(scalar.shown) is not a number")
            }
            guard range.contains(number) else {
                throw SettingsProblem(
                    "\(scalar.shown) is outside \(text(range, write(range.lowerBound), write(range.upperBound)))")
            }
            return number
        }
    }

    private static func write(_ number: Double) -> String {
        if let whole = Int(exactly: number) { return "\(whole)" }
        return "\(number)"
    }
}

extension SettingsType where Value == Duration {
    /// A time, written with a unit: `90s`. Zero is refused unless the range holds it.
    public static func duration(
        in range: ClosedRange<Duration> = .milliseconds(1)...SettingsUnits.longestDuration
    ) -> SettingsType {
        let bounds = text(range, SettingsUnits.text(range.lowerBound), SettingsUnits.text(range.upperBound))
        return scalar("duration", range: bounds, write: { SettingsUnits.text($0) }) {
            scalar throws(SettingsProblem) in
            let duration = try SettingsUnits.parseDuration(scalar)
            guard range.contains(duration) else { throw SettingsProblem("\(scalar.shown) is outside \(bounds)") }
            return duration
        }
    }
}

extension SettingsType {
    fileprivate static func text<Bound>(_ range: ClosedRange<Bound>, _ lower: String, _ upper: String) -> String {
        "\(lower)...\(upper)"
    }
}

extension SettingsScalar {
    /// In flow style `{n: ${NAME}}` the braces need quotes, so text from the environment may be quoted.
    fileprivate func refuseQuotedNumber(_ kind: String) throws(SettingsProblem) {
        guard isQuoted, template == nil else { return }
        throw SettingsProblem("\(shown) is quoted text; write \(kind) without quotes")
    }

    /// `0`, `-7`, `42`: no sign but minus, and no leading zero, which other readers take for octal.
    fileprivate var isWholeNumber: Bool {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard let first = digits.first, digits.allSatisfy(SettingsText.isDigit) else { return false }
        return first != UInt8(ascii: "0") || digits.count == 1
    }

    /// Digits with an optional fraction; no exponent, `inf`, `nan` or hexadecimal.
    fileprivate var isDecimalNumber: Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2 else { return false }
        guard SettingsScalar(String(Substring(whole))).isWholeNumber else { return false }
        return parts.dropFirst().allSatisfy { !$0.isEmpty && $0.allSatisfy(SettingsText.isDigit) }
    }
}

/// Times and sizes with their units, and the bounds that numbers have when a setting names none.
public enum SettingsUnits {
    /// The largest number a setting may have unless its own range says otherwise (requirement C-6).
    public static let largestNumber = 1 << 31

    /// The longest time a setting may have unless its own range says otherwise: a year.
    public static let longestDuration = Duration.seconds(365 * 86_400)

    /// In the largest unit that leaves no rest: 90 s is `90s`, 120 s is `2m`. Less than a millisecond is dropped.
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if milliseconds != 0 { return "\(seconds * 1000 + milliseconds)ms" }
        if seconds == 0 { return "0s" }
        let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60)]
        let unit = units.first { seconds % $0.seconds == 0 } ?? ("s", 1)
        return "\(seconds / unit.seconds)\(unit.name)"
    }

    /// In the largest unit that leaves no rest: 65536 is `64KiB`.
    public static func text(bytes: Int) -> String {
        let unit = sizes.last { bytes >= $0.bytes && bytes % $0.bytes == 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    static let durations: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    static let sizes: [(name: String, bytes: Int)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    static func parseDuration(_ scalar: SettingsScalar) throws(SettingsProblem) -> Duration {
        let (number, unitName) = try split(
            scalar, kind: "duration", example: "90s", units: durations.map(\.name))
        guard let unit = durations.first(where: { $0.name == unitName }) else {
            throw unknownUnit(scalar, units: durations.map(\.name))
        }
        return .milliseconds(Int64(number) * unit.milliseconds)
    }

    static func parseSize(_ scalar: SettingsScalar) throws(SettingsProblem) -> Int {
        let (number, unitName) = try split(scalar, kind: "size", example: "64KiB", units: sizes.map(\.name))
        guard let unit = sizes.first(where: { $0.name == unitName }) else {
            throw unknownUnit(scalar, units: sizes.map(\.name))
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        if overflow { throw SettingsProblem("\(scalar.shown) is too large") }
        return bytes
    }

    /// The number (at most 2³¹, so that times of any unit fit 64 bits) and what stands behind it.
    private static func split(
        _ scalar: SettingsScalar, kind: String, example: String, units: [String]
    ) throws(SettingsProblem) -> (number: Int, unit: String) {
        let digits = scalar.text.prefix { $0.isASCII && $0.isNumber }
        let unit = String(scalar.text.dropFirst(digits.count))
        let unitList = units.joined(separator: ", ")
        guard !digits.isEmpty, unit.utf8.allSatisfy(SettingsText.isLetter) else {
            throw SettingsProblem(
                "\(scalar.shown) is not \(kind.withArticle); "
                    + "write a whole number and a unit (\(unitList)), such as \(example)")
        }
        if unit.isEmpty {
            throw SettingsProblem("\(scalar.shown) has no unit; write one of \(unitList) behind it, as in \(example)")
        }
        guard let number = Int(digits), number <= largestNumber else {
            throw SettingsProblem("\(scalar.shown) is too large")
        }
        return (number, unit)
    }

    private static func unknownUnit(_ scalar: SettingsScalar, units: [String]) -> SettingsProblem {
        SettingsProblem("\(scalar.shown) has an unknown unit; the units are \(units.joined(separator: ", "))")
    }
}

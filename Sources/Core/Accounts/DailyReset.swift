/// When daily quotas begin anew: the upstream counts them by the calendar day of Los Angeles.
///
/// A value made from the bytes of a time-zone file; the process reads the file once, at its start.
public struct DailyReset: Sendable, Equatable {
    private let zone: TimeZoneRules

    /// The zone whose midnight it is, as the time-zone database names it.
    public static let zoneName = "America/Los_Angeles"

    /// By the rules that have held since 2007, for a machine without a time-zone database.
    public static let builtIn = DailyReset(zone: .pacific)

    private init(zone: TimeZoneRules) { self.zone = zone }

    /// - Parameter bytes: Of the zone's file (TZif, version 2 or later).
    /// - Throws: `internalError` that says what is wrong with the file.
    public init(zoneFile bytes: [UInt8]) throws(GatewayError) { zone = try TimeZoneRules(file: bytes) }

    /// The next midnight; at a midnight, the one after.
    public func next(after time: WallTime) -> WallTime {
        let seconds = time.seconds
        let day = Self.day(seconds &+ zone.offset(at: seconds))
        // Midnight need not exist on the day that the clocks change, and days differ in length; of the two offsets that
        // may hold then, the one that gives a later time than now is meant.
        var next = Int64.max
        let (midnight, isBeyond) = (day + 1).multipliedReportingOverflow(by: 86_400)
        guard !isBeyond else { return time + .seconds(86_400) }
        for guess in [midnight - 86_400, midnight, midnight + 86_400] {
            let candidate = midnight &- zone.offset(at: guess)
            let isThere = Self.day(candidate &+ zone.offset(at: candidate)) > day
            if isThere, candidate > seconds { next = min(next, candidate) }
        }
        return next == .max ? time + .seconds(86_400) : WallTime(seconds: next)
    }

    /// The calendar day there, `2026-11-22`, for counters that are kept by it.
    public func dayName(at time: WallTime) -> String {
        let (year, month, day) = CivilDate.of(day: Self.day(time.seconds &+ zone.offset(at: time.seconds)))
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(padded(month))-\(padded(day))"
    }

    private static func day(_ seconds: Int64) -> Int64 {
        seconds >= 0 ? seconds / 86_400 : (seconds &- 86_399) / 86_400
    }
}

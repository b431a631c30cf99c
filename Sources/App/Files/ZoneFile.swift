import PolluxCore

/// The time-zone database of the machine, read once at the start.
enum ZoneFile {
    private static let folder = "/usr/share/zoneinfo/"

    /// When daily quotas begin anew. Without a database the rules that held last are taken, with a word in the log.
    static func dailyReset(_ log: Logger) -> DailyReset {
        let path = folder + DailyReset.zoneName
        do {
            return try DailyReset(zoneFile: try SystemFiles.contents(of: path, limit: 1 << 20))
        } catch {
            log.warning(
                "the time zone of daily quotas is not known to this machine; install its time-zone database (tzdata)",
                [LogField("file", path), LogField("message", error.message)])
            return .builtIn
        }
    }
}

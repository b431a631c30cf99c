/// Everything that outlives the process: what `StateStore` keeps in files and `MemoryStateStore` only until the end.
public protocol StateStoring: AccountStore, KeyStore, ConversationStore, AuditStore, SettingsPatchStore, UsageStore {
    /// Writes what was noted. Somebody calls it each second; it returns when all is written, or cannot be for now.
    func flush() async
    /// Drops what has been kept long enough, a little at a time.
    func purge(_ retention: Retention, now: WallTime) async
    /// Reads what may be damaged after a kill and is not needed to serve.
    ///
    /// - Returns: What is wrong with it.
    func checkLog() async -> String?
    /// How it keeps up. Does not block.
    var figures: StoreFigures { get }
    /// Writes what was noted and closes the files. What is asked later fails.
    func close() async
}

/// How long things are kept.
public struct Retention: Sendable, Equatable {
    /// Requests and account transitions in the log.
    public var requests: Duration
    /// Counts by the hour.
    public var usage: Duration
    /// Accounts that their source names no more.
    public var goneAccounts: Duration
    public var conversations: Duration
    /// What was changed through the admin API, and by whom.
    public var audit: Duration

    public init(
        requests: Duration = .seconds(30 * 86_400), usage: Duration = .seconds(400 * 86_400),
        goneAccounts: Duration = .seconds(30 * 86_400), conversations: Duration = .seconds(3600),
        audit: Duration = .seconds(365 * 86_400)
    ) {
        (self.requests, self.usage, self.audit) = (requests, usage, audit)
        (self.goneAccounts, self.conversations) = (goneAccounts, conversations)
    }
}

extension GatewayError {
    /// The code of what fails because the disk takes nothing.
    public static let storageUnavailableCode = "storage_unavailable"

    /// Nothing was changed, and trying again may help.
    ///
    /// - Parameter reason: The system's, for the log.
    public static func storageUnavailable(_ reason: String) -> GatewayError {
        GatewayError(
            .internalError, .request,
            "the change was not saved: the disk is full or cannot be written to; make room and try again",
            detail: reason, code: storageUnavailableCode)
    }
}

extension StateStoring {
    public var figures: StoreFigures { StoreFigures() }
}

/// How a store keeps up.
public struct StoreFigures: Sendable, Equatable {
    /// Writes and questions that wait for their turn.
    public var queued: Int
    /// Writes that failed since the start.
    public var errors: Int
    /// Entries of the logs of requests and of account states that were given up since the start, because the disk took
    /// nothing for long. Counts go on.
    public var dropped: Int

    public init(queued: Int = 0, errors: Int = 0, dropped: Int = 0) {
        (self.queued, self.errors, self.dropped) = (queued, errors, dropped)
    }
}

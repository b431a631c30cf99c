/// One request that has ended, for usage counters and the request log. No prompt, no answer, no secret.
public struct RequestRecord: Sendable, Equatable {
    public var requestID: String
    public var startedAt: WallTime
    /// Of the client's key; empty when clients need none.
    public var keyID: String
    /// The model by the client's name.
    public var model: String
    /// Of the last attempt; empty when there was none.
    public var provider: String
    public var accountID: String
    public var attempts: Int
    /// What the client was told; 499 when it went away.
    public var status: Int
    public var error: GatewayError.Kind?
    public var isStreamed: Bool
    public var inputTokens: Int
    public var outputTokens: Int
    public var cachedTokens: Int
    /// From the request's arrival to the end of its answer.
    public var total: Duration
    /// Until the first byte of content from the upstream; `nil` when none came.
    public var firstByte: Duration?
    /// The gateway's own share: from arrival to the start of the first attempt, waiting for an account not counted.
    public var overhead: Duration?

    public init(
        requestID: String, startedAt: WallTime, keyID: String = "", model: String = "", provider: String = "",
        accountID: String = "", attempts: Int = 0, status: Int, error: GatewayError.Kind? = nil,
        isStreamed: Bool = false, inputTokens: Int = 0, outputTokens: Int = 0, cachedTokens: Int = 0,
        total: Duration = .zero, firstByte: Duration? = nil, overhead: Duration? = nil
    ) {
        (self.requestID, self.startedAt, self.keyID, self.model) = (requestID, startedAt, keyID, model)
        (self.provider, self.accountID, self.attempts, self.status) = (provider, accountID, attempts, status)
        (self.error, self.isStreamed) = (error, isStreamed)
        (self.inputTokens, self.outputTokens, self.cachedTokens) = (inputTokens, outputTokens, cachedTokens)
        (self.total, self.firstByte, self.overhead) = (total, firstByte, overhead)
    }

    /// Without its texts, and no figure beyond what can be added up for years.
    var boundedFigures: RequestRecord {
        RequestRecord(
            requestID: "", startedAt: startedAt, attempts: attempts, status: status, error: error,
            isStreamed: isStreamed, inputTokens: Self.bounded(inputTokens), outputTokens: Self.bounded(outputTokens),
            cachedTokens: Self.bounded(cachedTokens), total: Self.bounded(total),
            firstByte: firstByte.map(Self.bounded), overhead: overhead.map(Self.bounded))
    }

    private static func bounded(_ tokens: Int) -> Int { min(max(tokens, 0), 1_000_000_000) }

    private static func bounded(_ duration: Duration) -> Duration { min(max(duration, .zero), .seconds(86_400)) }
}

/// Counts by hour × key × model × account, and the requests themselves for as long as they are kept.
public protocol UsageStore: Sendable {
    /// Takes what has ended; written within two seconds. Never blocks and never fails: when the disk takes nothing, the
    /// oldest entries of the log go first, counts stay.
    func note(_ requests: RequestBatch)
    func usage(_ query: UsageQuery) async throws(GatewayError) -> [UsageRow]
    func requests(_ query: RequestQuery) async throws(GatewayError) -> [RequestRecord]
    /// Account transitions, for the log of events.
    func note(_ transitions: [AccountTransition])
    func transitions(provider: String?, accountID: String?, limit: Int) async throws(GatewayError)
        -> [AccountTransition]
}

public struct UsageQuery: Sendable, Equatable {
    public enum Dimension: String, Sendable, CaseIterable { case hour, day, key, model, provider, account }
    public var from: WallTime
    public var to: WallTime
    public var groupBy: [Dimension]
    public var keyID: String?
    public var model: String?
    public var provider: String?
    public var accountID: String?
    public var limit: Int

    public init(
        from: WallTime, to: WallTime, groupBy: [Dimension] = [], keyID: String? = nil, model: String? = nil,
        provider: String? = nil, accountID: String? = nil, limit: Int = 1000
    ) {
        (self.from, self.to, self.groupBy, self.keyID, self.model) = (from, to, groupBy, keyID, model)
        (self.provider, self.accountID, self.limit) = (provider, accountID, limit)
    }
}

/// Sums over the requests of one group; a dimension that was not grouped by is empty.
public struct UsageRow: Sendable, Equatable {
    /// Start of the hour or day, in UTC.
    public var time: WallTime?
    public var keyID = ""
    public var model = ""
    public var provider = ""
    public var accountID = ""
    public var requests = 0
    public var errors = 0
    public var rateLimited = 0
    public var inputTokens = 0
    public var outputTokens = 0
    public var cachedTokens = 0
    /// Sum over the requests.
    public var total = Duration.zero
    /// Sum over those that got a first byte, and how many they are.
    public var firstByte = Duration.zero
    public var firstBytes = 0

    public init() {}
}

public struct RequestQuery: Sendable, Equatable {
    public var from: WallTime?
    public var to: WallTime?
    public var keyID: String?
    public var model: String?
    public var accountID: String?
    public var onlyErrors: Bool
    /// Newest first, at most 1000.
    public var limit: Int
    /// Continues behind this request of an earlier page.
    public var before: String?

    public init(
        from: WallTime? = nil, to: WallTime? = nil, keyID: String? = nil, model: String? = nil,
        accountID: String? = nil, onlyErrors: Bool = false, limit: Int = 100, before: String? = nil
    ) {
        (self.from, self.to, self.keyID, self.model, self.accountID) = (from, to, keyID, model, accountID)
        (self.onlyErrors, self.limit, self.before) = (onlyErrors, limit, before)
    }
}

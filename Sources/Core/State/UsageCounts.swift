/// Sums over requests, by hour × key × model × provider × account. A value: both stores count with it.
package struct UsageCounts: Sendable {
    package struct Key: Sendable, Hashable {
        /// Its start, in UTC.
        package var hour: WallTime
        package var keyID: String
        package var model: String
        package var provider: String
        package var accountID: String
    }

    package private(set) var rows: [Key: UsageRow] = [:]

    /// More kinds at a time are counted under the model `other`: names come from clients.
    private static let maxRows = 50_000
    /// And beyond so many more, under the name `other` for everything but the hour.
    private static let moreRows = 10_000

    package init() {}

    package var isEmpty: Bool { rows.isEmpty }

    package mutating func add(_ request: RequestRecord) {
        let key = Key(
            hour: request.startedAt.startOfHour, keyID: request.keyID, model: request.model,
            provider: request.provider, accountID: request.accountID)
        var row = UsageRow()
        row.requests = 1
        let isLimited = request.status == 429
        row.rateLimited = isLimited ? 1 : 0
        row.errors = request.status >= 400 && !isLimited && request.status != 499 ? 1 : 0
        (row.inputTokens, row.outputTokens) = (request.inputTokens, request.outputTokens)
        row.cachedTokens = request.cachedTokens
        row.total = request.total
        if let firstByte = request.firstByte { (row.firstByte, row.firstBytes) = (firstByte, 1) }
        add(row, to: key)
    }

    package mutating func add(_ other: UsageCounts) {
        for (key, row) in other.rows { add(row, to: key) }
    }

    private mutating func add(_ row: UsageRow, to key: Key) {
        var key = key
        if rows.count >= Self.maxRows, rows[key] == nil { key.model = "other" }
        if rows.count >= Self.maxRows + Self.moreRows, rows[key] == nil {
            (key.keyID, key.provider, key.accountID) = ("other", "other", "other")
        }
        rows[key, default: UsageRow()].add(row)
    }
}

extension UsageRow {
    /// Sums saturate: no count may end the process.
    package mutating func add(_ other: UsageRow) {
        requests = Self.sum(requests, other.requests)
        errors = Self.sum(errors, other.errors)
        rateLimited = Self.sum(rateLimited, other.rateLimited)
        inputTokens = Self.sum(inputTokens, other.inputTokens)
        outputTokens = Self.sum(outputTokens, other.outputTokens)
        cachedTokens = Self.sum(cachedTokens, other.cachedTokens)
        total = .microseconds(Self.sum(Int(total.microseconds), Int(other.total.microseconds)))
        firstByte = .microseconds(Self.sum(Int(firstByte.microseconds), Int(other.firstByte.microseconds)))
        firstBytes = Self.sum(firstBytes, other.firstBytes)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}

extension WallTime {
    package var startOfHour: WallTime { start(ofEvery: 3_600_000_000) }
    package var startOfDay: WallTime { start(ofEvery: 86_400_000_000) }

    /// Before the epoch and beyond every calendar, time stands still: no clock is right there.
    private func start(ofEvery length: Int64) -> WallTime {
        microseconds <= 0 ? WallTime(microseconds: 0) : WallTime(microseconds: microseconds - microseconds % length)
    }
}

import PolluxCore
import PolluxSQLite

extension UsageCounts {
    func write(to connection: SQLiteConnection) throws(SQLiteError) {
        for (key, row) in rows {
            try connection.run(
                """
                INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, errors = errors + excluded.errors,
                  rate_limited = rate_limited + excluded.rate_limited,
                  input_tokens = input_tokens + excluded.input_tokens,
                  output_tokens = output_tokens + excluded.output_tokens,
                  cached_tokens = cached_tokens + excluded.cached_tokens, total = total + excluded.total,
                  first_byte = first_byte + excluded.first_byte, first_bytes = first_bytes + excluded.first_bytes
                """,
                [
                    .integer(key.hour.microseconds), .text(key.keyID), .text(key.model), .text(key.provider),
                    .text(key.accountID), .integer(row.requests), .integer(row.errors), .integer(row.rateLimited),
                    .integer(row.inputTokens), .integer(row.outputTokens), .integer(row.cachedTokens),
                    .integer(row.total.microseconds), .integer(row.firstByte.microseconds), .integer(row.firstBytes),
                ])
        }
    }
}

extension UsageQuery {
    /// The groups in a fixed order, so that the columns of an answer have fixed places.
    private static let columns: [(dimension: Dimension, name: SQL)] = [
        (.key, "key_id"), (.model, "model"), (.provider, "provider"), (.account, "account"),
    ]

    /// A statement of literals only; every value of the query is bound.
    func statement() -> (SQL, [SQLiteValue]) {
        let time: SQL =
            groupBy.contains(.hour) ? "hour" : groupBy.contains(.day) ? "hour - hour % 86400000000" : "NULL"
        let groups = Self.columns.map { groupBy.contains($0.dimension) ? $0.name : "''" }
        var conditions: [SQL] = ["hour >= ?", "hour < ?"]
        var values: [SQLiteValue] = [.integer(from.startOfHour.microseconds), .integer(to.microseconds)]
        let filters: [(SQL, String?)] = [
            ("key_id = ?", keyID), ("model = ?", model), ("provider = ?", provider), ("account = ?", accountID),
        ]
        for (condition, value) in filters {
            guard let value else { continue }
            conditions.append(condition)
            values.append(.text(value))
        }
        values.append(.integer(min(max(limit, 0), 100_000)))
        let head: SQL = "SELECT " + time + ", " + SQL.joined(groups, by: ", ")
        let sums: SQL = """
            , sum(requests), sum(errors), sum(rate_limited), sum(input_tokens), sum(output_tokens),
              sum(cached_tokens), sum(total), sum(first_byte), sum(first_bytes) FROM usage WHERE 
            """
        let tail: SQL = " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 LIMIT ?"
        return (head + sums + SQL.joined(conditions, by: " AND ") + tail, values)
    }
}

extension UsageRow {
    init(_ row: SQLiteRow) {
        self.init()
        time = row.optionalTime(0)
        (keyID, model, provider, accountID) = (row.text(1), row.text(2), row.text(3), row.text(4))
        (requests, errors, rateLimited) = (row.int(5), row.int(6), row.int(7))
        (inputTokens, outputTokens, cachedTokens) = (row.int(8), row.int(9), row.int(10))
        (total, firstByte) = (.microseconds(row.integer(11)), .microseconds(row.integer(12)))
        firstBytes = row.int(13)
    }
}

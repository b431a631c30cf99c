import PolluxCore

struct UsageCommand: AdminCommand {
    let name = "usage"
    let summary = "Show requests, tokens, errors and times, by what you name."
    let help = """
        Usage: pollux usage [--by LIST] [--since TIME] [--until TIME] [--key NAME|ID] [--model MODEL]
                            [--provider NAME] [--account ID] [--json]

        --by takes hour, day, key, model, provider and account, with commas; key,model when it is left out. Hours and
        days are those of UTC.

        Example: pollux usage --by day,key --since 7d
        """
    let ownOptions = [
        CommandOption("by", value: "LIST", help: "What to sum by: key,model by default.", isRepeatable: true),
        CommandOption("since", value: "TIME", help: "24h, 7d, or a time; 24h by default."),
        CommandOption("until", value: "TIME", help: "The same; now by default."),
        CommandOption("key", value: "NAME|ID", help: "Only of this client key."),
        CommandOption("model", value: "MODEL", help: "Only of this model."),
        CommandOption("provider", value: "NAME", help: "Only of this provider."),
        CommandOption("account", value: "ID", help: "Only of the account with this id."),
    ]
    private static let maxRows = 10_000

    func check(_ invocation: Invocation) throws(GatewayError) {
        _ = try Self.query(invocation, WallTime(seconds: 0))
    }

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        var query = try Self.query(invocation, session.now)
        if let key = invocation.value(of: "key") { query.append(("key_id", try await session.keyID(of: key))) }
        let answer = try await session.ask(AdminAsk(.get, "usage", query: query))
        let rows = answer["items"]?.array ?? []
        if invocation.wantsJSON {
            invocation.show(answer)
            return 0
        }
        guard !rows.isEmpty else {
            invocation.console.err("no request was counted in that time")
            return 0
        }
        let keys = try await session.list(AdminAsk(.get, "keys"))
        let names = Dictionary(keys.map { ($0.text("id"), $0.text("name")) }, uniquingKeysWith: { first, _ in first })
        invocation.show(Self.table(rows, by: Self.dimensions(invocation), names: names))
        if rows.count >= Self.maxRows { invocation.console.err("these are the first \(Self.maxRows) rows; name less") }
        return 0
    }

    private static func dimensions(_ invocation: Invocation) -> [String] {
        let named = invocation.allValues(of: "by").flatMap { $0.split(separator: ",").map(String.init) }
        return named.isEmpty ? ["key", "model"] : named
    }

    private static func query(
        _ invocation: Invocation, _ now: WallTime
    ) throws(GatewayError) -> [(name: String, value: String)] {
        let known = UsageQuery.Dimension.allCases.map(\.rawValue)
        let dimensions = dimensions(invocation)
        if let other = dimensions.first(where: { !known.contains($0) }) {
            let hint = nearest(to: other, among: known).map { "; did you mean \($0)?" } ?? ""
            throw .invalid(nil, "--by takes \(known.joined(separator: ", ")), not \"\(other)\"\(hint)")
        }
        let since = try HumanTime.past(invocation.value(of: "since") ?? "24h", now, option: "since")
        var query = [
            (name: "group_by", value: dimensions.joined(separator: ",")), ("from", since.rfc3339Text),
            ("limit", String(maxRows)),
        ]
        if let until = invocation.value(of: "until") {
            query.append(("to", try HumanTime.past(until, now, option: "until").rfc3339Text))
        }
        for name in ["model", "provider", "account"] {
            if let value = invocation.value(of: name) { query.append((name, value)) }
        }
        return query
    }

    /// - Parameter names: Of keys, by their ids.
    static func table(_ rows: [JSON], by dimensions: [String], names: [String: String]) -> Table {
        let numbers = [
            ("REQUESTS", "requests"), ("ERRORS", "errors"), ("LIMITED", "rate_limited"), ("IN", "input_tokens"),
            ("OUT", "output_tokens"), ("MS", "mean_total_ms"), ("FIRST MS", "mean_first_byte_ms"),
        ]
        let heads = dimensions.map { name in
            Table.Column(title: name == "hour" || name == "day" ? "TIME" : name.uppercased(), isFlexible: true)
        }
        var table = Table(heads + numbers.map { .init(title: $0.0, isNumber: true) })
        for row in rows {
            let groups = dimensions.map { Table.Cell(group($0, row, names)) }
            table.add(
                groups
                    + numbers.map { _, name in
                        let count = row[name]?.int
                        let isBad = name == "errors" && (count ?? 0) > 0
                        return Table.Cell(count.map(String.init) ?? "-", isBad ? .warning : .plain)
                    })
        }
        return table
    }

    private static func group(_ dimension: String, _ row: JSON, _ names: [String: String]) -> String {
        switch dimension {
        case "hour": String(row.text("time").prefix(13)) + "h"
        case "day": String(row.text("time").prefix(10))
        case "key": row["key"]?.string.map { names[$0] ?? $0 } ?? "-"
        default: row[dimension]?.string ?? "-"
        }
    }
}

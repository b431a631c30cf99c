import PolluxCore

/// What was used, by whom, and what happened.
struct UsageOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] { [usage, stats, requests, audit, events] }

    private static let group = "Usage"
    private static let filters: [AdminOperation.Parameter] = [
        .query("key_id", .line(1...256), "The id of a client key."), .query("model", .line(1...256), "A model."),
        .query("account", .line(1...256), "The id of an account."),
    ]
    private static let span: [AdminOperation.Parameter] = [
        .query("from", .time, "From this time on; 24 hours ago by default."),
        .query("to", .time, "Up to this time; now by default."),
    ]

    private var usage: AdminOperation {
        let dimensions = UsageQuery.Dimension.allCases.map(\.rawValue)
        return AdminOperation(
            "getUsage", .get, "/usage", Self.group, "Requests, tokens, errors and latency, summed by what you name",
            parameters: Self.span + Self.filters + [
                .query("provider", .line(1...256), "A provider."),
                .query(
                    "group_by", .list(of: .choice(dimensions), atMost: dimensions.count),
                    "Comma list of \(dimensions.joined(separator: ", ")); `key,model` by default."),
                .query("limit", .integer(1...10_000), "At most so many rows; 1000 by default."),
            ], answer: .json(status: 200, .object([.required("items", .list(of: UsageCodec.row))])), failures: [422]
        ) { input throws(AdminError) in
            let names = input.parameters["group_by"]?.array?.compactMap(\.string) ?? ["key", "model"]
            var query = try spanned(input)
            query.groupBy = names.compactMap(UsageQuery.Dimension.init(rawValue:))
            query.limit = input.integer("limit") ?? 1000
            let rows = try await rows(query)
            return .json(["items": .array(rows.map { UsageCodec.json($0) })])
        }
    }

    private var stats: AdminOperation {
        AdminOperation(
            "getStats", .get, "/stats", Self.group, "How busy it was over time",
            details: "One item for each hour of the last 24, or for each day, oldest first, and key and model in it.",
            parameters: [.query("range", .choice(["24h", "7d", "30d"]), "`24h` by default.")] + Paging.parameters,
            answer: .json(status: 200, Paging.shape(of: UsageCodec.row))
        ) { input throws(AdminError) in
            let range = input.optionalText("range") ?? "24h"
            let hours = range == "24h" ? 24 : range == "7d" ? 168 : 720
            let now = backend.time.wallNow
            var query = UsageQuery(
                from: now + .seconds(-hours * 3600), to: now,
                groupBy: [range == "24h" ? .hour : .day, .key, .model])
            query.limit = 10_000
            let found = try await rows(query)
            let (page, next) = try Paging.page(found, input, of: "stats \(range)") {
                [$0.time?.rfc3339Text ?? "", $0.keyID, $0.model]
            }
            return .json(Paging.json(page.map { UsageCodec.json($0) }, next: next))
        }
    }

    private func spanned(_ input: AdminInput) throws(AdminError) -> UsageQuery {
        let now = backend.time.wallNow
        let to = input.time("to") ?? now
        let from = input.time("from") ?? to + .seconds(-86_400)
        guard from <= to else { throw .invalid("from", "'from' lies behind 'to'") }
        return UsageQuery(
            from: from, to: to, keyID: input.optionalText("key_id"), model: input.optionalText("model"),
            provider: input.optionalText("provider"), accountID: input.optionalText("account"))
    }

    private func rows(_ query: UsageQuery) async throws(AdminError) -> [UsageRow] {
        try await asking { () throws(GatewayError) in try await backend.usage.usage(query) }
    }

    private var requests: AdminOperation {
        AdminOperation(
            "listRequests", .get, "/requests", Self.group, "The log of requests, newest first",
            details: "No prompt, no answer, no secret.",
            parameters: [
                .query("from", .time, "From this time on."), .query("to", .time, "Up to this time."),
            ] + Self.filters + [
                .query("errors", .boolean, "Only requests that failed.")
            ] + Paging.parameters, answer: .json(status: 200, Paging.shape(of: UsageCodec.request))
        ) { input throws(AdminError) in
            let limit = input.integer("limit") ?? Paging.defaultLimit
            var query = RequestQuery(
                from: input.time("from"), to: input.time("to"), keyID: input.optionalText("key_id"),
                model: input.optionalText("model"), accountID: input.optionalText("account"),
                onlyErrors: input.flag("errors"), limit: limit)
            if let text = input.optionalText("cursor") {
                query.before = try Cursor(text, of: "requests").values.first
            }
            let asked = query
            let found = try await asking { () throws(GatewayError) in try await backend.usage.requests(asked) }
            let next = found.count == limit ? found.last.map { Cursor([$0.requestID]).text(of: "requests") } : nil
            return .json(Paging.json(found.map { UsageCodec.json($0) }, next: next))
        }
    }

    private var audit: AdminOperation {
        AdminOperation(
            "listAudit", .get, "/audit", Self.group, "Who changed what through this API, newest first",
            parameters: Paging.parameters, answer: .json(status: 200, Paging.shape(of: AuditCodec.shape))
        ) { input throws(AdminError) in
            let limit = input.integer("limit") ?? Paging.defaultLimit
            var before: Int64?
            if let text = input.optionalText("cursor") {
                before = try Cursor(text, of: "audit").values.first.flatMap { Int64($0) }
            }
            let place = before
            let found = try await asking { () throws(GatewayError) in
                try await backend.audit.audit(limit: limit, before: place)
            }
            let next = found.count == limit ? found.last.map { Cursor([String($0.number)]).text(of: "audit") } : nil
            return .json(Paging.json(found.map { AuditCodec.json($0) }, next: next))
        }
    }

    private var events: AdminOperation {
        AdminOperation(
            "streamEvents", .get, "/events", Self.group, "Hear of everything at once, as server-sent events",
            details: """
                `account.transition`, `request.ended`, `settings.reloaded`, `admin.changed`; `data` is JSON. A listener
                that does not keep up is cut off after \(EventListener.maxPending) events; connect again and read the
                lists.
                """,
            parameters: [
                .query(
                    "names", .list(of: .line(1...64), atMost: 16), "Comma list of beginnings: `account.,request.`.")
            ], answer: .events
        ) { input throws(AdminError) in
            let names = input.parameters["names"]?.array?.compactMap(\.string) ?? []
            return AdminReply(content: .events(try backend.events.listen(to: names)))
        }
    }
}

/// Usage and requests on the wire.
enum UsageCodec {
    static let row = Shape.object([
        .optional("time", .time, "Start of the hour or day."), .optional("key", .text), .optional("model", .text),
        .optional("provider", .text), .optional("account", .text), .required("requests", .count),
        .required("errors", .count), .required("rate_limited", .count), .required("input_tokens", .count),
        .required("output_tokens", .count), .required("cached_tokens", .count),
        .optional("mean_total_ms", .count), .optional("mean_first_byte_ms", .count),
    ]).named("Usage")

    static func json(_ row: UsageRow) -> JSON {
        var object = JSONObject()
        object.add("time", row.time)
        let names = [
            ("key", row.keyID), ("model", row.model), ("provider", row.provider), ("account", row.accountID),
        ]
        for (name, text) in names where !text.isEmpty { object[name] = .string(text) }
        let counts = [
            ("requests", row.requests), ("errors", row.errors), ("rate_limited", row.rateLimited),
            ("input_tokens", row.inputTokens), ("output_tokens", row.outputTokens), ("cached_tokens", row.cachedTokens),
        ]
        for (name, count) in counts { object[name] = .count(max(0, count)) }
        if row.requests > 0 { object.add("mean_total_ms", max(0, row.total.wholeMilliseconds / row.requests)) }
        if row.firstBytes > 0 {
            object.add("mean_first_byte_ms", max(0, row.firstByte.wholeMilliseconds / row.firstBytes))
        }
        return .object(object)
    }

    static let request = Shape.object([
        .required("id", .text), .required("started_at", .time), .optional("key", .text), .optional("model", .text),
        .optional("provider", .text), .optional("account", .text), .required("attempts", .count),
        .required("status", .integer), .optional("error", .text), .required("streamed", .boolean),
        .required("input_tokens", .count), .required("output_tokens", .count), .required("cached_tokens", .count),
        .required("total_ms", .count), .optional("first_byte_ms", .count), .optional("overhead_ms", .count),
    ]).named("Request")

    static func json(_ record: RequestRecord) -> JSON {
        var object = JSONObject([("id", .string(record.requestID)), ("started_at", .text(record.startedAt))])
        let names = [
            ("key", record.keyID), ("model", record.model), ("provider", record.provider),
            ("account", record.accountID),
        ]
        for (name, text) in names where !text.isEmpty { object[name] = .string(text) }
        object["attempts"] = .count(max(0, record.attempts))
        object["status"] = .count(record.status)
        object.add("error", record.error?.rawValue)
        object["streamed"] = .bool(record.isStreamed)
        let counts = [
            ("input_tokens", record.inputTokens), ("output_tokens", record.outputTokens),
            ("cached_tokens", record.cachedTokens), ("total_ms", record.total.wholeMilliseconds),
        ]
        for (name, count) in counts { object[name] = .count(max(0, count)) }
        object.add("first_byte_ms", record.firstByte.map { max(0, $0.wholeMilliseconds) })
        object.add("overhead_ms", record.overhead.map { max(0, $0.wholeMilliseconds) })
        return .object(object)
    }
}

/// The audit log on the wire.
enum AuditCodec {
    static let shape = Shape.object([
        .required("number", .integer), .required("at", .time), .required("actor", .text), .required("address", .text),
        .required("action", .text), .required("target", .text), .required("detail", .text),
    ]).named("AuditEntry")

    static func json(_ entry: AuditEntry) -> JSON {
        [
            "number": .count(Int(clamping: entry.number)), "at": .text(entry.at), "actor": .string(entry.actor),
            "address": .string(entry.address), "action": .string(entry.action), "target": .string(entry.target),
            "detail": .string(entry.detail),
        ]
    }
}

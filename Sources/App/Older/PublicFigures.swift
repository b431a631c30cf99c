import PolluxCore

/// What anybody may see of a gateway, as JSON of earlier gateways: how busy it is, how well it answers, and which
/// requests it had. A value made from the log of requests; no account, key, address, prompt or error text is in it.
struct PublicFigures: Sendable {
    /// Newest first.
    var requests: [RequestRecord] = []
    /// Of all requests that are still counted.
    var total = 0

    /// Requests that a service is judged by.
    private static let heartbeats = 60
    /// An answer that takes longer is a warning.
    private static let slow = Duration.seconds(40)

    // MARK: Load

    /// - Parameter visitors: Addresses that have looked at the log.
    func stats(visitors: Int, now: WallTime) -> JSON {
        let since = now + .seconds(-60)
        let perMinute = requests.count { $0.startedAt > since }
        let (load, color) =
            switch perMinute {
            case ..<10: ("low", "#10b981")
            case ..<30: ("medium", "#f59e0b")
            default: ("high", "#ef4444")
            }
        return [
            "total_visitors": .count(visitors), "total_requests": .count(total),
            "requests_per_minute": .count(perMinute), "load_status": .string(load), "load_color": .string(color),
        ]
    }

    // MARK: Uptime

    /// - Parameters:
    ///   - models: The names that are offered: others come from clients, and could be any text.
    ///   - isReady: Whether a request could be served now.
    func uptime(models: [String], isReady: Bool, now: WallTime) -> JSON {
        var services = JSONObject()
        services["api_service"] = Self.service("API", requests, nil)
        services["account_pool"] = Self.service(
            "Accounts", requests.filter { !$0.provider.isEmpty }, isReady ? nil : "down")
        let byModel = Dictionary(grouping: requests, by: \.model)
        for model in models { services[model] = Self.service(model, byModel[model] ?? [], nil) }
        return ["services": .object(services), "updated_at": .string(Self.text(now))]
    }

    /// - Parameter status: Known by other means; `nil` takes that of the last request.
    private static func service(_ name: String, _ requests: [RequestRecord], _ status: String?) -> JSON {
        let judged = Array(requests.lazy.filter { level($0) != nil }.prefix(heartbeats).reversed())
        let good = judged.count { $0.status < 400 }
        let rate = judged.isEmpty ? 100 : (Double(good) / Double(judged.count) * 1000).rounded() / 10
        return [
            "name": .string(name), "status": .string(status ?? judged.last.flatMap(level) ?? "unknown"),
            "uptime": .number(JSONNumber(rate)), "total": .count(judged.count), "success": .count(good),
            "heartbeats": .array(judged.map(heartbeat)),
        ]
    }

    /// `nil` for what is the client's own doing, which says nothing about the gateway.
    private static func level(_ request: RequestRecord) -> String? {
        switch request.status {
        case ..<400: request.total > slow ? "warn" : "up"
        case 429: "warn"
        case 500...: "down"
        default: nil
        }
    }

    private static func heartbeat(_ request: RequestRecord) -> JSON {
        [
            "time": .string(String(text(request.startedAt).suffix(8))), "success": .bool(request.status < 400),
            "level": .text(level(request)),
            "latency_ms": .count(max(0, Int(clamping: request.total.microseconds / 1000))),
            "status_code": .count(request.status),
        ]
    }

    // MARK: Log

    /// - Parameter models: As in `uptime`.
    func log(limit: Int, models: Set<String>) -> JSON {
        let entries = requests.prefix(limit).map { Self.entry($0, isKnown: models.contains($0.model)) }
        return ["total": .count(entries.count), "logs": .array(entries)]
    }

    private static func entry(_ request: RequestRecord, isKnown: Bool) -> JSON {
        let status = status(request)
        var events: [JSON] = [
            [
                "time": .string(text(request.startedAt)), "type": "start",
                "content": .string(isKnown ? request.model : "-"),
            ]
        ]
        if request.attempts > 1 {
            events.append([
                "time": .string(text(request.startedAt)), "type": "retry",
                "content": .string("\(request.attempts) attempts"),
            ])
        }
        let hundredths = max(0, request.total.microseconds / 10_000)
        let (seconds, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        events.append([
            "time": .string(text(request.startedAt + request.total)), "type": "complete", "status": .string(status),
            "content": .string(
                "\(status == "success" ? "done" : "failed") | \(seconds).\(rest < 10 ? "0" : "")\(rest) s"),
        ])
        return [
            "request_id": .string(String(request.requestID.suffix(6))), "start_time": .string(text(request.startedAt)),
            "status": .string(status), "events": .array(events),
        ]
    }

    private static func status(_ request: RequestRecord) -> String {
        if request.status < 400 { return request.error == nil ? "success" : "error" }
        return request.error == .upstreamTimeout || request.error == .requestTimeout ? "timeout" : "error"
    }

    /// `2026-11-21 02:22:39`, UTC.
    private static func text(_ time: WallTime) -> String {
        String(time.rfc3339Text.prefix(19)).replacing("T", with: " ")
    }
}

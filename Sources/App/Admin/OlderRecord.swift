import PolluxAdmin
import PolluxCore

/// Accounts and log entries as older gateways show them.
enum OlderRecord {
    static func json(_ account: AdministeredAccount, _ now: WallTime) -> JSON {
        let report = account.report
        let text = report.classes.first { $0.quotaClass == .text }
        let left = report.expiresAt.map { Double(($0 - now).microseconds / 1_000_000) / 3600 }
        let rounded = left.map { ($0 * 10).rounded(.down) / 10 }
        var object = JSONObject([
            ("id", .string(report.accountID)), ("status", .string(report.state.olderCode)),
            ("expires_at", report.expiresAt.map { .string(localText($0)) } ?? .null),
            ("remaining_hours", rounded.map { .number(JSONNumber($0)) } ?? .null),
            ("remaining_display", .string(rounded.map { $0 > 0 ? "\($0) h" : "expired" } ?? "not set")),
            ("is_available", .bool(report.state.isSelectable)), ("failure_count", .count(text?.failures ?? 0)),
            ("disabled", .bool(report.state == .disabled)), ("disabled_reason", .text(report.reason)),
        ])
        object["cooldown_seconds"] = .count(text?.remaining.map { Int(clamping: $0.secondsRoundedUp) } ?? 0)
        object["cooldown_reason"] = .text(text?.reason)
        object["conversation_count"] = .count(report.counters.successes)
        object["quota_status"] = quotas(report)
        object["trial_end"] = .null
        object["trial_days_remaining"] = .null
        return .object(object)
    }

    private static func quotas(_ report: AccountReport) -> JSON {
        let classes = report.classes.map { report -> (String, JSON) in
            var object = JSONObject([("available", .bool(report.state.isSelectable))])
            if let remaining = report.remaining {
                object["remaining_seconds"] = .count(Int(clamping: remaining.secondsRoundedUp))
            }
            if let reason = report.reason { object["reason"] = .string(reason) }
            return (report.quotaClass.rawValue, .object(object))
        }
        return [
            "quotas": .object(JSONObject(classes)),
            "limited_count": .count(report.classes.count { !$0.state.isSelectable }),
            "total_count": .count(report.classes.count), "is_expired": .bool(report.state == .expired),
        ]
    }

    /// `2026-12-31 23:59:59`, UTC+8, as those gateways write it.
    private static func localText(_ time: WallTime) -> String {
        let text = (time + .seconds(8 * 3600)).rfc3339Text
        return String(text.prefix(19)).replacing("T", with: " ")
    }

    // MARK: Secrets

    static func masked(_ credential: Credential, of provider: String) -> JSON {
        var object = JSONObject([("id", .string(credential.accountID)), ("provider", .string(provider))])
        for name in credential.values.keys.sorted() { object[name] = .string(SettingsMask.mask) }
        if let expiresAt = credential.expiresAt { object["expires_at"] = .string(localText(expiresAt)) }
        if credential.proxy != nil { object["proxy"] = .string(SettingsMask.mask) }
        if credential.weight != 1 { object["weight"] = .count(credential.weight) }
        if credential.isDisabled { object["disabled"] = true }
        return .object(object)
    }

    /// What comes back masked keeps what it stands for.
    static func withoutMasks(_ record: JSON) -> JSON {
        guard let object = record.object else { return record }
        let members = object.members.filter { $0.value.string != SettingsMask.mask }
        return .object(JSONObject(members.map { ($0.key, $0.value) }))
    }

    // MARK: Log

    /// - Parameter request: As the request log has it.
    static func logEntry(_ request: JSON) -> JSON {
        let status = request["status"]?.int ?? 0
        let level = status >= 500 ? "ERROR" : status >= 400 ? "WARNING" : "INFO"
        let time = (request["started_at"]?.string).map { String($0.prefix(19)).replacing("T", with: " ") }
        var words = ["[CHAT]"]
        if let account = request["account"]?.string { words.append("[\(account)]") }
        words.append("[\(request["id"]?.string ?? "")]")
        words.append("\(request["model"]?.string ?? "-") \(status)")
        if let error = request["error"]?.string { words.append(error) }
        words.append("\(request["total_ms"]?.int ?? 0) ms")
        return [
            "time": .text(time), "level": .string(level), "message": .string(words.joined(separator: " ")),
        ]
    }
}

extension AccountState {
    /// The code of those gateways where they have one.
    var olderCode: String {
        switch self {
        case .ready: "active"
        case .expiring: "expiring_soon"
        case .cooling: "rate_limited"
        case .suspended: "unavailable"
        case .disabled: "manual_disabled"
        case .restricted: "access_restricted"
        case .quotaExhausted: "quota_limited"
        case .expired, .credentialRejected, .needsHuman, .trialEnded: rawValue
        }
    }
}

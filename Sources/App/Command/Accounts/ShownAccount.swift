import PolluxCore

/// An account as the admin API tells it, read for a person. What is missing is empty: another version may answer.
struct ShownAccount {
    let id: String
    let provider: String
    let source: String
    let label: String?
    let state: ShownState
    let classes: [ShownState]
    let models: [(model: String, quotaClass: String, back: String)]
    let expiresAt: WallTime?
    let goneSince: WallTime?
    let inFlight: Int
    let weight: Int
    let hasOwnProxy: Bool
    let successes: Int
    let failures: Int
    let lastUsed: WallTime?
    let lastError: String?
    let lastErrorAt: WallTime?
    let fields: [(name: String, origin: String)]
    let transitions: [ShownTransition]

    init(_ json: JSON) {
        (id, provider) = (json.text("id"), json.text("provider"))
        (source, label) = (json.text("source"), json["label"]?.string)
        state = ShownState(json["state"] ?? .null)
        classes = (json["classes"]?.array ?? []).map(ShownState.init)
        models = (json["models"]?.array ?? []).map {
            ($0.text("model"), $0.text("class"), ShownState.back($0))
        }
        (expiresAt, goneSince) = (json.time("expires_at"), json.time("gone_since"))
        (inFlight, weight) = (json["in_flight"]?.int ?? 0, json["weight"]?.int ?? 1)
        hasOwnProxy = json["has_own_proxy"]?.bool ?? false
        let counters = json["counters"] ?? .null
        (successes, failures) = (counters["successes"]?.int ?? 0, counters["failures"]?.int ?? 0)
        (lastUsed, lastError) = (counters.time("last_used_at"), counters["last_error"]?.string)
        lastErrorAt = counters.time("last_error_at")
        fields = (json["fields"]?.array ?? []).map { ($0.text("name"), $0.text("origin")) }
        transitions = (json["transitions"]?.array ?? []).map(ShownTransition.init)
    }

    var name: String { "\(provider)/\(id)" }

    /// One sentence for a table.
    var why: String {
        if let reason = state.reason { return reason }
        return state.isReady ? "" : transitions.last { $0.model == nil }?.evidence ?? state.label
    }
}

/// Where an account stands: as a whole, or for one class of work.
struct ShownState {
    let code: String
    let label: String
    let quotaClass: String
    let severity: String?
    let reason: String?
    /// `in 42 s`; empty when it does not end by itself.
    let back: String
    let until: WallTime?
    let failures: Int
    let openings: Int

    init(_ json: JSON) {
        code = json["code"]?.string ?? json.text("state")
        (label, quotaClass, severity) = (json.text("label"), json.text("class"), json["severity"]?.string)
        (reason, back, until) = (json["reason"]?.string, Self.back(json), json.time("until"))
        (failures, openings) = (json["failures"]?.int ?? 0, json["openings"]?.int ?? 0)
    }

    var isReady: Bool { code == AccountState.ready.rawValue }

    var tone: TextTone {
        if let severity { return TextTone(severity: severity) }
        switch AccountState(rawValue: code) {
        case .ready: return .good
        case .expiring, .cooling, .suspended, .quotaExhausted: return .warning
        case .credentialRejected, .restricted, .needsHuman: return .bad
        case .expired, .trialEnded, .disabled: return .muted
        case nil: return .plain
        }
    }

    static func back(_ json: JSON) -> String {
        json["remaining_seconds"]?.int.map { "in \(HumanTime.text($0))" } ?? ""
    }
}

/// A change of state with its evidence.
struct ShownTransition {
    let quotaClass: String?
    let model: String?
    let from: String
    let to: String
    let at: WallTime?
    let cause: String
    /// What led to it, in one line.
    let evidence: String

    init(_ json: JSON) {
        (quotaClass, model) = (json["class"]?.string, json["model"]?.string)
        (from, to, at) = (json.text("from"), json.text("to"), json.time("at"))
        let facts = json["evidence"] ?? .null
        cause = facts.text("cause")
        var words: [String] = []
        if let message = facts["message"]?.string { words.append(message) }
        if let status = facts["upstream_status"]?.int { words.append("upstream status \(status)") }
        if let error = facts["error"]?.string, status(facts) == nil { words.append(error) }
        if let field = facts["field"]?.string { words.append("field \(field)") }
        if let attempt = facts["attempt"]?.int { words.append("attempt \(attempt)") }
        if let request = facts["request_id"]?.string { words.append("request \(request)") }
        evidence = words.isEmpty ? cause : words.joined(separator: ", ")

        func status(_ facts: JSON) -> Int? { facts["upstream_status"]?.int }
    }
}

extension JSON {
    func text(_ name: String) -> String { self[name]?.string ?? "" }
    func time(_ name: String) -> WallTime? { self[name]?.string.flatMap { WallTime(rfc3339: $0) } }
}

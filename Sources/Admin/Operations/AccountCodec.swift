import PolluxCore

/// An account on the wire: everything that a page needs to show it, so that pages need no rules of their own.
enum AccountCodec {
    static let states = AccountState.allCases.map(\.rawValue)

    static let state = Shape.object([
        .required("code", .choice(states)), .required("label", .text, "For people."),
        .required("severity", .choice(["success", "warning", "danger", "muted"])),
        .optional("reason", .text), .optional("until", .time, "When it ends by itself."),
        .optional("remaining_seconds", .count), .required("can_enable", .boolean),
        .required("can_disable", .boolean), .required("can_delete", .boolean),
    ]).named("AccountState")

    static let quotaClass = Shape.choice(QuotaClass.allCases.map(\.rawValue))

    static let transition = Shape.object([
        .required("provider", .text), .required("account", .text), .optional("class", quotaClass),
        .optional("model", .text, "The one model that rests; the class is as it was."),
        .required("from", .choice(states)), .required("to", .choice(states)), .optional("until", .time),
        .required("at", .time),
        .required(
            "evidence",
            .object([
                .required("cause", .choice(Evidence.Cause.allCases.map(\.rawValue))), .optional("request_id", .text),
                .optional("attempt", .count), .optional("upstream_status", .integer), .optional("error", .text),
                .optional("field", .text, "The upstream's field that decided."), .optional("message", .text),
            ])),
    ]).named("AccountTransition")

    static let shape = Shape.object([
        .required("id", .text), .required("provider", .text), .required("source", .text),
        .optional("label", .text, "The operator's name for it."), .required("state", state),
        .required(
            "classes",
            .list(
                of: .object([
                    .required("class", quotaClass), .required("state", .choice(states)), .optional("until", .time),
                    .optional("remaining_seconds", .count), .optional("reason", .text),
                    .required("failures", .count), .required("openings", .count),
                ]))),
        .required(
            "models",
            .list(
                of: .object([
                    .required("model", .text), .required("class", quotaClass), .optional("until", .time),
                    .optional("remaining_seconds", .count),
                ])), "Models that rest."),
        .optional("expires_at", .time), .required("in_flight", .count), .required("weight", .integer),
        .required("has_own_proxy", .boolean),
        .required(
            "counters",
            .object([
                .required("successes", .count), .required("failures", .count),
                .required("answers", .object([], others: .count), "By class of work."),
                .optional("last_used_at", .time), .optional("last_error", .text), .optional("last_error_at", .time),
            ])),
        .required(
            "fields",
            .list(
                of: .object([
                    .required("name", .text),
                    .required("origin", .choice(AccountRecord.Origin.allCases.map(\.rawValue))),
                ])), "Where each value comes from; never the value."),
        .optional("gone_since", .time, "Its source no longer names it."),
        .required("transitions", .list(of: transition), "The last ones, oldest first; only for a single account."),
    ]).named("Account")

    static func json(_ account: AdministeredAccount, withHistory: Bool) -> JSON {
        let report = account.report
        var object = JSONObject([
            ("id", .string(report.accountID)), ("provider", .string(report.provider)),
            ("source", .string(report.source)),
        ])
        object.add("label", account.label)
        object["state"] = state(of: account)
        object["classes"] = .array(report.classes.map(json))
        object["models"] = .array(report.models.map(json))
        object.add("expires_at", report.expiresAt)
        object["in_flight"] = .count(report.inFlight)
        object["weight"] = .count(report.weight)
        object["has_own_proxy"] = .bool(report.hasOwnProxy)
        object["counters"] = json(report.counters)
        object["fields"] = .array(
            account.origins.map { ["name": .string($0.field), "origin": .string($0.origin.rawValue)] })
        object.add("gone_since", account.goneSince)
        object["transitions"] = .array(withHistory ? report.transitions.map(json) : [])
        return .object(object)
    }

    private static func state(of account: AdministeredAccount) -> JSON {
        let (report, code) = (account.report, account.report.state)
        let text = report.classes.first { $0.quotaClass == .text }
        var object = JSONObject([
            ("code", .string(code.rawValue)), ("label", .string(code.label)), ("severity", .string(code.severity)),
        ])
        object.add("reason", report.reason ?? text?.reason)
        object.add("until", text?.until)
        object.add("remaining_seconds", text?.remaining.map { Int(clamping: max(0, $0.secondsRoundedUp)) })
        object["can_enable"] = .bool(code == .disabled || code.canBeReset)
        object["can_disable"] = .bool(code != .disabled && account.goneSince == nil)
        object["can_delete"] = .bool(report.source == AccountRecord.adminSource || account.goneSince != nil)
        return .object(object)
    }

    private static func json(_ report: AccountReport.ClassReport) -> JSON {
        var object = JSONObject([
            ("class", .string(report.quotaClass.rawValue)), ("state", .string(report.state.rawValue)),
        ])
        object.add("until", report.until)
        object.add("remaining_seconds", report.remaining.map { Int(clamping: max(0, $0.secondsRoundedUp)) })
        object.add("reason", report.reason)
        object["failures"] = .count(max(0, report.failures))
        object["openings"] = .count(max(0, report.openings))
        return .object(object)
    }

    private static func json(_ report: AccountReport.ModelReport) -> JSON {
        var object = JSONObject([
            ("model", .string(report.model)), ("class", .string(report.quotaClass.rawValue)),
        ])
        object.add("until", report.until)
        object.add("remaining_seconds", report.remaining.map { Int(clamping: max(0, $0.secondsRoundedUp)) })
        return .object(object)
    }

    private static func json(_ counters: AccountCounters) -> JSON {
        let answers = zip(QuotaClass.allCases, counters.answers).map { ($0.rawValue, JSON.count($1)) }
        var object = JSONObject([
            ("successes", .count(counters.successes)), ("failures", .count(counters.failures)),
            ("answers", .object(JSONObject(answers))),
        ])
        object.add("last_used_at", counters.lastUsed)
        object.add("last_error", counters.lastError)
        object.add("last_error_at", counters.lastErrorAt)
        return .object(object)
    }

    static func json(_ transition: AccountTransition) -> JSON {
        var object = JSONObject([
            ("provider", .string(transition.provider)), ("account", .string(transition.accountID)),
        ])
        object.add("class", transition.quotaClass?.rawValue)
        if !transition.model.isEmpty { object.add("model", transition.model) }
        object["from"] = .string(transition.from.rawValue)
        object["to"] = .string(transition.to.rawValue)
        object.add("until", transition.until)
        object.add("at", transition.at)
        let evidence = transition.evidence
        var facts = JSONObject([("cause", .string(evidence.cause.rawValue))])
        if !evidence.requestID.isEmpty { facts.add("request_id", evidence.requestID) }
        if evidence.attempt > 0 { facts.add("attempt", evidence.attempt) }
        facts.add("upstream_status", evidence.upstreamStatus)
        facts.add("error", evidence.error?.rawValue)
        facts.add("field", evidence.field)
        if !evidence.message.isEmpty { facts.add("message", evidence.message) }
        object["evidence"] = .object(facts)
        return .object(object)
    }
}

extension AccountState {
    /// For people.
    var label: String {
        switch self {
        case .ready: "Ready"
        case .expiring: "Expiring soon"
        case .cooling: "Cooling down"
        case .suspended: "Suspended after failures"
        case .expired: "Expired"
        case .credentialRejected: "Credential rejected"
        case .restricted: "Restricted by the upstream"
        case .needsHuman: "Needs a person"
        case .quotaExhausted: "Quota used up"
        case .trialEnded: "Trial ended"
        case .disabled: "Disabled"
        }
    }

    var severity: String {
        switch self {
        case .ready: "success"
        case .expiring, .cooling, .suspended, .quotaExhausted: "warning"
        case .credentialRejected, .restricted, .needsHuman: "danger"
        case .expired, .trialEnded, .disabled: "muted"
        }
    }

    /// Whether enabling it ends what keeps it from work.
    var canBeReset: Bool {
        switch self {
        case .cooling, .suspended, .credentialRejected, .restricted, .needsHuman, .quotaExhausted: true
        case .ready, .expiring, .expired, .trialEnded, .disabled: false
        }
    }
}

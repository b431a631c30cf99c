import PolluxCore

/// Writes each change of an account's state into the log, with what led to it (L-4).
struct TransitionLog: TransitionObserver {
    let log: Logger

    func happened(_ transitions: [AccountTransition]) {
        for transition in transitions {
            let isBad = transition.to.needsAttention
            guard log.writes(isBad ? .warning : .info) else { continue }
            let what = transition.accountID.isEmpty ? "upstream changed state" : "account changed state"
            let fields = Self.fields(of: transition)
            if isBad { log.warning(what, fields) } else { log.info(what, fields) }
        }
    }

    private static func fields(of transition: AccountTransition) -> [LogField] {
        let evidence = transition.evidence
        var fields = [LogField("provider", transition.provider)]
        if !transition.accountID.isEmpty { fields.append(LogField("account", transition.accountID)) }
        if let quotaClass = transition.quotaClass { fields.append(LogField("class", quotaClass.rawValue)) }
        if !transition.model.isEmpty { fields.append(LogField("model", transition.model)) }
        fields += [LogField("from", transition.from.rawValue), LogField("to", transition.to.rawValue)]
        if let until = transition.until {
            fields.append(LogField("for_s", Int(max(until - transition.at, .zero).secondsRoundedUp)))
        }
        fields.append(LogField("cause", evidence.cause.rawValue))
        if !evidence.requestID.isEmpty {
            fields += [LogField("request", evidence.requestID), LogField("attempt", evidence.attempt)]
        }
        if let error = evidence.error { fields.append(LogField("error", error.rawValue)) }
        if let status = evidence.upstreamStatus { fields.append(LogField("upstream_status", status)) }
        if let field = evidence.field { fields.append(LogField("field", field)) }
        if !evidence.message.isEmpty { fields.append(LogField("message", evidence.message)) }
        return fields
    }
}

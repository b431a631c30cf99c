import PolluxCore

struct AccountExplainCommand: TakesOneName {
    let name = "accounts explain"
    let summary = "Say why an account is where it is, and what to do."
    let help = """
        Usage: pollux accounts explain NAME [--limit NUMBER] [--json]

        For each class of work: its state, since when, why, when it comes back by itself, and what you can do. Below,
        its last changes of state with what led to each: the upstream's status, the field that decided, the attempt and
        the request.
        """
    let ownOptions = [
        CommandOption("limit", value: "NUMBER", help: "At most so many changes of state; 20 by default.")
    ]

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let limit = try Self.limit(invocation)
        let account = try await session.account(named: typedName(invocation))
        let shown = ShownAccount(account)
        let history = try await session.ask(
            AdminAsk(
                .get, "accounts", shown.provider, shown.id, "transitions", query: [("limit", String(max(limit, 100)))]))
        let noted = history["items"]?.array ?? []
        // What happened within the last second may not be written yet: the account itself knows it. What it remembers
        // from before a restart is among what was written then.
        let fresh = (account["transitions"]?.array ?? []).reversed().prefix { item in !noted.contains(item) }
        let known = (fresh + noted).filter { $0["evidence"]?.text("cause") != Evidence.Cause.restart.rawValue }
        let explanation = AccountExplanation(
            account: shown, transitions: known.map(ShownTransition.init), limit: limit, now: session.now)
        let transitions = Array(known.prefix(limit))
        if invocation.wantsJSON {
            invocation.show([
                "account": account, "classes": .array(explanation.classes.map(\.json)),
                "transitions": .array(transitions),
            ])
        } else {
            for line in explanation.lines(invocation) { invocation.console.out(line) }
        }
        return 0
    }

    func check(_ invocation: Invocation) throws(GatewayError) {
        _ = try typedName(invocation)
        _ = try Self.limit(invocation)
    }

    private static func limit(_ invocation: Invocation) throws(GatewayError) -> Int {
        guard let text = invocation.value(of: "limit") else { return 20 }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw .invalid(nil, "--limit takes a number of 1 to 1000, not \"\(text)\"")
        }
        return limit
    }
}

/// Why an account stands where it stands. A value: what is known and `now` come in, words go out.
struct AccountExplanation {
    /// One class of work.
    struct Standing {
        let state: ShownState
        let since: WallTime?
        let why: String?
        let advice: String?

        var json: JSON {
            var object = JSONObject([("class", .string(state.quotaClass)), ("state", .string(state.code))])
            if let since { object["since"] = .string(since.rfc3339Text) }
            if let why { object["why"] = .string(why) }
            if let until = state.until { object["until"] = .string(until.rfc3339Text) }
            if let advice { object["advice"] = .string(advice) }
            return .object(object)
        }
    }

    let account: ShownAccount
    /// Newest first.
    let transitions: [ShownTransition]
    /// How many of them are told.
    let limit: Int
    let now: WallTime

    var classes: [Standing] {
        let states = account.classes.isEmpty ? [account.state] : account.classes
        return states.map { state in
            let last = transitions.first { change in
                change.to == state.code && change.model == nil
                    && (change.quotaClass == nil || change.quotaClass == state.quotaClass)
            }
            let why = state.isReady ? nil : last?.evidence ?? state.reason ?? account.state.reason
            return Standing(
                state: state, since: last?.at, why: why,
                advice: AccountState(rawValue: state.code)?.advice(account.name))
        }
    }

    func lines(_ invocation: Invocation) -> [String] {
        var lines = ["\(account.name.printable) (from \(account.source.printable))"]
        let groups = grouped
        for (names, standing) in groups {
            let state = standing.state
            let title = groups.count == 1 ? "" : "\(names.joined(separator: ", ")): "
            let since = standing.since.map { ", since \($0.rfc3339Text) (\(HumanTime.distance(from: now, to: $0)))" }
            lines += ["", "\(title)\(invocation.painted(state.code, state.tone))\(since ?? "")"]
            if let why = standing.why { lines.append("  why      \(why.printable)") }
            if state.failures > 0 || state.openings > 0 {
                let openings = state.openings > 0 ? ", suspended \(state.openings) times in a row" : ""
                lines.append("  failures \(state.failures) in a row\(openings)")
            }
            if !state.back.isEmpty {
                let time = state.until.map { " (\($0.rfc3339Text))" } ?? ""
                lines.append("  back     \(state.back)\(time)")
            }
            if let advice = standing.advice { lines.append("  to do    \(advice)") }
        }
        for model in account.models {
            lines += ["", "the model \(model.model.printable) rests for \(model.quotaClass), back \(model.back)"]
        }
        lines += ["", transitions.isEmpty ? "Its state has not changed yet." : "Last changes:"]
        return lines + transitions.prefix(limit).flatMap(line)
    }

    /// Classes of which the same can be said are told together.
    private var grouped: [(names: [String], standing: Standing)] {
        var groups: [(names: [String], standing: Standing)] = []
        for standing in classes {
            let index = groups.firstIndex { group in
                let (one, other) = (group.standing, standing)
                return one.state.code == other.state.code && one.since == other.since && one.why == other.why
                    && one.state.until == other.state.until && one.state.failures == other.state.failures
            }
            if let index {
                groups[index].names.append(standing.state.quotaClass)
            } else {
                groups.append(([standing.state.quotaClass], standing))
            }
        }
        return groups
    }

    private func line(_ change: ShownTransition) -> [String] {
        let time = change.at.map { "\($0.rfc3339Text) (\(HumanTime.distance(from: now, to: $0)))" } ?? ""
        let part = [change.quotaClass, change.model].compactMap(\.self).joined(separator: " ")
        let subject = part.isEmpty ? "" : "\(part.printable): "
        return ["  \(time)  \(subject)\(change.from) -> \(change.to)".printable, "      \(change.evidence.printable)"]
    }
}

extension AccountState {
    /// What an operator can do; `nil` when there is nothing to do.
    func advice(_ name: String) -> String? {
        switch self {
        case .ready: nil
        case .expiring: "renew its sign-in before it expires"
        case .cooling: "nothing: it comes back by itself. More accounts, if this happens often"
        case .suspended: "nothing: it is tried again by itself. Look at the changes below if it does not come back"
        case .expired: "renew its sign-in, and give the new values to its source"
        case .credentialRejected: "sign in again, and give the new values to its source"
        case .restricted: "look at the account in the web app; then 'pollux accounts reset \(name)'"
        case .needsHuman: "do what the web app asks; then 'pollux accounts reset \(name)'"
        case .quotaExhausted: "nothing: the upstream counts anew each day. More accounts, if this happens often"
        case .trialEnded: "use another account: this one's trial is over"
        case .disabled: "'pollux accounts enable \(name)', or its source, lets it work again"
        }
    }
}

import PolluxCore

struct AccountTestCommand: TakesOneName {
    let name = "accounts test"
    let summary = "Try an account with one real request, step by step."
    let help = """
        Usage: pollux accounts test NAME [--model MODEL] [--no-turn] [--json]

        Takes the account through its steps, in whatever state it is: its token or session, the list of models, and one
        short answer, which spends a little of its quota. Where it stops it says what to do. Nothing is held against the
        account. Exit code 0 when every step went well.
        """
    let ownOptions = [
        CommandOption("model", value: "MODEL", help: "The upstream's own name; its first model by default."),
        CommandOption("no-turn", help: "Ask for no answer, and spend no quota."),
    ]

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let account = ShownAccount(try await session.account(named: typedName(invocation)))
        var body = JSONObject([("turn", .bool(!invocation.has("no-turn")))])
        if let model = invocation.value(of: "model") { body["model"] = .string(model) }
        let outcome = try await session.ask(
            AdminAsk(.post, "accounts", account.provider, account.id, "test", body: .object(body)))
        let isGood = outcome["ok"]?.bool == true
        if invocation.wantsJSON {
            invocation.show(outcome)
            return isGood ? 0 : 1
        }
        for step in outcome["steps"]?.array ?? [] { invocation.console.out(Self.line(step, invocation)) }
        if isGood, !account.state.isReady, account.state.code != AccountState.expiring.rawValue {
            let name = account.name.printable
            invocation.console.err(
                "the account works, and is \(account.state.code) still; 'pollux accounts enable \(name)' lets it serve"
                    + " at once")
        }
        return isGood ? 0 : 1
    }

    static func line(_ step: JSON, _ invocation: Invocation) -> String {
        let isGood = step["ok"]?.bool == true
        let word = invocation.painted(isGood ? "ok  " : "FAIL", isGood ? .good : .bad)
        let problem = step["problem"]?.string.map { ": \($0.printable)" } ?? ""
        let advice = GatewayError.Kind(rawValue: step.text("code"))?.operatorAdvice.map { "; \($0)" } ?? ""
        return "\(word) \(step.text("name").printable)\(problem)\(isGood ? "" : advice)"
    }
}

struct AccountRemoveCommand: TakesOneName {
    let name = "accounts remove"
    let summary = "Remove an account that was added by hand, or is gone from its source."
    let help = """
        Usage: pollux accounts remove NAME [--json]

        Its secrets and its state are deleted; requests that run on it end. An account that a credential source names
        would come back: take it out there, or disable it.
        """

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let account = ShownAccount(try await session.account(named: typedName(invocation)))
        _ = try await session.ask(AdminAsk(.delete, "accounts", account.provider, account.id))
        if invocation.wantsJSON {
            invocation.show(["removed": .string(account.name)])
        } else {
            invocation.console.out("\(account.name.printable) is removed")
        }
        return 0
    }
}

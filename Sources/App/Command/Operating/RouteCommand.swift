import PolluxCore

struct RouteCommand: CommandGroup {
    let name = "route"
    let summary = "Say where a request would go, and why."
    let introduction = "Works on the running gateway, and, while none runs, on the state that it left."
    let commands: [any Command] = [RouteExplainCommand()]
}

struct RouteExplainCommand: AdminCommand {
    let name = "route explain"
    let summary = "Say where a request would go now, and why."
    let help = """
        Usage: pollux route explain --model MODEL [--key NAME|ID] [--stream] [--images] [--tools] [--json-output]
                                    [--json]

        Every upstream that offers the model, and every account of each: its turn, or why it is passed over. The
        selection itself runs, on a copy: nobody is asked and nothing changes.
        """
    let ownOptions = [
        CommandOption("model", value: "MODEL", help: "As a client names it."),
        CommandOption("key", value: "NAME|ID", help: "As a client with this key."),
        CommandOption("stream", help: "The answer is to be streamed."),
        CommandOption("images", help: "Images are asked for."),
        CommandOption("tools", help: "The request brings tools."),
        CommandOption("json-output", help: "The answer is to be JSON."),
    ]

    func check(_ invocation: Invocation) throws(GatewayError) {
        guard invocation.value(of: "model")?.isEmpty == false else {
            throw .invalid(nil, "name the model: --model MODEL; 'pollux models' lists them")
        }
    }

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        var ask = AdminAsk(.get, "route", "explain", query: [("model", invocation.value(of: "model") ?? "")])
        if let key = invocation.value(of: "key") { ask.query.append(("key_id", try await session.keyID(of: key))) }
        let flags = [("stream", "stream"), ("images", "images"), ("tools", "tools"), ("json-output", "json")]
        for (option, name) in flags where invocation.has(option) { ask.query.append((name, "true")) }
        let explanation = try await session.ask(ask)
        if invocation.wantsJSON {
            invocation.show(explanation)
        } else {
            for line in RouteText(explanation, invocation).lines { invocation.console.out(line) }
        }
        let isServed = explanation["order"]?.array?.isEmpty == false
        return isServed ? 0 : 1
    }
}

/// The explanation of a route for a person.
struct RouteText {
    private let explanation: JSON
    private let invocation: Invocation

    init(_ explanation: JSON, _ invocation: Invocation) {
        (self.explanation, self.invocation) = (explanation, invocation)
    }

    var lines: [String] {
        let model = explanation.text("model").printable
        if let problem = explanation["problem"]?.string { return ["\(model): \(problem.printable)"] }
        let order = (explanation["order"]?.array ?? []).map { "\($0.text("provider"))/\($0.text("account"))".printable }
        let attempts = explanation["max_attempts"]?.int ?? 1
        let first = order.first.map { "\(model) goes to \($0)" } ?? "\(model) goes nowhere now"
        let rest = order.dropFirst().prefix(5)
        let then = rest.isEmpty ? "" : "; after failures to \(rest.joined(separator: ", "))"
        let more = order.count > 6 ? " and \(order.count - 6) more" : ""
        return [first + then + more + " (at most \(attempts) attempts)"]
            + (explanation["targets"]?.array ?? []).flatMap(target)
    }

    private func target(_ target: JSON) -> [String] {
        let name = "\(target.text("provider")) as \(target.text("model")) (\(target.text("class")))".printable
        if let refusal = target["refusal"]?.string { return ["", "\(name): refuses, \(refusal.printable)"] }
        var lines = ["", name]
        if target.text("endpoint") != AccountState.ready.rawValue {
            lines.append("  " + invocation.painted("the upstream as a whole is left alone for now", .warning))
        }
        if let shortage = target["shortage"]?.string { lines.append("  " + shortage.printable) }
        var table = Table([
            .init(title: "TURN", isNumber: true), .init(title: "ACCOUNT"), .init(title: "VERDICT"),
            .init(title: "BACK"), .init(title: "WHY", isFlexible: true),
        ])
        for account in target["accounts"]?.array ?? [] { table.add(row(account)) }
        return lines + (table.rows.isEmpty ? [] : table.lines(hasColours: invocation.hasColours))
    }

    private func row(_ account: JSON) -> [Table.Cell] {
        let verdict = account.text("verdict")
        let isReady = account["turn"]?.int != nil
        let state = ShownState(account)
        let word = verdict == RouteExplanation.Verdict.state.rawValue ? state.code : verdict
        let favourite = account["conversation"]?.bool == true ? "served the conversation last" : nil
        return [
            .init(account["turn"]?.int.map(String.init) ?? "-"), .init(account.text("account")),
            .init(word, isReady ? .good : state.isReady ? .muted : state.tone), .init(state.back),
            .init(account["reason"]?.string ?? favourite ?? Self.meaning(verdict)),
        ]
    }

    private static func meaning(_ verdict: String) -> String {
        switch RouteExplanation.Verdict(rawValue: verdict) {
        case .busy: "as many requests run on it as may"
        case .pace: "it was used just now"
        case .probing: "one request is trying it"
        case .exit: "the proxy by which it leaves rests"
        case .endpoint: "the upstream as a whole is left alone"
        case .beyond: "ready, but a request may not have so many attempts"
        case .ready, .state, nil: ""
        }
    }
}

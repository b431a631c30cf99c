import PolluxCore

struct KeysCommand: CommandGroup {
    let name = "keys"
    let summary = "Make, list and revoke client keys."
    let introduction = """
        Works on the running gateway, where a change counts from the next request on, and, while none runs, on the state
        that it left. Keys of the settings file are listed as well; they are changed there.
        """
    let commands: [any Command] = [KeyCreateCommand(), KeyListCommand(), KeyRevokeCommand()]
}

struct KeyCreateCommand: AdminCommand {
    let name = "keys create"
    let summary = "Make a client key, and print it this once."
    let help = """
        Usage: pollux keys create NAME [--models LIST] [--expires TIME] [--limit LIMIT]... [--explain] [--json]

        Prints the key on a line of its own on standard output. It is not kept: only its digest is.

        Example: pollux keys create team --models 'gemini-*' --limit requests=60/1m --expires 90d
        """
    let ownOptions = [
        CommandOption("models", value: "LIST", help: "Models it may use, with commas; * at the end matches any rest."),
        CommandOption("expires", value: "TIME", help: "From then on it opens nothing: 90d, 2030-01-31T00:00:00Z."),
        CommandOption(
            "limit", value: "LIMIT", help: "As under limits: of a key in the settings: requests=60/1m.",
            isRepeatable: true), CommandOption("explain", help: "It may ask how its requests were routed."),
    ]
    let takesArguments = true
    let storeUse = AdminSession.StoreUse.making

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let key = try await session.ask(AdminAsk(.post, "keys", body: try body(invocation, session.now)))
        if invocation.wantsJSON {
            invocation.show(key)
        } else {
            invocation.console.err(
                "the key \"\(key.text("name").printable)\" (\(key.text("id"))); it is shown this once:")
            invocation.console.out(key.text("key"))
        }
        return 0
    }

    func check(_ invocation: Invocation) throws(GatewayError) { _ = try body(invocation, WallTime(seconds: 0)) }

    private func body(_ invocation: Invocation, _ now: WallTime) throws(GatewayError) -> JSON {
        guard let name = invocation.arguments.first, invocation.arguments.count == 1, !name.isEmpty else {
            throw .invalid(nil, "give the key a name: pollux keys create NAME")
        }
        var body = JSONObject([("name", .string(name))])
        if let text = invocation.value(of: "models") {
            body["models"] = .array(text.split(separator: ",").map { .string(String($0)) })
        }
        if let text = invocation.value(of: "expires") {
            body["expires_at"] = .string(try HumanTime.future(text, now, option: "expires").rfc3339Text)
        }
        let limits = invocation.allValues(of: "limit")
        if !limits.isEmpty { body["limits"] = .object(try Self.limits(limits)) }
        if invocation.has("explain") { body["explain"] = true }
        return .object(body)
    }

    /// `requests=60/1m`; one that is given twice holds twice, as in the settings.
    private static func limits(_ texts: [String]) throws(GatewayError) -> JSONObject {
        var limits = JSONObject()
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else {
                throw .invalid(
                    nil, "--limit takes MEASURE=AMOUNT, such as requests=60/1m or concurrency=2, not \"\(text)\"")
            }
            let (name, value) = (String(parts[0]), String(parts[1]))
            guard limits[name] == nil else { throw .invalid(nil, "--limit \(name) was given twice") }
            limits[name] = Int(value).map { .number(JSONNumber($0)) } ?? .string(value)
        }
        return limits
    }
}

struct KeyListCommand: AdminCommand {
    let name = "keys list"
    let summary = "List the client keys; never the keys themselves."
    let help = """
        Usage: pollux keys list [--state active|expired|revoked] [--json]

        Keys of the settings file stand first, then those made at run time, oldest first.
        """
    let ownOptions = [CommandOption("state", value: "STATE", help: "Only keys in this state.")]

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let query = invocation.value(of: "state").map { [("state", $0)] } ?? []
        let keys = try await session.list(AdminAsk(.get, "keys", query: query))
        if invocation.wantsJSON {
            invocation.show(["items": .array(keys)])
        } else if keys.isEmpty {
            invocation.console.err(
                query.isEmpty ? "there are no keys; 'pollux keys create' makes one" : "no key matches")
        } else {
            invocation.show(Self.table(keys, session.now))
        }
        return 0
    }

    static func table(_ keys: [JSON], _ now: WallTime) -> Table {
        var table = Table([
            .init(title: "NAME"), .init(title: "ID"), .init(title: "BEGINS"), .init(title: "STATE"),
            .init(title: "FROM"), .init(title: "LAST USED"), .init(title: "EXPIRES"),
            .init(title: "MODELS", isFlexible: true),
        ])
        for key in keys {
            let state = key.text("state")
            let tone: TextTone = state == "active" ? .good : state == "expired" ? .warning : .muted
            let models = (key["models"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
            table.add([
                .init(key.text("name")), .init(key.text("id")), .init(key.text("prefix")), .init(state, tone),
                .init(key.text("source")), .init(distance(key, "last_used_at", now)),
                .init(distance(key, "expires_at", now)), .init(models),
            ])
        }
        return table
    }

    private static func distance(_ key: JSON, _ name: String, _ now: WallTime) -> String {
        key.time(name).map { HumanTime.distance(from: now, to: $0) } ?? ""
    }
}

struct KeyRevokeCommand: TakesOneName {
    let name = "keys revoke"
    let summary = "Revoke a client key; it opens nothing from the next request on."
    let help = """
        Usage: pollux keys revoke NAME|ID [--json]

        The record stays in the list for its usage, and the name is free again. There is no way back: make a new one.
        """
    let nameWord = "NAME|ID"

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let id = try await session.keyID(of: typedName(invocation))
        let key = try await session.ask(AdminAsk(.delete, "keys", id))
        if invocation.wantsJSON {
            invocation.show(key)
        } else {
            invocation.console.out("the key \"\(key.text("name").printable)\" (\(key.text("id"))) is revoked")
        }
        return 0
    }
}

extension AdminSession {
    /// The id of the key of that name, or with that id. Of several with one name, the one that is not revoked is meant.
    func keyID(of name: String) async throws(GatewayError) -> String {
        let keys = try await list(AdminAsk(.get, "keys"))
        if let key = keys.first(where: { $0.text("id") == name }) { return key.text("id") }
        let named = keys.filter { $0.text("name") == name }
        if let key = named.first(where: { $0.text("state") != "revoked" }) ?? named.first { return key.text("id") }
        let hint = nearest(to: name, among: keys.map { $0.text("name") }).map { "; did you mean \"\($0)\"?" } ?? ";"
        throw .invalid(nil, "there is no key \"\(name)\"\(hint) 'pollux keys list' lists them")
    }
}

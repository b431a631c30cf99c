import PolluxCore
import PolluxCredentialSources

struct AccountAddCommand: AdminCommand {
    let name = "accounts add"
    let summary = "Add an account; its secrets come from a file, standard input or a prompt."
    let help = """
        Usage: pollux accounts add PROVIDER ID [--from FILE] [--label TEXT] [--expires TIME] [--weight NUMBER]
                                   [--disabled] [--json]

        Its values are read from standard input, or from FILE: a JSON object as account files have it, or lines of
        NAME=VALUE. On a terminal they are asked for, and what is typed does not show. Never give them as arguments:
        others on the machine can read those. The account works at once; 'pollux accounts test ID' tries it.

        Example: pollux accounts add business ops@example.org < ops.json
        """
    let ownOptions = [
        CommandOption("from", value: "FILE", help: "Read the values there."),
        CommandOption("label", value: "TEXT", help: "Your name for it."),
        CommandOption("expires", value: "TIME", help: "Not used from then on: 30d, 2030-01-31T00:00:00Z."),
        CommandOption("weight", value: "NUMBER", help: "Its share of the work, 1 to 100."),
        CommandOption("disabled", help: "Not to be used yet."),
    ]
    let takesArguments = true
    let storeUse = AdminSession.StoreUse.making

    func check(_ invocation: Invocation) throws(GatewayError) { _ = try Self.names(invocation) }

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let (provider, id) = try Self.names(invocation)
        var body = try AccountValues.read(invocation, provider: provider, id: id)
        if let label = invocation.value(of: "label") { body["label"] = .string(label) }
        if let expires = invocation.value(of: "expires") {
            body["expires_at"] = .string(
                try HumanTime.future(expires, session.now, option: "expires").rfc3339Text)
        }
        if let weight = invocation.value(of: "weight") {
            guard let number = Int(weight) else { throw .invalid(nil, "--weight takes a number of 1 to 100") }
            body["weight"] = .number(JSONNumber(number))
        }
        if invocation.has("disabled") { body["disabled"] = true }
        let account = try await session.ask(AdminAsk(.post, "accounts", body: .object(body)))
        invocation.tell(account)
        return 0
    }

    private static func names(_ invocation: Invocation) throws(GatewayError) -> (provider: String, id: String) {
        guard invocation.arguments.count == 2, !invocation.arguments.contains("") else {
            throw .invalid(nil, "name the provider and the account: pollux accounts add PROVIDER ID")
        }
        return (invocation.arguments[0], invocation.arguments[1])
    }
}

/// The values of one account as a person hands them over.
enum AccountValues {
    static let limit = 1 << 20

    /// - Returns: The body of the operation that adds an account.
    static func read(
        _ invocation: Invocation, provider: String, id: String
    ) throws(GatewayError) -> JSONObject {
        var record: JSONObject
        if let path = invocation.value(of: "from") {
            record = try parse(try SystemFiles.contents(of: path, limit: limit), from: path)
        } else if invocation.input.isTerminal {
            record = try ask(invocation.input)
        } else {
            record = try parse(try invocation.input.readAll(limit), from: "standard input")
        }
        record["id"] = .string(id)
        record["provider"] = .string(provider)
        return try body(record, provider: provider, id: id)
    }

    /// A JSON object, or lines of `NAME=VALUE`.
    static func parse(_ bytes: [UInt8], from place: String) throws(GatewayError) -> JSONObject {
        let first = bytes.first { $0 > 0x20 }
        guard first == UInt8(ascii: "{") else {
            guard first != nil else {
                throw .invalid(nil, "\(place) is empty; it takes a JSON object or NAME=VALUE lines")
            }
            return try lines(bytes, from: place)
        }
        do { return try JSON.parse(bytes).object ?? JSONObject() } catch {
            throw .invalid(nil, "\(place) is no valid JSON: \(error)")
        }
    }

    private static func lines(_ bytes: [UInt8], from place: String) throws(GatewayError) -> JSONObject {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalid(nil, "\(place) is not valid UTF-8")
        }
        var values = JSONObject()
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            let parts = trimmed.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].filter { $0 != " " }
            guard parts.count == 2, !name.isEmpty, values[name] == nil else {
                // Not the line itself: it may hold a secret.
                throw .invalid(
                    nil, "\(place), line \(index + 1): write NAME=VALUE, each name once; or give a JSON object")
            }
            values[name] = value(String(parts[1].drop { $0 == " " }), of: name)
        }
        return values
    }

    /// Lines have only texts; two members of a record are none.
    private static func value(_ text: String, of name: String) -> JSON {
        switch name {
        case "weight": Int(text).map { .number(JSONNumber($0)) } ?? .string(text)
        case "disabled": text == "true" ? true : text == "false" ? false : .string(text)
        default: .string(text)
        }
    }

    private static func ask(_ input: CommandInput) throws(GatewayError) -> JSONObject {
        var values = JSONObject()
        while true {
            let name = try input.ask("Name of a value, such as api_key or secure_c_ses (nothing to end): ", false)
            guard let name, !name.isEmpty else { break }
            guard let value = try input.ask("Its value (does not show): ", true) else { break }
            values[name] = .string(value)
        }
        guard !values.isEmpty else { throw .invalid(nil, "no value was given; nothing was added") }
        return values
    }

    /// Read as account files are, so that every spelling which they know is known here.
    private static func body(_ record: JSONObject, provider: String, id: String) throws(GatewayError) -> JSONObject {
        let found: [AccountImportReader.Record]
        do throws(AccountImportReader.Fault) {
            found = try AccountImportReader.readJSON(JSON.array([.object(record)]).bytes())
        } catch { throw .invalid(nil, error.message) }
        guard let credential = found.first?.credential, found[0].problems.isEmpty else {
            throw .invalid(nil, found.first?.problems.joined(separator: "; ") ?? "no account was given")
        }
        let values = credential.values.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value.reveal())) }
        var body = JSONObject([
            ("provider", .string(provider)), ("id", .string(id)), ("values", .object(JSONObject(values))),
        ])
        if let expiresAt = credential.expiresAt { body["expires_at"] = .string(expiresAt.rfc3339Text) }
        if let proxy = credential.proxy { body["proxy"] = .string(proxy.reveal()) }
        if credential.weight != 1 { body["weight"] = .number(JSONNumber(credential.weight)) }
        if credential.isDisabled { body["disabled"] = true }
        if let label = record["label"]?.string { body["label"] = .string(label) }
        return body
    }
}

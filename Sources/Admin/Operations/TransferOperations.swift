import PolluxCore

/// Accounts in and out, many at a time.
struct TransferOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] { [importAccounts, exportAccounts] }

    private static let maxBytes = 16 << 20

    private var importAccounts: AdminOperation {
        var body = AdminOperation.Body(.either([Shape.list(of: .any, atMost: 20_000), Self.envelope]))
        body.media.append((.text, .free(0...Self.maxBytes)))
        body.limit = Self.maxBytes
        return AdminOperation(
            "importAccounts", .post, "/accounts/import", AccountOperations.group, "Add or change many accounts",
            details: """
                The body is what account files hold: `[{…}]` or `{"accounts": [{…}]}`, or, as `text/plain`, one account
                per line with `----` between its fields. Records are merged by id: what is given wins, the rest stays.
                With `dry_run`, nothing changes and the answer says what would. One bad record stops the import with
                the line of each, unless `partial` is true.
                """,
            parameters: [
                .query("provider", .line(1...256), "For records that name none."),
                .query("dry_run", .boolean, "Only say what would happen."),
                .query("partial", .boolean, "Take the good records although others are bad."),
            ], body: body, answer: .json(status: 200, Self.outcome), failures: [404, 422], action: "accounts.import"
        ) { input throws(AdminError) in try await importing(input) }
    }

    private static let envelope = Shape.object(
        [.required("accounts", .list(of: .any, atMost: 20_000)), .optional("schema", .integer(1...1))])

    private static let outcome = Shape.object([
        .required("applied", .boolean), .required("created", .count), .required("changed", .count),
        .required("unchanged", .count), .required("invalid", .count),
        .required(
            "items",
            .list(
                of: .object([
                    .required("line", .count), .optional("provider", .text), .optional("id", .text),
                    .required("outcome", .choice(AccountImport.Outcome.allCases.map(\.rawValue))),
                    .optional("problems", .list(of: .text)),
                ]), atMost: 100_000)),
    ])

    private func importing(_ input: AdminInput) async throws(AdminError) -> AdminReply {
        let records = try backend.accounts.read(input.rawBody, isText: input.body.string != nil)
        let present = Set(try await backend.accounts.accounts().map(\.name))
        let provider = input.optionalText("provider")
        let wanted = records.compactMap { record -> AccountName? in
            guard let id = record.credential?.accountID, let provider = record.provider ?? provider else { return nil }
            let name = AccountName(provider: provider, id: id)
            return present.contains(name) ? name : nil
        }
        let known = try await backend.accounts.credentials(of: wanted)
        let plan = AccountImport(
            records, for: provider, providers: backend.accounts.providers,
            present: Dictionary(known.map { ($0.name, $0.credential) }, uniquingKeysWith: { first, _ in first }),
            problem: backend.accounts.problem)
        if input.flag("dry_run") { return .json(Self.json(plan, applied: false)) }
        if plan.hasInvalid, !input.flag("partial") { throw Self.refusal(plan) }
        try await apply(plan)
        let counts = AccountImport.Outcome.allCases.map { outcome in
            "\(outcome.rawValue) \(plan.entries.count { $0.outcome == outcome })"
        }
        return .json(
            Self.json(plan, applied: true), changed: "\(records.count) records", counts.joined(separator: ", "))
    }

    /// - Throws: What one of them met; those before it stay.
    private func apply(_ plan: AccountImport) async throws(AdminError) {
        var done = 0
        for entry in plan.entries {
            guard let name = entry.name else { continue }
            do throws(AdminError) {
                switch entry.outcome {
                case .created: try await backend.accounts.add(name, entry.draft, awaitsSignIn: true)
                case .changed: try await backend.accounts.edit(name, entry.draft)
                case .unchanged, .invalid: continue
                }
            } catch {
                var error = error
                if done > 0 { error.changed = "\(done) accounts were added or changed" }
                throw error
            }
            done += 1
        }
    }

    private static func refusal(_ plan: AccountImport) -> AdminError {
        let details = plan.entries.filter { $0.outcome == .invalid }.flatMap { entry in
            entry.problems.map { AdminError.Detail(line: entry.line, $0) }
        }
        let count = plan.entries.count { $0.outcome == .invalid }
        return AdminError(
            422, "invalid_records",
            "\(count) of \(plan.entries.count) records cannot be used; nothing was imported. Correct them, or send"
                + " partial=true to take the others", details: Array(details.prefix(200)))
    }

    private static func json(_ plan: AccountImport, applied: Bool) -> JSON {
        var object = JSONObject([("applied", .bool(applied))])
        for outcome in AccountImport.Outcome.allCases {
            object[outcome.rawValue] = .count(plan.entries.count { $0.outcome == outcome })
        }
        object["items"] = .array(
            plan.entries.map { entry in
                var item = JSONObject([("line", .count(entry.line))])
                item.add("provider", entry.name?.provider)
                item.add("id", entry.name?.id)
                item["outcome"] = .string(entry.outcome.rawValue)
                if !entry.problems.isEmpty { item["problems"] = .texts(entry.problems) }
                return .object(item)
            })
        return .object(object)
    }

    private var exportAccounts: AdminOperation {
        AdminOperation(
            "exportAccounts", .post, "/accounts/export", AccountOperations.group, "Export accounts with their secrets",
            details: """
                Asks for the admin key once more, in the body, and is audited: the answer holds every cookie. It can be
                imported as it is. With `format: text`, the mailboxes alone, one per line as the import takes them, and
                a comment for each account that has none.
                """,
            body: .init(
                .object([
                    .required("admin_key", .free(1...4096), "The admin key, once more."),
                    .optional("format", .choice(["json", "text"]), "`json` without it."),
                    .optional("provider", .line(1...256), "Only accounts of this provider."),
                    .optional(
                        "accounts",
                        .list(
                            of: .object([.required("provider", .line(1...256)), .required("id", .line(1...256))])),
                        "Only these."),
                ])),
            answer: .jsonOrText(
                .object([
                    .required("schema", .integer(1...1)), .required("accounts", .list(of: .object([], others: .any))),
                ])), failures: [404], action: "accounts.export"
        ) { input throws(AdminError) in try await exporting(input) }
    }

    private func exporting(_ input: AdminInput) async throws(AdminError) -> AdminReply {
        guard backend.settings.isAdminKey(Secret(input.body["admin_key"]?.string ?? "")) else {
            throw AdminError(
                403, "wrong_admin_key", "'admin_key' is not the admin key; an export needs it once more",
                param: "admin_key")
        }
        var names = try await backend.accounts.accounts().map(\.name)
        if let provider = input.body["provider"]?.string { names.removeAll { $0.provider != provider } }
        if let wanted = input.body["accounts"]?.array {
            let asked = wanted.map {
                AccountName(provider: $0["provider"]?.string ?? "", id: $0["id"]?.string ?? "")
            }
            let present = Set(names)
            if let missing = asked.first(where: { !present.contains($0) }) { throw AccountOperations.unknown(missing) }
            names = asked
        }
        let found = try await backend.accounts.credentials(of: names)
        let shown = names.prefix(20).map(\.description).joined(separator: ", ")
        let change = (
            target: "\(found.count) accounts", detail: shown + (names.count > 20 ? " and \(names.count - 20) more" : "")
        )
        if input.body["format"]?.string == "text" {
            return AdminReply(
                content: .text(backend.accounts.lines(of: found.map(\.credential))), change: change)
        }
        let records = found.map { Self.record($0.credential, of: $0.name.provider) }
        return AdminReply(content: .json(["schema": 1, "accounts": .array(records)]), change: change)
    }

    /// As account files have it, so that it can be imported again.
    static func record(_ credential: Credential, of provider: String) -> JSON {
        var object = JSONObject([("id", .string(credential.accountID)), ("provider", .string(provider))])
        for (name, value) in credential.values.sorted(by: { $0.key < $1.key }) {
            object[name] = name == "cookies" ? Self.list(value) : .string(value.reveal())
        }
        object.add("expires_at", credential.expiresAt)
        object.add("proxy", credential.proxy?.reveal())
        if credential.weight != 1 { object.add("weight", credential.weight) }
        if credential.isDisabled { object["disabled"] = true }
        return .object(object)
    }

    /// The list of a browser's cookies is kept as its text.
    private static func list(_ value: Secret) -> JSON {
        do { return try JSON.parse(Array(value.reveal().utf8)) } catch { return .string(value.reveal()) }
    }
}

import PolluxCore

/// The accounts of every provider.
struct AccountOperations {
    let backend: AdminBackend
    init(_ backend: AdminBackend) { self.backend = backend }

    var all: [AdminOperation] {
        [list, add, bulk, get, edit, delete, enable, disable, test, reset, history]
    }

    static let group = "Accounts"
    private static let path = "/accounts/{provider}/{id}"
    private static let name: [AdminOperation.Parameter] = [
        .path("provider", "The provider's name in the settings."), .path("id", "The account's id."),
    ]
    private static let maxBulk = 500

    // MARK: Reading

    private var list: AdminOperation {
        AdminOperation(
            "listAccounts", .get, "/accounts", Self.group, "List the accounts",
            parameters: [
                .query("provider", .line(1...256), "Only accounts of this provider."),
                .query("source", .line(1...256), "Only accounts of this credential source."),
                .query("state", .choice(AccountCodec.states), "Only accounts in this state."),
                .query("query", .line(1...256), "Only accounts whose id or label holds this text."),
                .query("sort", .choice(["id", "provider", "state", "expires_at"]), "`provider` by default."),
            ] + Paging.parameters, answer: .json(status: 200, Paging.shape(of: AccountCodec.shape))
        ) { input throws(AdminError) in
            let filter = AccountFilter(input)
            let sort = input.optionalText("sort") ?? "provider"
            let found = try await backend.accounts.accounts().filter(filter.matches)
            let (page, next) = try Paging.page(found, input, of: "accounts by \(sort)") { account in
                [Self.sortValue(of: account, by: sort), account.report.provider, account.report.accountID]
            }
            return .json(Paging.json(page.map { AccountCodec.json($0, withHistory: false) }, next: next))
        }
    }

    private static func sortValue(of account: AdministeredAccount, by sort: String) -> String {
        switch sort {
        case "id": account.report.accountID
        case "state": account.report.state.rawValue
        case "expires_at": account.report.expiresAt?.rfc3339Text ?? "9"
        default: account.report.provider
        }
    }

    private var get: AdminOperation {
        AdminOperation(
            "getAccount", .get, Self.path, Self.group, "Show one account, with its last changes of state",
            parameters: Self.name, answer: .json(status: 200, AccountCodec.shape), failures: [404]
        ) { input throws(AdminError) in
            .json(AccountCodec.json(try await account(Self.name(input)), withHistory: true))
        }
    }

    private var history: AdminOperation {
        AdminOperation(
            "listTransitions", .get, Self.path + "/transitions", Self.group,
            "Why an account is where it is: its changes of state, newest first, each with its evidence",
            parameters: Self.name + [.query("limit", .integer(1...1000), "At most so many; 100 by default.")],
            answer: .json(status: 200, .object([.required("items", .list(of: AccountCodec.transition))])),
            failures: [404]
        ) { input throws(AdminError) in
            let name = Self.name(input)
            _ = try await account(name)
            let limit = input.integer("limit") ?? 100
            let found = try await asking { () throws(GatewayError) in
                try await backend.usage.transitions(provider: name.provider, accountID: name.id, limit: limit)
            }
            return .json(["items": .array(found.map(AccountCodec.json))])
        }
    }

    // MARK: Changing

    private static let draftFields: [Shape.Member] = [
        .optional(
            "values", .object([], others: .free(1...65_536)),
            "The secrets by their names in account files: `secure_c_ses`, `api_key`."),
        .optional("expires_at", .time.orNull, "Not used from then on."),
        .optional("proxy", .line(1...1024).orNull, "Its own proxy, or `direct`."),
        .optional("weight", .integer(1...100), "Its share of the work."), .optional("disabled", .boolean),
        .optional("label", .line(1...200).orNull, "A name for people."),
    ]

    private var add: AdminOperation {
        AdminOperation(
            "addAccount", .post, "/accounts", Self.group, "Add an account",
            body: .init(
                .object(
                    [.required("provider", .line(1...256)), .required("id", .line(1...256))] + Self.draftFields)),
            answer: .json(status: 201, AccountCodec.shape), failures: [404, 409, 422], action: "accounts.add"
        ) { input throws(AdminError) in
            let name = AccountName(
                provider: input.body["provider"]?.string ?? "", id: input.body["id"]?.string ?? "")
            try await backend.accounts.add(name, AccountDraft(reading: input.body), awaitsSignIn: false)
            return .json(
                AccountCodec.json(try await account(name), withHistory: true), changed: name.description)
        }
    }

    private var edit: AdminOperation {
        AdminOperation(
            "editAccount", .patch, Self.path, Self.group, "Change an account",
            details: "What is written here no longer follows the account's source, until it is named under `reset`.",
            parameters: Self.name,
            body: .init(
                .object(
                    Self.draftFields + [
                        .optional(
                            "reset", .list(of: .line(1...300), atMost: 100),
                            "Fields that follow their source again: `values.api_key`, `expires_at`.")
                    ])), answer: .json(status: 200, AccountCodec.shape), failures: [404, 409, 422],
            action: "accounts.edit"
        ) { input throws(AdminError) in
            let name = Self.name(input)
            try await backend.accounts.edit(name, AccountDraft(reading: input.body))
            let fields = (input.body.object?.keys ?? []).joined(separator: ", ")
            return .json(
                AccountCodec.json(try await account(name), withHistory: true), changed: name.description, fields)
        }
    }

    private var delete: AdminOperation {
        AdminOperation(
            "deleteAccount", .delete, Self.path, Self.group, "Delete an account",
            details: "One that was added here, or is gone from its source. Running requests end on it.",
            parameters: Self.name, answer: .nothing, failures: [404, 409], action: "accounts.delete"
        ) { input throws(AdminError) in
            let name = Self.name(input)
            try await backend.accounts.delete(name)
            return .nothing(changed: name.description)
        }
    }

    private var enable: AdminOperation {
        switching("enableAccount", "enable", "Let an account work again", "accounts.enable") {
            name throws(AdminError) in
            try await backend.accounts.setDisabled(name, false)
            try await backend.accounts.reset(name, nil)
        }
    }

    private var disable: AdminOperation {
        switching("disableAccount", "disable", "Take an account out of work", "accounts.disable") {
            name throws(AdminError) in
            try await backend.accounts.setDisabled(name, true)
        }
    }

    private func switching(
        _ id: String, _ verb: String, _ summary: String, _ action: String,
        _ change: @escaping @Sendable (AccountName) async throws(AdminError) -> Void
    ) -> AdminOperation {
        AdminOperation(
            id, .post, Self.path + "/" + verb, Self.group, summary,
            details: verb == "enable"
                ? "Also ends its rests, opens its breaker's way and forgets what was found about it." : "",
            parameters: Self.name, answer: .json(status: 200, AccountCodec.shape), failures: [404, 409],
            action: action
        ) { input throws(AdminError) in
            let name = Self.name(input)
            try await change(name)
            return .json(
                AccountCodec.json(try await account(name), withHistory: true), changed: name.description)
        }
    }

    private var reset: AdminOperation {
        AdminOperation(
            "resetAccount", .post, Self.path + "/reset", Self.group, "End an account's rests",
            details: "For one class of work, or for all when none is named.", parameters: Self.name,
            body: .init(.object([.optional("class", AccountCodec.quotaClass)]), isRequired: false),
            answer: .json(status: 200, AccountCodec.shape), failures: [404], action: "accounts.reset"
        ) { input throws(AdminError) in
            let name = Self.name(input)
            let quotaClass = input.body["class"]?.string.flatMap(QuotaClass.init(rawValue:))
            try await backend.accounts.reset(name, quotaClass)
            return .json(
                AccountCodec.json(try await account(name), withHistory: true), changed: name.description,
                quotaClass?.rawValue ?? "all classes")
        }
    }

    private var test: AdminOperation {
        AdminOperation(
            "testAccount", .post, Self.path + "/test", Self.group, "Try an account now",
            details: """
                Without spending its quota, unless `turn` asks for one short answer. Each step says what is wrong where
                it stops.
                """,
            parameters: Self.name,
            body: .init(
                .object([
                    .optional("turn", .boolean, "Also ask for an answer."),
                    .optional("model", .line(1...200), "For the answer, by the upstream's own name."),
                ]), isRequired: false), answer: .json(status: 200, ProbeCodec.shape), failures: [404, 409, 422],
            action: "accounts.test"
        ) { input throws(AdminError) in
            let name = Self.name(input)
            let turn = input.body["turn"]?.bool == true ? TrialTurn(model: input.body["model"]?.string) : nil
            let steps = try await backend.accounts.test(name, turn: turn)
            let isGood = steps.allSatisfy { $0.failure == nil }
            return .json(ProbeCodec.json(steps), changed: name.description, isGood ? "works" : "does not work")
        }
    }

    private var bulk: AdminOperation {
        let names = Shape.list(
            of: .object([.required("provider", .line(1...256)), .required("id", .line(1...256))]), atMost: Self.maxBulk)
        return AdminOperation(
            "changeAccounts", .post, "/accounts/bulk", Self.group, "Do one thing to many accounts",
            details: "Each has its own outcome; one that fails does not hold up the others.",
            body: .init(
                .object([
                    .required("action", .choice(["enable", "disable", "delete", "reset"])),
                    .required("accounts", names),
                ])),
            answer: .json(
                status: 200,
                .object([
                    .required("succeeded", .count), .required("failed", .count),
                    .required(
                        "items",
                        .list(
                            of: .object([
                                .required("provider", .text), .required("id", .text), .required("ok", .boolean),
                                .optional("error", ErrorCodec.inner),
                            ]))),
                ])), action: "accounts.bulk"
        ) { input throws(AdminError) in try await changeMany(input) }
    }

    private func changeMany(_ input: AdminInput) async throws(AdminError) -> AdminReply {
        let action = input.body["action"]?.string ?? ""
        let names = (input.body["accounts"]?.array ?? []).map {
            AccountName(provider: $0["provider"]?.string ?? "", id: $0["id"]?.string ?? "")
        }
        var items: [JSON] = []
        var done: [String] = []
        for name in names {
            var item = JSONObject([("provider", .string(name.provider)), ("id", .string(name.id))])
            do throws(AdminError) {
                try await change(name, action)
                item["ok"] = true
                done.append(name.description)
            } catch {
                item["ok"] = false
                item["error"] = error.json["error"] ?? .null
            }
            items.append(.object(item))
        }
        let answer: JSON = [
            "succeeded": .count(done.count), "failed": .count(names.count - done.count), "items": .array(items),
        ]
        let shown = done.prefix(20).joined(separator: ", ") + (done.count > 20 ? " and \(done.count - 20) more" : "")
        return .json(answer, changed: "\(action) \(done.count)", shown)
    }

    private func change(_ name: AccountName, _ action: String) async throws(AdminError) {
        switch action {
        case "enable":
            try await backend.accounts.setDisabled(name, false)
            try await backend.accounts.reset(name, nil)
        case "disable": try await backend.accounts.setDisabled(name, true)
        case "delete": try await backend.accounts.delete(name)
        default: try await backend.accounts.reset(name, nil)
        }
    }

    // MARK: Names

    private static func name(_ input: AdminInput) -> AccountName {
        AccountName(provider: input.text("provider"), id: input.text("id"))
    }

    private func account(_ name: AccountName) async throws(AdminError) -> AdministeredAccount {
        guard let account = try await backend.accounts.account(name) else { throw Self.unknown(name) }
        return account
    }

    static func unknown(_ name: AccountName) -> AdminError {
        .notFound(
            "the provider \"\(name.provider)\" has no account \"\(name.id)\"; GET \(AdminAPI.path)/accounts lists them",
            code: "account_not_found")
    }
}

/// Which accounts a list shows.
private struct AccountFilter {
    let provider: String?
    let source: String?
    let state: String?
    let text: String?

    init(_ input: AdminInput) {
        provider = input.optionalText("provider")
        source = input.optionalText("source")
        state = input.optionalText("state")
        text = input.optionalText("query")?.lowercased()
    }

    func matches(_ account: AdministeredAccount) -> Bool {
        let report = account.report
        if let provider, report.provider != provider { return false }
        if let source, report.source != source { return false }
        if let state, report.state.rawValue != state { return false }
        guard let text else { return true }
        return report.accountID.lowercased().contains(text) || account.label?.lowercased().contains(text) == true
    }
}

extension AccountDraft {
    /// - Parameter body: Of the shape that the operations declare.
    init(reading body: JSON) {
        self.init()
        for (name, value) in body["values"]?.object ?? JSONObject() {
            if let text = value.string { values[name] = Secret(text) }
        }
        if let value = body["expires_at"] {
            expiresAt = value.string.flatMap { WallTime(rfc3339: $0) }.map { .set($0) } ?? .clear
        }
        if let value = body["proxy"] { proxy = value.string.map { .set(Secret($0)) } ?? .clear }
        if let value = body["label"] { label = value.string.map { .set($0) } ?? .clear }
        weight = body["weight"]?.int
        isDisabled = body["disabled"]?.bool
        reset = body["reset"]?.array?.compactMap(\.string) ?? []
    }
}

/// The outcome of trying an account.
enum ProbeCodec {
    static let step = Shape.object([
        .required("name", .text), .required("ok", .boolean), .optional("problem", .text), .optional("code", .text),
    ])
    static let shape = Shape.object([.required("ok", .boolean), .required("steps", .list(of: step))])

    static func json(_ steps: [ProbeStep]) -> JSON {
        ["ok": .bool(steps.allSatisfy { $0.failure == nil }), "steps": .array(steps.map(json))]
    }

    static func json(_ step: ProbeStep) -> JSON {
        var object = JSONObject([("name", .string(step.name)), ("ok", .bool(step.failure == nil))])
        object.add("problem", step.failure?.message)
        object.add("code", step.failure?.kind.rawValue)
        return .object(object)
    }
}

/// An error in the document.
enum ErrorCodec {
    static let inner = Shape.object([
        .required("code", .text, "For programs; stable."), .required("message", .free(0...65_536), "For people."),
        .optional("param", .text, "The field at fault."),
        .optional(
            "details",
            .list(
                of: .object([
                    .optional("param", .text), .optional("line", .count), .required("message", .free(0...65_536)),
                ])), "Each thing that is wrong, when there are several."),
    ])
    static let shape = Shape.object([.required("error", inner)]).named("Error")
}

import PolluxAdmin
import PolluxCore

/// Paths of the gateways that operators come from, in the shapes that their scripts know. Every change runs as an
/// operation of the API, so that it is checked and audited as any other.
struct OlderPaths: Sendable {
    let api: AdminAPI
    let accounts: AccountDesk
    let isAdminKey: @Sendable (Secret) -> Bool
    let time: any TimeSource
    let swap: CookieSwap
    let gallery: OlderGallery

    /// First segments, as they stand below a prefix without `/admin` as well.
    static let names = ["accounts", "accounts-config", "log", OlderGallery.name]
    /// Stands at the top as well, and below the prefix alone where there is one.
    static let cookies = "/api/cookies"

    struct Request: Sendable {
        var method: HTTPMethod
        var path: [String]
        var query: [(name: String, value: String)]
        var body: [UInt8]
        var caller: AdminCaller
        /// Secrets are shown to who sends the admin key once more in `X-Admin-Key`.
        var secondKey: String?
    }

    func answer(_ request: Request) async throws(AdminError) -> (status: Int, json: JSON) {
        guard request.path == ["api", "cookies"] else { return (200, try await answerPlainly(request)) }
        guard request.method == .post else {
            var error = AdminError(405, "method_not_allowed", "this path takes POST")
            error.allowed = [.post]
            throw error
        }
        return try await swap.run(try parse(request.body), request.caller)
    }

    private func answerPlainly(_ request: Request) async throws(AdminError) -> JSON {
        let method: HTTPMethod = request.method == .head ? .get : request.method
        if request.path.first == OlderGallery.name {
            guard let answer = try await gallery.answer(method, request.path, request.caller) else {
                throw Self.unknown
            }
            return answer
        }
        switch (method, request.path.count, request.path.first) {
        case (.get, 1, "accounts"): return try await list(request)
        case (.get, 1, "accounts-config"): return try await config(request)
        case (.put, 1, "accounts-config"): return try await replace(request)
        case (.get, 1, "log"): return try await log(request)
        case (.put, 2, "accounts"): return try await bulk(request)
        case (.delete, 2, "accounts"):
            try await change(request.path[1], "deleteAccount", request)
            return try await done("the account is deleted")
        case (.put, 3, "accounts"):
            guard ["disable", "enable"].contains(request.path[2]) else { throw Self.unknown }
            let isOn = request.path[2] == "enable"
            try await change(request.path[1], isOn ? "enableAccount" : "disableAccount", request)
            return try await done(isOn ? "the account is enabled" : "the account is disabled")
        default: throw Self.unknown
        }
    }

    private static let unknown = AdminError.notFound("there is no such path", code: "not_found")

    // MARK: Accounts

    private func list(_ request: Request) async throws(AdminError) -> JSON {
        let page = try number("page", 1...1_000_000, request)
        let size = try number("page_size", 1...200, request)
        let text = request.value("query")?.lowercased() ?? ""
        let status = request.value("status") ?? "all"
        let now = time.wallNow
        let all = try await accounts.accounts().filter { account in
            (text.isEmpty || account.report.accountID.lowercased().contains(text))
                && (status == "all" || account.report.state.olderCode == status)
        }
        guard page != nil || size != nil else {
            return ["total": .count(all.count), "accounts": .array(all.map { OlderRecord.json($0, now) })]
        }
        let (number, length) = (page ?? 1, size ?? 50)
        let shown = all.dropFirst((number - 1) * length).prefix(length)
        return [
            "total": .count(all.count), "accounts": .array(shown.map { OlderRecord.json($0, now) }),
            "page": .count(number), "page_size": .count(length),
            "total_pages": .count((all.count + length - 1) / length), "query": .string(text),
            "status": .string(status),
        ]
    }

    private func number(
        _ name: String, _ range: ClosedRange<Int>, _ request: Request
    ) throws(AdminError) -> Int? {
        guard let text = request.value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid(name, "'\(name)' is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func change(_ id: String, _ operation: String, _ request: Request) async throws(AdminError) {
        let name = try await name(of: id)
        _ = try await api.perform(
            operation,
            AdminInput(
                caller: request.caller, parameters: ["provider": .string(name.provider), "id": .string(name.id)]))
    }

    /// The older paths know ids only; of two accounts with one id, the first provider's.
    private func name(of id: String) async throws(AdminError) -> AccountName {
        guard let found = try await accounts.accounts().first(where: { $0.report.accountID == id }) else {
            throw .notFound("there is no account \"\(id)\"", code: "account_not_found")
        }
        return AccountName(provider: found.report.provider, id: id)
    }

    private func done(_ message: String) async throws(AdminError) -> JSON {
        let count = try await accounts.accounts().count
        return ["status": "success", "message": .string(message), "account_count": .count(count)]
    }

    private func bulk(_ request: Request) async throws(AdminError) -> JSON {
        let operations = [
            "bulk-enable": "enableAccount", "bulk-disable": "disableAccount", "bulk-delete": "deleteAccount",
        ]
        guard let operation = operations[request.path[1]] else { throw Self.unknown }
        let ids = try parse(request.body).array?.map { $0.string } ?? [nil]
        guard ids.count <= 50, ids.allSatisfy({ $0 != nil }) else {
            throw .invalid(nil, "the body is a list of at most 50 ids: [\"id\", …]")
        }
        var errors: [JSON] = []
        for id in ids.compactMap(\.self) {
            do throws(AdminError) { try await change(id, operation, request) } catch {
                errors.append(.string("\(id): \(error.message)"))
            }
        }
        return [
            "status": "success", "success_count": .count(ids.count - errors.count), "errors": .array(errors),
        ]
    }

    // MARK: All of them at once

    private func config(_ request: Request) async throws(AdminError) -> JSON {
        let mayShow = request.secondKey.map { isAdminKey(Secret($0)) } ?? false
        if mayShow {
            let reply = try await api.perform(
                "exportAccounts",
                AdminInput(
                    caller: request.caller, body: ["admin_key": .string(request.secondKey ?? "")]))
            guard case .json(let json) = reply.content else { return ["accounts": []] }
            return ["accounts": json["accounts"] ?? []]
        }
        let names = try await accounts.accounts().map {
            AccountName(provider: $0.report.provider, id: $0.report.accountID)
        }
        let found = try await accounts.credentials(of: names)
        return ["accounts": .array(found.map { OlderRecord.masked($0.credential, of: $0.name.provider) })]
    }

    /// Replaces the accounts that were added here. Those of credential sources stay: they would come back.
    private func replace(_ request: Request) async throws(AdminError) -> JSON {
        let json = try parse(request.body)
        guard let records = json.array ?? json["accounts"]?.array else {
            throw .invalid(nil, "the body is a list of accounts: [{\"id\": …}]")
        }
        let given = records.map(OlderRecord.withoutMasks)
        let provider = defaultProvider
        let reply = try await api.perform(
            "importAccounts",
            AdminInput(
                caller: request.caller, parameters: provider.map { ["provider": .string($0)] } ?? [:],
                body: .array(given), rawBody: JSON.array(given).bytes()))
        guard case .json = reply.content else { throw Self.unknown }
        let kept = Set(given.compactMap { ($0["id"] ?? $0["mail_address"])?.string })
        for account in try await accounts.accounts()
        where account.report.source == AccountRecord.adminSource && !kept.contains(account.report.accountID) {
            try await change(account.report.accountID, "deleteAccount", request)
        }
        return try await done("the accounts are saved")
    }

    /// Records of those gateways name no provider: they were of Gemini Business.
    private var defaultProvider: String? {
        let upstreams = accounts.gateway().upstreams
        return (upstreams.first { $0.kind == "gemini-business" } ?? upstreams.first)?.name
    }

    // MARK: Log

    private func log(_ request: Request) async throws(AdminError) -> JSON {
        let limit = try number("limit", 1...3000, request) ?? 300
        let level = request.value("level")?.uppercased()
        let search = request.value("search")?.lowercased()
        var parameters: [String: JSON] = ["limit": .count(min(limit, 1000))]
        var entries: [JSON] = []
        while entries.count < limit {
            let reply = try await api.perform(
                "listRequests", AdminInput(caller: request.caller, parameters: parameters))
            guard case .json(let json) = reply.content else { break }
            let page = (json["items"]?.array ?? []).map(OlderRecord.logEntry)
            entries += page.filter { entry in
                (level.map { $0 == entry["level"]?.string } ?? true)
                    && (search.map { entry["message"]?.string?.lowercased().contains($0) ?? false } ?? true)
            }
            guard let next = json["next"] else { break }
            parameters["cursor"] = next
        }
        let logs = Array(entries.prefix(limit).reversed())
        return [
            "total": .count(logs.count), "limit": .count(limit),
            "filters": ["level": .text(level), "search": .text(search), "start_time": .null, "end_time": .null],
            "logs": .array(logs),
        ]
    }

    private func parse(_ body: [UInt8]) throws(AdminError) -> JSON {
        do { return try JSON.parse(body) } catch {
            throw .invalid(nil, "the body is no valid JSON: \(error)", code: "invalid_json")
        }
    }
}

extension OlderPaths.Request {
    fileprivate func value(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

extension JSON {
    static func count(_ number: Int) -> JSON { .number(JSONNumber(number)) }
    static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}

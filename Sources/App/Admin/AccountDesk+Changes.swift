import PolluxAdmin
import PolluxCore

/// What the operator changes about accounts: written into the book first, then in force.
extension AccountDesk {
    func add(_ name: AccountName, _ draft: AccountDraft, awaitsSignIn: Bool) async throws(AdminError) {
        guard let upstream = upstream(name.provider) else {
            let hint = nearest(to: name.provider, among: providers).map { "; did you mean \"\($0)\"?" } ?? ""
            throw AdminError(
                404, "provider_not_found", "there is no provider \"\(name.provider)\"\(hint)", param: "provider")
        }
        // Those of the provider's own settings are in no book.
        guard upstream.pool.currentCredential(of: name.id) == nil else { throw Self.exists(name) }
        let credential = draft.applied(to: Credential(accountID: name.id, values: [:]))
        if !awaitsSignIn, let problem = upstream.provider.problem(with: credential) {
            throw AdminError(422, "unusable_account", problem, param: "values")
        }
        var label: String?
        if case .set(let text) = draft.label { label = text }
        let shown = label
        do { try await book.add(credential, label: shown, to: name.provider) } catch {
            throw error.code == "exists" ? Self.exists(name) : AdminError(error)
        }
        CredentialFeed.mask([credential], gateway().log)
    }

    private static func exists(_ name: AccountName) -> AdminError {
        AdminError(
            409, "account_exists",
            "the provider \"\(name.provider)\" has an account \"\(name.id)\" already; change that, or"
                + " choose another id",
            param: "id")
    }

    func edit(_ name: AccountName, _ draft: AccountDraft) async throws(AdminError) {
        let upstream = try known(name)
        let changes = draft.fields
        let current = upstream.pool.currentCredential(of: name.id) ?? Credential(accountID: name.id, values: [:])
        let changed = draft.applied(to: current)
        // An account that could not be used before may stay so: it is being completed step by step.
        if upstream.provider.problem(with: current) == nil, let problem = upstream.provider.problem(with: changed) {
            throw AdminError(422, "unusable_account", problem, param: "values")
        }
        do throws(GatewayError) {
            if !draft.reset.isEmpty { try await book.reset(name.id, of: name.provider, draft.reset) }
            if !changes.isEmpty { try await book.edit(name.id, of: name.provider, changes) }
        } catch { throw Self.refusal(error, name) }
        CredentialFeed.mask([changed], gateway().log)
        if let isDisabled = draft.isDisabled { upstream.pool.setDisabled(account: name.id, isDisabled) }
    }

    func setDisabled(_ name: AccountName, _ isDisabled: Bool) async throws(AdminError) {
        let upstream = try known(name)
        do {
            try await book.edit(name.id, of: name.provider, ["disabled": Secret(isDisabled ? "true" : "false")])
        } catch { throw Self.refusal(error, name) }
        upstream.pool.setDisabled(account: name.id, isDisabled)
    }

    func reset(_ name: AccountName, _ quotaClass: QuotaClass?) async throws(AdminError) {
        try known(name).pool.reset(account: name.id, class: quotaClass)
    }

    func delete(_ name: AccountName) async throws(AdminError) {
        do { try await book.remove(name.id, of: name.provider) } catch {
            guard error.code == "owned_by_source" else { throw Self.refusal(error, name) }
            let source = book.record(of: name.id, provider: name.provider)?.source ?? ""
            throw AdminError(
                409, "named_by_source",
                "the account \"\(name.id)\" comes from \"\(source)\" and would come back; take it out there, or disable"
                    + " it")
        }
    }

    private static func refusal(_ error: GatewayError, _ name: AccountName) -> AdminError {
        switch error.code {
        case "account_not_found": return unknown(name)
        default: return AdminError(error)
        }
    }
}

extension AccountDraft {
    /// By the names under which the book keeps them; `nil` leaves a field out on purpose.
    fileprivate var fields: [String: Secret?] {
        var fields: [String: Secret?] = [:]
        for (name, value) in values { fields["values.\(name)"] = .some(value) }
        Self.put(expiresAt, "expires_at", &fields) { Secret(String($0.microseconds)) }
        Self.put(proxy, "proxy", &fields) { $0 }
        Self.put(label, "label", &fields) { Secret($0) }
        if let weight { fields["weight"] = .some(Secret(String(weight))) }
        if let isDisabled { fields["disabled"] = .some(Secret(isDisabled ? "true" : "false")) }
        return fields
    }

    private static func put<Value>(
        _ change: Change<Value>, _ name: String, _ fields: inout [String: Secret?], _ text: (Value) -> Secret
    ) {
        switch change {
        case .keep: break
        case .clear: fields[name] = .some(nil)
        case .set(let value): fields[name] = .some(text(value))
        }
    }

    fileprivate func applied(to credential: Credential) -> Credential {
        var credential = credential
        credential.values.merge(values) { _, new in new }
        switch expiresAt {
        case .keep: break
        case .clear: credential.expiresAt = nil
        case .set(let time): credential.expiresAt = time
        }
        switch proxy {
        case .keep: break
        case .clear: credential.proxy = nil
        case .set(let proxy): credential.proxy = proxy
        }
        if let weight { credential.weight = weight }
        if let isDisabled { credential.isDisabled = isDisabled }
        return credential
    }
}

import PolluxAdmin
import PolluxCore

extension AdminSession {
    /// The account of that name, in full.
    ///
    /// - Throws: A sentence with the nearest name, or with all that it may mean.
    func account(named name: String) async throws(GatewayError) -> JSON {
        let found = ShownAccount(try await find(name))
        return try await ask(AdminAsk(.get, "accounts", found.provider, found.id))
    }

    private func find(_ name: String) async throws(GatewayError) -> JSON {
        let accounts = try await list(AdminAsk(.get, "accounts"))
        let shown = accounts.map { (json: $0, account: ShownAccount($0)) }
        let full = shown.first { $0.account.name == name }
        if let full { return full.json }
        let named = shown.filter { $0.account.id == name }
        let meant = named.isEmpty ? shown.filter { $0.account.label == name } : named
        if meant.count == 1, let only = meant.first { return only.json }
        if meant.count > 1 {
            let names = meant.prefix(5).map { "\"\($0.account.name)\"" }.joined(separator: ", ")
            throw .invalid(nil, "\"\(name)\" may be \(names); name it in full, as PROVIDER/ID")
        }
        let candidates = shown.map(\.account.id) + shown.map(\.account.name) + shown.compactMap(\.account.label)
        let hint = nearest(to: name, among: candidates).map { "; did you mean \"\($0)\"?" } ?? ";"
        throw .invalid(nil, "there is no account \"\(name)\"\(hint) 'pollux accounts list' lists them")
    }
}

import PolluxAdmin
import PolluxCore
import Synchronization

/// `/api/cookies`: new cookies of an account of Gemini's web app. They are tried first; only then they take the place
/// of the old ones, as an operation of the API, so that it is audited as any other.
final class CookieSwap: Sendable {
    /// The names under which they are sent, and under which an account keeps them.
    private static let names = ["SECURE_1PSID", "SECURE_1PSIDTS", "SECURE_1PSIDCC"]
    /// What an account may hold of older cookies beside these: they must not come back.
    private static let leftovers = ["cookie_jar", "cookies_renewed_at", "cookies"]
    private static let kind: PluginKind = "gemini-web"
    /// Of an account that is made when there is none.
    private static let firstAccount = "cookies"

    private let api: AdminAPI
    private let accounts: AccountDesk
    private let isBusy = Mutex(false)

    init(api: AdminAPI, accounts: AccountDesk) { (self.api, self.accounts) = (api, accounts) }

    /// - Returns: 200 and `{"success": true, "account", "status"}`; 422 and the same with why they were not taken.
    func run(_ body: JSON, _ caller: AdminCaller) async throws(AdminError) -> (status: Int, json: JSON) {
        let values = try Self.values(body)
        guard let upstream = accounts.gateway().upstreams.first(where: { $0.kind == Self.kind }) else {
            throw AdminError(
                404, "provider_not_found",
                "no provider of kind gemini-web is configured; add one under providers: in the settings")
        }
        let id = try account(body, upstream)
        guard
            isBusy.withLock({ isBusy in
                defer { isBusy = true }
                return !isBusy
            })
        else {
            throw AdminError(409, "change_under_way", "other cookies are being tried; send these again in a moment")
        }
        defer { isBusy.withLock { $0 = false } }
        let current = upstream.pool.currentCredential(of: id)
        let trial = CookieTrial(values, as: id, like: current, caller.requestID)
        CredentialFeed.mask([trial.credential], accounts.gateway().log)
        let failure = await accounts.prober.steps(upstream, trial)?.compactMap(\.failure).first
        if let failure {
            return (422, ["success": false, "account": .string(id), "status": .string(failure.message)])
        }
        try await swap(trial.cookies(leaving: Self.leftovers), id, upstream, isNew: current == nil, caller)
        let state = upstream.pool.report(of: id)?.state.rawValue ?? AccountState.ready.rawValue
        return (200, ["success": true, "account": .string(id), "status": .string(state)])
    }

    private static func values(_ body: JSON) throws(AdminError) -> [String: Secret] {
        guard let object = body.object else { throw .invalid(nil, "the body is an object: {\"SECURE_1PSID\": …}") }
        for name in object.keys where !names.contains(name) && name != "account" {
            throw .invalid(
                name, "'\(name)' is no field here; send account, \(names.joined(separator: ", "))",
                code: "unknown_field")
        }
        var values: [String: Secret] = [:]
        for name in names {
            guard let value = object[name], !value.isNull else { continue }
            guard let text = value.string, !text.isEmpty, text.utf8.count <= 4096 else {
                throw .invalid(name, "'\(name)' is the value of a cookie, a text")
            }
            values[name.lowercased()] = Secret(text)
        }
        guard values["secure_1psid"] != nil else {
            throw .invalid(
                "SECURE_1PSID", "'SECURE_1PSID' is missing: the cookie __Secure-1PSID of gemini.google.com",
                code: "missing_required_parameter")
        }
        return values
    }

    /// The one that is named, else the provider's first.
    private func account(_ body: JSON, _ upstream: Upstream) throws(AdminError) -> String {
        guard let named = body["account"], !named.isNull else {
            return upstream.pool.reports().first?.accountID ?? Self.firstAccount
        }
        guard let id = named.string else { throw .invalid("account", "'account' is the id of an account, a text") }
        guard upstream.pool.currentCredential(of: id) != nil else {
            throw AccountDesk.unknown(AccountName(provider: upstream.name, id: id))
        }
        return id
    }

    private func swap(
        _ cookies: [String: Secret], _ id: String, _ upstream: Upstream, isNew: Bool, _ caller: AdminCaller
    ) async throws(AdminError) {
        let values = JSON.object(
            JSONObject(cookies.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value.reveal())) }))
        if isNew {
            _ = try await api.perform(
                "addAccount",
                AdminInput(
                    caller: caller,
                    body: ["provider": .string(upstream.name), "id": .string(id), "values": values]))
        } else {
            _ = try await api.perform(
                "editAccount",
                AdminInput(
                    caller: caller, parameters: ["provider": .string(upstream.name), "id": .string(id)],
                    body: ["values": values]))
        }
    }
}

/// Cookies that are tried beside the account whose they will be. What the upstream renews while they are tried is kept
/// with them, since the older value may be void by then.
private final class CookieTrial: AccountLease {
    private static let account = "cookies under trial"
    private static let mark = "trial"

    private let current: Mutex<Credential>
    private let given: [String: Secret]
    private let old: Credential?

    /// - Parameter mark: Differs for each trial, so that no session of an earlier one is taken for this one's.
    init(_ values: [String: Secret], as id: String, like old: Credential?, _ mark: String) {
        var credential = Credential(accountID: Self.account, values: values)
        credential.proxy = old?.proxy
        credential.values[Self.mark] = Secret(mark)
        current = Mutex(credential)
        (given, self.old) = (values, old)
    }

    var credential: Credential { current.withLock { $0 } }

    func rotate(to credential: Credential) async throws(GatewayError) { current.withLock { $0 = credential } }

    /// What the account is to hold: the new cookies, renewed ones with them, and nothing of the old.
    func cookies(leaving leftovers: [String]) -> [String: Secret] {
        var cookies = credential.values
        cookies[Self.mark] = nil
        for name in leftovers + ["secure_1psidts", "secure_1psidcc"] where cookies[name] == nil {
            if old?.values[name] != nil { cookies[name] = Secret("") }
        }
        return cookies
    }
}

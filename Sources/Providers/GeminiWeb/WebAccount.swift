import PolluxCore

/// What an account's credential holds for this upstream.
///
/// Source: Gemini web protocol notes, section 2.
struct WebAccount: Sendable, Equatable {
    let cookies: [Cookie]
    let scope: WebCookieScope?
    let history: WebHistory?
    /// Which of the identities that are signed in with these cookies.
    let authUser: Int?
    let userAgent: String?
    let proxy: Secret?
    /// The jar as the gateway kept it.
    let keptJar: CookieJar?

    /// The names of the values in a credential, by the cookie they are.
    static let essentialKeys = [
        (cookie: identityCookie, key: "secure_1psid"), (cookie: rotatingCookie, key: "secure_1psidts"),
        (cookie: "__Secure-1PSIDCC", key: "secure_1psidcc"),
    ]
    static let identityCookie = "__Secure-1PSID"
    static let rotatingCookie = "__Secure-1PSIDTS"
    static let jarKey = "cookie_jar"

    /// - Throws: `upstreamAuth` with what `problem(with:)` says.
    init(_ credential: Credential) throws(GatewayError) {
        if let problem = Self.problem(with: credential) {
            throw GatewayError(
                .upstreamAuth, .account, "the chosen account cannot be used; the operator must complete it",
                detail: problem, accountEffect: .rejectCredential)
        }
        cookies = Self.cookies(of: credential) ?? []
        scope = credential["cookie_scope"].flatMap { WebCookieScope(rawValue: $0.reveal()) }
        history = credential["history"].flatMap { WebHistory(rawValue: $0.reveal()) }
        authUser = credential["auth_user"].flatMap { Int($0.reveal()) }
        userAgent = credential["user_agent"]?.reveal()
        proxy = credential.proxy
        keptJar = credential[Self.jarKey].flatMap { CookieJar(text: $0) }
    }

    /// What is missing or cannot be sent, and where to find it; `nil` when the account can be used.
    static func problem(with credential: Credential) -> String? {
        guard let cookies = cookies(of: credential) else {
            return "cookies must be a list of {\"name\", \"value\", \"domain\"} as browsers' cookie exports write it"
        }
        for (_, key) in essentialKeys where !Cookie.canCarry(value: credential[key]?.reveal() ?? "") {
            return "\(key) holds a character that a cookie cannot have; copy the value again, without quotes"
        }
        guard cookies.contains(where: { $0.name == identityCookie && !$0.value.isEmpty }) else {
            return "secure_1psid is missing (the cookie \(identityCookie) of gemini.google.com)"
        }
        return problemOfOptions(credential)
    }

    private static func problemOfOptions(_ credential: Credential) -> String? {
        if let text = credential["cookie_scope"]?.reveal(), WebCookieScope(rawValue: text) == nil {
            return "cookie_scope must be essential or full"
        }
        if let text = credential["history"]?.reveal(), WebHistory(rawValue: text) == nil {
            return "history must be stored or temporary"
        }
        if let text = credential["auth_user"]?.reveal(), !(0...99).contains(Int(text) ?? -1) {
            return "auth_user must be a number from 0 to 99, as it stands behind /u/ in the web app's address"
        }
        guard (credential["user_agent"]?.reveal() ?? "").utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            return "user_agent must be plain ASCII on one line"
        }
        return nil
    }

    /// The listed cookies, and those that have a field of their own, which count more.
    ///
    /// - Returns: `nil` when the list cannot be read.
    private static func cookies(of credential: Credential) -> [Cookie]? {
        var cookies: [Cookie] = []
        if let text = credential["cookies"], !text.isEmpty {
            guard let list = (try? JSON.parse(Array(text.reveal().utf8)))?.array else { return nil }
            for entry in list {
                guard let cookie = Cookie(entry) else { return nil }
                cookies.append(cookie)
            }
        }
        for (name, key) in essentialKeys {
            guard let value = credential[key], !value.isEmpty else { continue }
            cookies.removeAll { $0.name == name }
            cookies.append(
                Cookie(
                    name: name, value: value, domain: WebSite.cookieDomain, isHostOnly: false, isSecure: true))
        }
        return cookies
    }

    /// The jar that requests begin with: what the gateway made of the cookies last time, else those in scope.
    func jar(at site: WebSite, scope standard: WebCookieScope, now: WallTime) -> CookieJar {
        if let keptJar, let app = site.url(WebSite.app, "/app"),
            keptJar.value(of: Self.identityCookie, for: app, now: now) != nil
        {
            return keptJar
        }
        let names = Set(Self.essentialKeys.map(\.cookie))
        let isFull = (scope ?? standard) == .full
        var jar = CookieJar()
        for cookie in cookies where isFull || names.contains(cookie.name) {
            if let cookie = site.homeCookie(cookie) { jar.set(cookie) }
        }
        return jar
    }
}

import PolluxCore

/// The paths of the sign-in and accounts hosts.
enum SignInPath {
    static let token = "/auth/getoxsrf"
    static let setCookie = "/auth/setocookie"
    static let refresh = "/refreshcookies"
    static let sessions = "/list-sessions"
}

/// From cookies to a signing key, the long way of some accounts, and the question whether a session is alive
/// (protocol notes, sections 3.1, 3.3 and 3.4).
extension GeminiBusinessSimulator {
    func signInReply(to call: SimulatedCall) throws(GoogleError) -> BusinessReply {
        guard let account = signedInAccount(call) else {
            let why = "refused: the csesidx is unknown or its cookies do not match"
            return .whole(Self.refusedSignIn(call.request), verdict: why)
        }
        let fault = orderedFault(call, account: account.csesidx) { status in
            switch status {
            case 401: Self.refusedSignIn(call.request)
            case 300..<400: Self.loginPage(call.request, status)
            default: .google(.usual(status))
            }
        }
        if let reply = fault.reply { return reply }
        guard !account.isExpired || call.request.path == SignInPath.sessions else {
            return .whole(Self.refusedSignIn(call.request), verdict: "refused: the account's session has expired")
        }
        switch call.request.path {
        case SignInPath.token: return tokenReply(account, call.request)
        case SignInPath.refresh: return refreshReply(account, call.request)
        case SignInPath.setCookie: return setCookieReply(account, call.request)
        default: return sessionsReply(account, call.request)
        }
    }

    /// The account of the query, if the cookies are its own. `__Host-C_OSES` may be left out, but not be wrong.
    private func signedInAccount(_ call: SimulatedCall) -> BusinessAccount? {
        let request = call.request
        guard let csesidx = request.queryValue("csesidx"),
            let (account, renewed) = withState({ state in
                state.account(csesidx).map { ($0, state.renewedCookie(csesidx)) }
            }),
            request.cookie("__Secure-C_SES") == account.secureCSES
        else { return nil }
        if let sent = request.cookie("__Host-C_OSES"), let own = account.hostCOSES {
            guard sent == own || sent == renewed else { return nil }
        }
        call.note { $0.account = csesidx }
        return account
    }

    private func tokenReply(_ account: BusinessAccount, _ request: SimulatedRequest) -> BusinessReply {
        if account.isRedirected, !hasRenewedCookie(account, request) {
            let target = "\(request.origin)\(SignInPath.refresh)?csesidx=\(account.csesidx)"
            return .whole(.redirect(to: target), verdict: "ok: redirected to refreshcookies")
        }
        return .whole(key(for: account), verdict: "ok")
    }

    private func key(for account: BusinessAccount) -> HTTPAnswer {
        let key = withState { $0.makeKey(for: account.csesidx) }
        let token = Base64.encode(key.bytes, .urlSafe)
        return .guarded(["xsrfToken": .string(token), "keyId": .string(key.id)])
    }

    /// True with the renewed cookie itself, and on the hop that brings the client back from `setocookie`, where it
    /// may still send the headers it began with.
    private func hasRenewedCookie(_ account: BusinessAccount, _ request: SimulatedRequest) -> Bool {
        guard let cookie = withState({ $0.renewedCookie(account.csesidx) }) else { return false }
        return request.cookie("__Host-C_OSES") == cookie || request.queryValue("ticket") == Self.ticket(of: cookie)
    }

    private func refreshReply(_ account: BusinessAccount, _ request: SimulatedRequest) -> BusinessReply {
        let target = "\(request.origin)\(SignInPath.setCookie)?csesidx=\(account.csesidx)"
        return .whole(
            .guarded(["setocookieUrl": .string(Base64.encode(Array(target.utf8), .urlSafe))]), verdict: "ok")
    }

    private func setCookieReply(_ account: BusinessAccount, _ request: SimulatedRequest) -> BusinessReply {
        let cookie = withState { $0.renewCookie(account.csesidx) }
        let target =
            "\(request.origin)\(SignInPath.token)?csesidx=\(account.csesidx)&ticket=\(Self.ticket(of: cookie))"
        var answer = account.hasShortWay ? key(for: account) : HTTPAnswer.redirect(to: target)
        answer.head.fields.append("set-cookie", "__Host-C_OSES=\(cookie); Path=/; Secure; HttpOnly; SameSite=None")
        return .whole(answer, verdict: "ok: a new __Host-C_OSES")
    }

    private func sessionsReply(_ account: BusinessAccount, _ request: SimulatedRequest) -> BusinessReply {
        guard request.cookie("__Host-C_OSES") != nil else {
            return .whole(Self.refusedSignIn(request), verdict: "refused: __Host-C_OSES is missing")
        }
        let session: JSON = [
            "csesidx": .string(account.csesidx), "expired": .bool(account.isExpired),
            "username": .string(account.label),
            "subject": .string("1\(account.csesidx)"), "displayName": "Ops",
            "singleSessionSignoutUrl": .string("\(request.origin)/logout?csesidx=\(account.csesidx)"),
        ]
        return .whole(.guarded(["sessions": [session]]), verdict: "ok")
    }

    private static func refusedSignIn(_ request: SimulatedRequest) -> HTTPAnswer {
        guard request.path != SignInPath.sessions else { return .json(["status": "INVALID_COOKIES"], status: 401) }
        return .guarded(["message": "Session has expired.", "status": "EXPIRED_SIGN_IN"], status: 401)
    }

    /// Where a browser is sent that is not signed in. It stays on this host, so that who follows it goes nowhere else.
    private static func loginPage(_ request: SimulatedRequest, _ status: Int) -> HTTPAnswer {
        var answer = HTTPAnswer.redirect(
            to: "\(request.origin)/login?continueUrl=https%3A%2F%2Fbusiness.gemini.google%2F")
        answer.head.status = status
        return answer
    }

    private static func ticket(of cookie: String) -> String { String(cookie.suffix(12)) }
}

extension HTTPAnswer {
    /// JSON behind the four characters that keep it from being run as a script.
    fileprivate static func guarded(_ json: JSON, status: Int = 200) -> HTTPAnswer {
        HTTPAnswer(
            status: status, fields: ["content-type": "application/json; charset=UTF-8"],
            body: Array(")]}'\n".utf8) + json.bytes())
    }

    static func redirect(to target: String) -> HTTPAnswer {
        HTTPAnswer(status: 302, fields: ["location": target, "content-type": "text/html; charset=UTF-8"])
    }
}

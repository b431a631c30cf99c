import PolluxCore

/// The start page with its tokens, the page before it, and the rotation of cookies (protocol notes, sections 3 and 4).
extension GeminiWebSimulator {
    func preflightReply(to visit: WebVisit) -> WebReply {
        let value = withState { $0.makeID("NID-sim-") }
        return Self.html(
            "<!doctype html><html><head><title>Google</title></head><body></body></html>",
            cookies: [visit.request.setCookie("NID", value)])
    }

    func pageReply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        switch visit.settings.page {
        case .limited: throw WebRefusal(status: 429, "the account's setting: init")
        case .unavailable: throw WebRefusal(status: 503, "the account's setting: init")
        case .consent:
            return Self.html(
                "<!doctype html><html><head><title>Before you continue to Google</title></head><body></body></html>",
                cookies: [])
        case .normal:
            let (tokens, continuity) = withState { state in
                let sign = Bool.random(using: &state.random) ? "-" : ""
                let session = sign + state.random.digits(19)
                let token = visit.caller.isSignedIn ? state[visit.caller.account].token : nil
                return (Self.tokens(session: session, token: token), state[visit.caller.account].nextContinuity())
            }
            let page =
                "<!doctype html><html><head><script>window.WIZ_global_data = \(tokens);</script></head>"
                + "<body></body></html>"
            return Self.html(page, cookies: [visit.request.setCookie(WebCookies.continuityName, continuity)])
        }
    }

    func rotationReply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        guard visit.caller.isSignedIn else { throw WebRefusal(status: 401, "no account's cookies") }
        let type = visit.request.head.fields["content-type"]?.split(separator: ";").first ?? ""
        guard visit.request.body.first == UInt8(ascii: "["), type.lowercased() == "application/json" else {
            throw WebRefusal(status: 400, "the body must be a JSON list with its type")
        }
        switch visit.settings.rotation {
        case .refused: throw WebRefusal(status: 401, "the account's setting: rotate")
        case .limited: throw WebRefusal(status: 429, "the account's setting: rotate")
        case .normal, .keepsValue: break
        }
        let now = visit.now
        let outcome = withState { state -> (WebAccount, String)? in
            guard state[visit.caller.account].rotate(at: now) else { return nil }
            let continuity = state[visit.caller.account].nextContinuity()
            return (state[visit.caller.account], continuity)
        }
        guard let (account, continuity) = outcome else {
            throw WebRefusal(status: 429, "less than 60 s after the previous rotation")
        }
        var cookies = [visit.request.setCookie(WebCookies.continuityName, continuity)]
        if account.settings.rotation == .normal {
            cookies.insert(visit.request.setCookie(WebCookies.freshnessName, account.currentFreshness), at: 0)
        }
        let body = ")]}'\n\n[[\"identity.hfcr\",600],[\"di\",27]]"
        return Self.answer(body, type: "application/json; charset=utf-8", cookies: cookies)
    }

    /// The page's object, in the order in which the notes show it.
    private static func tokens(session: String, token: String?) -> String {
        var object = JSONObject([("FdrFJe", .string(session))])
        if let token { object["SNlM0e"] = .string(token) }
        object["TuX5cc"] = "en"
        object["cfb2h"] = "boq_assistant-bard-web-server_20260915.04_p2"
        object["qKIAYe"] = "feeds/mcudyrk2a4khkz"
        return JSON.object(object).text
    }

    private static func html(_ page: String, cookies: [String]) -> WebReply {
        answer(page, type: "text/html; charset=utf-8", cookies: cookies)
    }

    private static func answer(_ body: String, type: String, cookies: [String]) -> WebReply {
        var fields: HTTPFields = ["content-type": type]
        for cookie in cookies { fields.append("set-cookie", cookie) }
        return .whole(HTTPAnswer(status: 200, fields: fields, body: Array(body.utf8)), verdict: "ok")
    }
}

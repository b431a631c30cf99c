internal import PolluxCore

/// Asks the sign-in pages what they think of an account. Their answer informs an operator; whether the account works is
/// for the token step to say, because they refuse accounts that work.
///
/// Source: Gemini Business protocol notes, section 3.4.
struct BusinessSessionList: Sendable {
    let settings: GeminiBusinessSettings
    let http: any HTTPTransport

    /// - Returns: `nil` when the answer says nothing about this account's session.
    func step(for credential: Credential) async -> ProbeStep? {
        guard let account = try? BusinessAccount(credential), let sessions = await sessions(of: account),
            let own = sessions.first(where: { Self.text($0["csesidx"]) == account.csesidx })
        else { return nil }
        guard own["expired"]?.bool == true else { return ProbeStep("session list") }
        let failure = GatewayError(
            .upstreamAuth, .account, "the sign-in pages list the account's session as expired; sign in again soon")
        return ProbeStep("session list", failure: failure)
    }

    private func sessions(of account: BusinessAccount) async -> [JSON]? {
        var request = UpstreamRequest(
            .get, settings.accountsBase + "/list-sessions?csesidx=" + account.csesidx + "&rt=json",
            fields: [
                "cookie": account.cookieField, "user-agent": account.userAgent ?? settings.userAgent,
                "referer": BusinessHost.webApp + "/",
            ])
        request.deadlines = .businessShortCall
        request.proxy = account.proxy
        guard let response = try? await http.send(request), response.status == 200,
            let body = try? await response.body.collect(upTo: 1 << 20), let json = try? BusinessJSON.parse(body)
        else { return nil }
        return json["sessions"]?.array
    }

    private static func text(_ value: JSON?) -> String? { value?.string ?? value?.int.map { String($0) } }
}

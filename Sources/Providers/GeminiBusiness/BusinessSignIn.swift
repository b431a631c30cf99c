internal import PolluxCore

/// Exchanges an account's cookies for a signing key, following the upstream's own redirects where it renews a cookie
/// on the way.
///
/// Source: Gemini Business protocol notes, sections 3.1 and 3.3; seen on the wire, not documented by the upstream.
struct BusinessSignIn: Sendable {
    let settings: GeminiBusinessSettings
    let http: any HTTPTransport
    let time: any TimeSource

    struct Result: Sendable {
        let key: BusinessSigningKey
        /// The account as it was found, or with the cookies that were renewed on the way; those are durable by now.
        let account: BusinessAccount
        /// The upstream's clock minus ours, where the answer told it.
        let clockOffset: Duration
    }

    private static let maxHops = 5
    private static let maxBodyBytes = 1 << 20

    /// - Throws: `upstreamAuth` when the account is signed out or restricted, else as `BusinessErrors` says.
    func signingKey(on lease: any AccountLease) async throws(GatewayError) -> Result {
        var credential = lease.credential
        var account = try BusinessAccount(credential)
        let start = settings.authBase + "/auth/getoxsrf?csesidx=" + account.csesidx
        guard var url = UpstreamURL(start) else {
            throw GatewayError(.internalError, .endpoint, "auth_base is no usable URL; correct it in settings")
        }
        for _ in 0...Self.maxHops {
            let response = try await http.send(request(url, account))
            let step = try await read(response, from: url)
            // Only an answer that leads on is believed about cookies: a sign-in page may clear them.
            if let renewed = BusinessCookies.renewing(credential, by: response.fields) {
                try await lease.rotate(to: renewed)
                credential = renewed
                account = try BusinessAccount(renewed)
            }
            switch step {
            case .found(let key):
                return Result(key: key, account: account, clockOffset: clockOffset(response.fields))
            case .goOn(let next): url = next
            }
        }
        throw BusinessErrors.signedOut("token step: more than \(Self.maxHops) redirects")
    }

    private enum Step {
        case found(BusinessSigningKey)
        case goOn(to: UpstreamURL)
    }

    private func request(_ url: UpstreamURL, _ account: BusinessAccount) -> UpstreamRequest {
        var request = UpstreamRequest(
            .get, url.text,
            fields: [
                "cookie": account.cookieField, "user-agent": account.userAgent ?? settings.userAgent,
                "referer": BusinessHost.webApp + "/",
            ])
        request.deadlines = .businessShortCall
        request.proxy = account.proxy
        request.maxResponseBytes = Self.maxBodyBytes
        return request
    }

    private func read(_ response: UpstreamResponse, from url: UpstreamURL) async throws(GatewayError) -> Step {
        if (300..<400).contains(response.status) {
            return .goOn(to: try accepted(response.fields["location"] ?? "", from: url))
        }
        let body = try await response.body.collect(upTo: Self.maxBodyBytes)
        guard response.status == 200 else {
            let retryAfter = RetryAfter.read(response.fields, now: time.wallNow)
            throw BusinessErrors.error(
                status: response.status, body: BusinessErrorBody(bytes: body), step: .token, retryAfter: retryAfter)
        }
        let json: JSON
        do {
            json = try BusinessJSON.parse(body)
        } catch {
            throw BusinessErrors.badResponse(
                "the upstream's sign-in service did not answer in JSON", detail: "token step: \(error)")
        }
        if let next = json["setocookieUrl"]?.string {
            let decoded = (try? Base64.decode(next, .lenient)) ?? []
            return .goOn(to: try accepted(String(decoding: decoded, as: UTF8.self), from: url))
        }
        return .found(try signingKey(in: json))
    }

    /// The upstream answers dead cookies also with status 200 and no key.
    private func signingKey(in json: JSON) throws(GatewayError) -> BusinessSigningKey {
        guard let id = json["keyId"]?.string, let token = json["xsrfToken"]?.string, !id.isEmpty, !token.isEmpty else {
            throw BusinessErrors.signedOut("token step: 200 without keyId and xsrfToken")
        }
        guard let key = try? Base64.decode(token, .lenient), !key.isEmpty else {
            throw BusinessErrors.badResponse(
                "the upstream's sign-in service sent a key that cannot be decoded", detail: "token step: xsrfToken")
        }
        // The web app encodes other characters in a way of its own; real keys have none.
        guard id.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw BusinessErrors.badResponse(
                "the upstream's sign-in service sent a key name that is not ASCII", detail: "token step: keyId")
        }
        return BusinessSigningKey(id: id, bytes: key)
    }

    /// Cookies go only to the upstream's own hosts, and only along the steps of the sign-in.
    private func accepted(_ reference: String, from url: UpstreamURL) throws(GatewayError) -> UpstreamURL {
        if url.resolving(reference)?.path.contains("/challenge") ?? false {
            throw BusinessErrors.asksForPerson("token step: redirected to a challenge")
        }
        let bases = [BusinessHost.webApp, BusinessHost.accounts, settings.authBase, settings.accountsBase]
        guard let next = url.resolving(reference), bases.contains(where: { UpstreamURL($0)?.origin == next.origin })
        else { throw BusinessErrors.signedOut("token step: redirected to another place") }
        let leadsOn = ["refreshcookies", "setocookie", "getoxsrf"].contains { next.target.contains($0) }
        guard leadsOn, !next.path.contains("login") else {
            throw BusinessErrors.signedOut("token step: redirected to a sign-in page")
        }
        return next
    }

    /// Small differences are the network's and the clock's own; a token is only made for a clock that is far off.
    private func clockOffset(_ fields: HTTPFields) -> Duration {
        guard let date = fields["date"].flatMap(HTTPDate.parse) else { return .zero }
        let offset = date - time.wallNow
        return offset > .seconds(60) || offset < .seconds(-60) ? offset : .zero
    }
}

/// Cookies that the upstream renews.
enum BusinessCookies {
    /// - Returns: The credential with the cookies of the account that the answer sets to something else; `nil` when it
    ///   changes none. A cookie that is cleared is not a renewal.
    static func renewing(_ credential: Credential, by fields: HTTPFields) -> Credential? {
        var renewed = credential
        for field in fields.values(of: "set-cookie") {
            let pair = field.prefix { $0 != ";" }
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let name = pair[..<equals].trimmed
            let value = pair[pair.index(after: equals)...].trimmed
            guard let key = BusinessAccount.cookieKeys[name], !value.isEmpty, BusinessAccount.isCookieValue(value)
            else { continue }
            renewed.values[key] = Secret(value)
        }
        return renewed == credential ? nil : renewed
    }
}

extension Substring {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmed: String {
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: blank).reversed().drop(while: blank).reversed())
    }
}

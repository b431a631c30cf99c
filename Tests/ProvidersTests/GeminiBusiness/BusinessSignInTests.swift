import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: from cookies to a key")
struct BusinessSignInTests {
    private static let refresh = "https://auth.business.gemini.google/refreshcookies?csesidx=498000001"
    private static let setCookie = "https://business.gemini.google/auth/setocookie?state=x"
    private static let getoxsrf = "https://business.gemini.google/auth/getoxsrf?csesidx=498000001"

    /// Answers by address.
    private func world(_ answers: [String: FakeResponse]) throws -> BusinessWorld {
        try BusinessWorld { request, _ in answers[request.url] }
    }

    private static func redirect(to location: String, setting cookies: [String] = []) -> FakeResponse {
        var fields: HTTPFields = ["location": location]
        for cookie in cookies { fields.append("set-cookie", cookie) }
        return FakeResponse(302, fields: fields)
    }

    private static func pointer(to url: String) -> FakeResponse {
        FakeResponse(
            text: ")]}'\n" + (["setocookieUrl": .string(Base64.encode(Array(url.utf8), .urlSafe))] as JSON).text)
    }

    @Test("a renewed cookie on the way is stored before it is used, and used from then on")
    func redirectedVariant() async throws {
        let second = Self.getoxsrf + "&step=2"
        let order = Mutex<[String]>([])
        let world = try BusinessWorld { request, _ in
            switch request.url {
            case Self.getoxsrf: return Self.redirect(to: Self.refresh)
            case Self.refresh: return Self.pointer(to: Self.setCookie)
            case Self.setCookie:
                return Self.redirect(
                    to: "/auth/getoxsrf?csesidx=498000001&step=2",
                    setting: ["NID=1; Path=/", "__Host-C_OSES=COS.renewed; Path=/; Secure; HttpOnly"])
            case second:
                order.withLock { $0.append("used \(request.fields["cookie"] ?? "")") }
                return BusinessWorld.signingKey()
            default: return nil
            }
        }
        let lease = ObservedLease(BusinessWorld.credential) { credential in
            order.withLock { $0.append("stored \(credential["host_c_oses"]?.reveal() ?? "")") }
        }
        let signIn = BusinessSignIn(settings: world.settings, http: world.http, time: world.time)
        let result = try await signIn.signingKey(on: lease)
        #expect(
            order.withLock { $0 } == [
                "stored COS.renewed", "used __Secure-C_SES=CSE.Ad-invented; __Host-C_OSES=COS.renewed",
            ])
        #expect(result.account.hostCookie == Secret("COS.renewed"))
        #expect(world.http.requests.map(\.url) == [Self.getoxsrf, Self.refresh, Self.setCookie, second])
    }

    @Test("the step that sets the cookie may answer with the key itself")
    func keyWithCookie() async throws {
        let world = try world([
            Self.getoxsrf: Self.redirect(to: Self.refresh), Self.refresh: Self.pointer(to: Self.setCookie),
            Self.setCookie: BusinessWorld.signingKey(["set-cookie": "__Secure-C_SES=CSE.new"]),
        ])
        #expect(try await world.events().text == "A red square.")
        #expect(world.lease.rotated.map { $0["secure_c_ses"] } == [Secret("CSE.new")])
        #expect(world.lease.rotated.first?["config_id"] == BusinessWorld.credential["config_id"])
    }

    @Test("a cookie that cannot be stored is not used")
    func rotationFails() async throws {
        let world = try world([
            Self.getoxsrf: Self.redirect(to: Self.refresh, setting: ["__Host-C_OSES=COS.new"])
        ])
        let failure = GatewayError(.internalError, .endpoint, "disk full")
        let lease = ObservedLease(BusinessWorld.credential) { _ throws(GatewayError) in throw failure }
        let signIn = BusinessSignIn(settings: world.settings, http: world.http, time: world.time)
        await #expect(throws: failure) { _ = try await signIn.signingKey(on: lease) }
        #expect(world.http.requests.count == 1)
    }

    @Test(
        "any other redirect means signed out, and no cookie goes there",
        arguments: [
            "https://auth.business.gemini.google/login?continueUrl=https%3A%2F%2Fbusiness.gemini.google%2Fgetoxsrf",
            "https://evil.example/refreshcookies", "https://business.gemini.google.evil.example/auth/getoxsrf",
            "https://business.gemini.google@evil.example/getoxsrf", "http://business.gemini.google/auth/getoxsrf",
            "https://business.gemini.google:444/auth/getoxsrf", "//evil.example/getoxsrf", "javascript:getoxsrf", "",
            "https://business.gemini.google/home",
        ])
    func otherRedirects(location: String) async throws {
        let world = try world([
            Self.getoxsrf: Self.redirect(to: location, setting: ["__Secure-C_SES=", "__Host-C_OSES=anonymous"])
        ])
        let found = await world.failure()
        #expect(found.error?.kind == .upstreamAuth)
        #expect(found.error?.scope == .account)
        #expect(found.error?.accountEffect == .rejectCredential)
        #expect(world.http.requests.count == 1)
        #expect(world.lease.rotated.isEmpty)
    }

    @Test("a pointer to another host is not followed")
    func foreignPointer() async throws {
        let world = try world([
            Self.getoxsrf: Self.redirect(to: Self.refresh),
            Self.refresh: Self.pointer(to: "https://evil.example/auth/setocookie"),
        ])
        #expect(await world.failure().error?.accountEffect == .rejectCredential)
        #expect(world.http.requests.count == 2)
    }

    @Test("more than five hops end as signed out")
    func loop() async throws {
        let world = try world([Self.getoxsrf: Self.redirect(to: Self.getoxsrf)])
        #expect(await world.failure().error?.accountEffect == .rejectCredential)
        #expect(world.http.requests.count == 6)
    }

    @Test("configured bases count as the upstream's own hosts")
    func configuredBases() async throws {
        let base = "http://127.0.0.1:8098"
        let world = try BusinessWorld(
            script: { request, _ in
                switch request.url {
                case base + "/auth/getoxsrf?csesidx=498000001": Self.redirect(to: "/refreshcookies")
                case base + "/refreshcookies": BusinessWorld.signingKey()
                default: nil
                }
            },
            settings: { $0.authBase = base })
        #expect(try await world.events().text == "A red square.")
    }

    @Test("the body is read with and without the prefix", arguments: [")]}'\n", ")]}'", ")]}' \r\n ", "", " \n"])
    func prefixes(prefix: String) async throws {
        let body = prefix + #"{"xsrfToken":"AAE","keyId":"k"}"#
        #expect(try await world([Self.getoxsrf: FakeResponse(text: body)]).events().text == "A red square.")
    }

    @Test(
        "status 200 without a key means signed out",
        arguments: [
            "{}", #"{"keyId":"k"}"#, #"{"xsrfToken":"AAE"}"#, #"{"keyId":"","xsrfToken":"AAE"}"#, "[]", "null",
        ])
    func noKey(body: String) async throws {
        let found = try await world([Self.getoxsrf: FakeResponse(text: ")]}'\n" + body)]).failure()
        #expect(found.error?.kind == .upstreamAuth)
        #expect(found.error?.accountEffect == .rejectCredential)
    }

    @Test(
        "what is no JSON, or no key that can be used, is a bad response and no account's fault",
        arguments: [
            "", "<html>Sign in</html>", #"{"xsrfToken":"A","keyId":"k"}"#, #"{"xsrfToken":"AAE","keyId":"kä"}"#,
        ])
    func badKey(body: String) async throws {
        let found = try await world([Self.getoxsrf: FakeResponse(text: body)]).failure()
        #expect(found.error?.kind == .upstreamBadResponse)
        #expect(found.error?.accountEffect == GatewayError.AccountEffect.none)
    }
}

private final class ObservedLease: AccountLease {
    let credential: Credential
    private let observe: @Sendable (Credential) throws(GatewayError) -> Void

    init(_ credential: Credential, observe: @escaping @Sendable (Credential) throws(GatewayError) -> Void) {
        (self.credential, self.observe) = (credential, observe)
    }

    func rotate(to credential: Credential) async throws(GatewayError) { try observe(credential) }
}

import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Who a request comes from (A-1)")
struct ClientAuthenticatorTests {
    private let time = ManualTime()

    private func authenticator(
        clients: String = "keys", queryKey: String = "gemini", keys: [String] = ["the-key"]
    ) throws -> ClientAuthenticator {
        let text = "auth: {clients: \(clients), allow_query_key: \(queryKey)}"
        let ring = KeyRing(keys.map { ClientKey(name: $0, key: Secret($0), models: ["*"]) })
        return ClientAuthenticator(ring: ring, settings: try SettingsText.settings(text).settings.auth, time: time)
    }

    private func ask(
        _ authenticator: ClientAuthenticator, _ fields: HTTPFields, query: [(name: String, value: String)] = [],
        takesQueryKey: Bool = false, address: String = "192.0.2.1"
    ) -> Result<ClientKey?, GatewayError> {
        let head = HTTPRequestHead(method: .post, target: "/v1/chat/completions", fields: fields)
        do {
            return .success(
                try authenticator.authenticate(head, query: query, takesQueryKey: takesQueryKey, address: address))
        } catch { return .failure(error) }
    }

    @Test(
        "a key may stand in any of the usual fields, and one valid key is enough",
        arguments: [
            ["authorization": "Bearer the-key"], ["authorization": "bearer the-key"],
            ["authorization": "BEARER   the-key"], ["x-api-key": "the-key"], ["x-goog-api-key": "the-key"],
            ["api-key": "the-key"], ["authorization": "Bearer wrong", "x-api-key": "the-key"],
            ["authorization": "Basic dXNlcg==", "api-key": "the-key"],
        ] as [HTTPFields])
    func places(fields: HTTPFields) throws {
        #expect(try ask(try authenticator(), fields).get()?.name == "the-key")
    }

    @Test(
        "what is no key is not taken for one",
        arguments: [
            (["authorization": "the-key"], .missingKey), (["authorization": "Bearer"], .missingKey),
            (["authorization": "Basic the-key"], .missingKey), (["x-api-key": ""], .missingKey), ([:], .missingKey),
            (["cookie": "key=the-key"], .missingKey), (["authorization": "Bearer the-key2"], .authentication),
            (["authorization": "Bearer "], .missingKey), (["x-api-key": "THE-KEY"], .authentication),
        ] as [(HTTPFields, GatewayError.Kind)])
    func noKey(fields: HTTPFields, kind: GatewayError.Kind) throws {
        #expect(failure(ask(try authenticator(), fields))?.kind == kind)
    }

    @Test("without a configured key every request is refused, not served (A-1)")
    func noneConfigured() throws {
        let empty = try authenticator(keys: [])
        for fields in [[:], ["x-api-key": ""], ["x-api-key": "anything"], ["authorization": "Bearer "]] as [HTTPFields]
        {
            #expect(failure(ask(empty, fields)) != nil)
        }
    }

    @Test("open lets everybody in, and still knows a key that is sent")
    func open() throws {
        let open = try authenticator(clients: "open")
        #expect(try ask(open, [:]).get() == nil)
        #expect(try ask(open, ["x-api-key": "wrong"]).get() == nil)
        #expect(try ask(open, ["x-api-key": "the-key"]).get()?.name == "the-key")
    }

    @Test(
        "a key in the URL counts where the settings say so",
        arguments: [
            ("always", false, true), ("always", true, true), ("gemini", false, false), ("gemini", true, true),
            ("never", false, false), ("never", true, false),
        ])
    func query(setting: String, takesQueryKey: Bool, isTaken: Bool) throws {
        let outcome = ask(
            try authenticator(queryKey: setting), [:], query: [("a", "b"), ("key", "the-key")],
            takesQueryKey: takesQueryKey)
        #expect((failure(outcome) == nil) == isTaken)
    }

    @Test("a refusal echoes no key")
    func noEcho() throws {
        let error = failure(ask(try authenticator(), ["x-api-key": "plx_mistyped"]))
        #expect(error?.message.contains("plx_") == false)
        #expect(error?.detail.isEmpty == true)
    }

    @Test("after 60 wrong keys in a minute an address waits; others and right keys do not (A-8)")
    func throttle() throws {
        let authenticator = try authenticator()
        for _ in 0..<60 { #expect(failure(ask(authenticator, ["x-api-key": "no"]))?.kind == .authentication) }
        time.advance(by: .seconds(18))
        let refused = failure(ask(authenticator, ["x-api-key": "no"]))
        #expect(refused?.kind == .rateLimited)
        #expect(refused?.retryAfter == .seconds(42))
        #expect(failure(ask(authenticator, ["x-api-key": "no"], address: "192.0.2.2"))?.kind == .authentication)
        #expect(failure(ask(authenticator, ["x-api-key": "the-key"])) == nil)
        #expect(failure(ask(authenticator, [:]))?.kind == .missingKey)
        time.advance(by: .seconds(42))
        #expect(failure(ask(authenticator, ["x-api-key": "no"]))?.kind == .authentication)
    }

    private func failure<Value>(_ result: Result<Value, GatewayError>) -> GatewayError? {
        if case .failure(let error) = result { return error }
        return nil
    }
}

@Suite("Counting failures")
struct FailureThrottleTests {
    @Test("a window begins with the first failure and ends after its period")
    func window() {
        let throttle = FailureThrottle(limit: 2, period: .seconds(10))
        let at = { (seconds: Int64) in Instant(microseconds: seconds * 1_000_000) }
        #expect(throttle.recordFailure(of: "a", now: at(5)) == nil)
        #expect(throttle.recordFailure(of: "a", now: at(6)) == nil)
        #expect(throttle.recordFailure(of: "a", now: at(7)) == .seconds(8))
        #expect(throttle.recordFailure(of: "b", now: at(7)) == nil)
        #expect(throttle.recordFailure(of: "a", now: at(14)) == .seconds(1))
        #expect(throttle.recordFailure(of: "a", now: at(15)) == nil)
    }

    @Test("a flood of addresses cannot grow it without bound, and costs only old ones their count")
    func flood() {
        let throttle = FailureThrottle(limit: 1, period: .seconds(10))
        for number in 0..<30_000 {
            let now = Instant(microseconds: Int64(number) * 1000)
            _ = throttle.recordFailure(of: "address \(number)", now: now)
        }
        #expect(throttle.addressCount <= 10_000)
        let now = Instant(microseconds: 30_000_000)
        #expect(throttle.recordFailure(of: "address 29999", now: now) != nil)
    }
}

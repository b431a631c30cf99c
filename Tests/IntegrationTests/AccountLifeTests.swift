import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

/// Each state of an account, reached over real sockets through simulated upstreams, and left as the rules say. The
/// clock stands still but for what a test moves.
@Suite("States of accounts through a whole gateway", .serialized)
struct AccountLifeTests {
    private let time = ManualTime()

    /// Two keys; the second one always works. What the first does is seen, because it is tried first.
    private static var twoKeys: GatewaySetup {
        var setup = GatewaySetup(topLevel: "retry: {max_retries: 2}")
        setup.local = ", pool: {strategy: fill-first, max_in_flight: 8}"
        setup.upstreamKeys = [GatewaySetup.firstKey, GatewaySetup.secondKey]
        return setup
    }

    private static func state(
        _ gateway: TestGateway, _ quotaClass: QuotaClass = .text, provider: String = "local", account: Int = 0
    ) throws -> AccountState {
        let reports = try gateway.pool(provider).reports()
        let report = try #require(reports.count > account ? reports[account] : nil)
        return try #require(report.classes.first { $0.quotaClass == quotaClass }).state
    }

    /// The first key's next requests meet this.
    private static func fault(
        _ gateway: TestGateway, _ status: Int, times: Int = 1, body: JSON? = nil, retryAfter: Int? = nil
    ) throws {
        try gateway.simulator(.openAICompatible).control.add(
            FaultRule(
                account: GatewaySetup.firstKey, method: "chat.completions", status: status, times: times, body: body,
                retryAfter: retryAfter))
    }

    @Test("three server errors in a row disable nobody; the client does not notice")
    func threeErrors() async throws {
        try await TestGateway.with(Self.twoKeys, time: time) { gateway in
            try Self.fault(gateway, 500, times: 3)
            for _ in 0..<3 { #expect(try gateway.chat("hello").status == 200) }
            #expect(try Self.state(gateway) == .ready)
            #expect(try gateway.chat("hello").status == 200)
            #expect(gateway.answerRequests(.openAICompatible).last?.account == GatewaySetup.firstKey)
        }
    }

    @Test("suspended: five server errors in a row; one request at a time tries it after a minute, two end it")
    func suspended() async throws {
        try await TestGateway.with(Self.twoKeys, time: time) { [time] gateway in
            try Self.fault(gateway, 500, times: 5)
            for _ in 0..<5 { #expect(try gateway.chat("hello").status == 200) }
            #expect(try Self.state(gateway) == .suspended)
            #expect(try Self.state(gateway, .images) == .ready)
            let asked = gateway.answerRequests(.openAICompatible).count { $0.account == GatewaySetup.firstKey }
            #expect(try gateway.chat("hello").status == 200)
            #expect(gateway.answerRequests(.openAICompatible).count { $0.account == GatewaySetup.firstKey } == asked)
            time.advance(by: .seconds(67))
            for _ in 0..<2 { #expect(try gateway.chat("hello").status == 200) }
            #expect(try Self.state(gateway) == .ready)
            #expect(gateway.answerRequests(.openAICompatible).last?.account == GatewaySetup.firstKey)
        }
    }

    @Test("cooling: a 429 on images leaves text usable, and ends when the upstream said")
    func coolingImages() async throws {
        try await TestGateway.with(Self.twoKeys, time: time) { [time] gateway in
            try Self.fault(gateway, 429, retryAfter: 90)
            let body =
                #"{"model":"sim-large","messages":[{"role":"user","content":"hi"}],"modalities":["text","image"]}"#
            _ = try gateway.ask("POST", "/v1/chat/completions", body: body)
            #expect(try Self.state(gateway, .images) == .cooling)
            #expect(try Self.state(gateway, .text) == .ready)
            #expect(try gateway.chat("hello").status == 200)
            #expect(gateway.answerRequests(.openAICompatible).last?.account == GatewaySetup.firstKey)
            time.advance(by: .seconds(90))
            #expect(try Self.state(gateway, .images) == .ready)
        }
    }

    @Test("quota exhausted: a spent quota of the day ends at midnight in Los Angeles")
    func quotaExhausted() async throws {
        let body: JSON = [
            "error": [
                "code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED",
                "details": [["violations": [["quotaId": "GenerateRequestsPerDayPerProject-FreeTier"]]]],
            ]
        ]
        try await TestGateway.with(Self.twoKeys, time: time) { [time] gateway in
            try Self.fault(gateway, 429, body: body)
            #expect(try gateway.chat("hello").status == 200)
            #expect(try Self.state(gateway) == .quotaExhausted)
            let report = try #require(try gateway.pool("local").reports().first)
            let midnight = DailyReset.builtIn.next(after: time.wallNow)
            #expect(report.classes[0].until == midnight)
            #expect(report.transitions.last?.evidence.field == "details[].violations[].quotaId")
            time.advance(by: midnight - time.wallNow)
            #expect(try Self.state(gateway) == .ready)
        }
    }

    @Test(
        "credential rejected and restricted: no time ends them, the operator's reset does",
        arguments: [(401, AccountState.credentialRejected), (403, .restricted)])
    func findings(status: Int, state: AccountState) async throws {
        try await TestGateway.with(Self.twoKeys, time: time) { [time] gateway in
            try Self.fault(gateway, status)
            #expect(try gateway.chat("hello").status == 200)
            #expect(try Self.state(gateway) == state)
            time.advance(by: .seconds(10_000))
            #expect(try Self.state(gateway) == state)
            let pool = try gateway.pool("local")
            let id = try #require(pool.reports().first).accountID
            #expect(pool.reset(account: id) == true)
            #expect(try gateway.chat("hello").status == 200)
            #expect(gateway.answerRequests(.openAICompatible).last?.account == GatewaySetup.firstKey)
        }
    }

    @Test("disabled: by the operator, over a reload, until the operator says otherwise")
    func disabled() async throws {
        try await TestGateway.with(Self.twoKeys, time: time) { [time] gateway in
            let pool = try gateway.pool("local")
            let id = try #require(pool.reports().first).accountID
            #expect(pool.setDisabled(account: id, true) == true)
            try await gateway.reload(Self.twoKeys)
            time.advance(by: .seconds(10_000))
            #expect(try Self.state(gateway) == .disabled)
            #expect(try gateway.chat("hello").status == 200)
            #expect(gateway.answerRequests(.openAICompatible).last?.account == GatewaySetup.secondKey)
            pool.setDisabled(account: id, false)
            #expect(try Self.state(gateway) == .ready)
        }
    }

    @Test("trial ended: its day is over; no request goes to the upstream, and no time brings it back")
    func trialEnded() async throws {
        var setup = Family.geminiBusiness.setup()
        let account = BusinessAccount.samples(1)[0]
        setup.ownAccounts = [
            [
                "id": "amber", "csesidx": .string(account.csesidx), "config_id": .string(account.configID),
                "secure_c_ses": .string(account.secureCSES), "host_c_oses": .string(account.hostCOSES ?? ""),
                "trial_end": "2020-01-31",
            ]
        ]
        try await TestGateway.with(setup, time: time) { gateway in
            let reply = try gateway.chat("hello", model: Family.geminiBusiness.model)
            #expect(reply.errorCode == "upstream_auth_error")
            #expect(try Self.state(gateway, provider: "business") == .trialEnded)
            #expect(gateway.business?.control.journal.isEmpty == true)
            #expect(try gateway.chat("hello", model: Family.geminiBusiness.model).errorCode == "no_account_available")
        }
    }

    @Test("expiring within three hours of its end, and expired behind it")
    func expired() async throws {
        var setup = Family.geminiBusiness.setup()
        let account = BusinessAccount.samples(1)[0]
        let record: JSON = [
            "id": "amber", "csesidx": .string(account.csesidx), "config_id": .string(account.configID),
            "secure_c_ses": .string(account.secureCSES), "host_c_oses": .string(account.hostCOSES ?? ""),
            "expires_at": .string((time.wallNow + .seconds(4 * 3600)).rfc3339Text),
        ]
        setup.ownAccounts = [record]
        try await TestGateway.with(setup, time: time) { [time] gateway in
            var states = [try Self.state(gateway, provider: "business")]
            for pause in [3601, 3 * 3600] {
                time.advance(by: .seconds(pause))
                states.append(try Self.state(gateway, provider: "business"))
            }
            #expect(states == [.ready, .expiring, .expired])
            let reply = try gateway.chat("hello", model: Family.geminiBusiness.model)
            #expect(reply.status == 503)
        }
    }

    @Test("needs a person: the upstream wants a guardian's consent")
    func needsHuman() async throws {
        try await WebUpstream.with { gateway, upstream in
            // Seen when the gateway signs in, now or, as the upstream makes it do, once more.
            try upstream.change("amber", ["status": 1054])
            let code = try gateway.askWeb("!sim status 7\nHello").errorCode ?? ""
            #expect(["upstream_auth_error", "no_account_available"].contains(code), "\(code)")
            #expect(try Self.state(gateway, provider: "web") == .needsHuman)
            let report = try #require(try gateway.pool("web").reports().first)
            #expect(report.transitions.last?.evidence.field == "account status=1054")
        }
    }

    @Test("an upstream that fails as a whole is left alone, nobody is blamed for it, and it comes back by itself")
    func endpoint() async throws {
        var setup = Self.twoKeys
        setup.topLevel = "retry: {max_retries: 0}\nqueue: {max_wait: 0s}"
        try await TestGateway.with(setup, time: time) { [time] gateway in
            let control = try gateway.simulator(.openAICompatible).control
            control.add(FaultRule(method: "chat.completions", status: 500, times: 6))
            for _ in 0..<3 { #expect(try gateway.chat("hello").status == 502) }
            time.advance(by: .seconds(3))
            for _ in 0..<2 { #expect(try gateway.chat("hello").status == 502) }
            let refused = try gateway.chat("hello")
            #expect(refused.errorCode == "no_account_available")
            #expect(Fault.RetryAfter.within(1...11).accepts(refused.head["retry-after"]))
            #expect(gateway.answerRequests(.openAICompatible).count == 5)
            time.advance(by: .seconds(11))
            // The first that tries meets the last fault.
            #expect(try gateway.chat("hello").status == 502)
            time.advance(by: .seconds(22))
            for _ in 0..<3 { #expect(try gateway.chat("hello").status == 200) }
            #expect(try Self.state(gateway, account: 0) == .ready)
            #expect(try Self.state(gateway, account: 1) == .ready)
        }
    }

    @Test("each change of state is in the log, with what led to it")
    func logged() async throws {
        try await TestGateway.with(Self.twoKeys, time: time) { gateway in
            try Self.fault(gateway, 401)
            #expect(try gateway.chat("hello").status == 200)
            let record = try #require(gateway.log.first { $0.contains("account changed state") })
            let fields = try JSON.parse(Array(record.utf8), .upstream)
            #expect(fields["from"]?.string == "ready")
            #expect(fields["to"]?.string == "credential_rejected")
            #expect(fields["upstream_status"]?.text == "401")
            #expect(fields["request"]?.string?.hasPrefix("req_") == true)
            #expect(!record.contains(GatewaySetup.firstKey))
        }
    }

    @Test("who may ask learns how the request was routed; others ask in vain", arguments: [true, false])
    func explained(isAllowed: Bool) async throws {
        var setup = Self.twoKeys
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), explain: \(isAllowed)}]"
        try await TestGateway.with(setup, time: time) { gateway in
            try Self.fault(gateway, 429, retryAfter: 77)
            #expect(try gateway.chat("hello").status == 200)
            for isStreamed in [false, true] {
                let reply = try gateway.chat("hello", stream: isStreamed, fields: ["x-pollux-explain: 1"])
                #expect(reply.status == 200)
                let told = reply.head["x-pollux-explain-result"] ?? ""
                #expect(told.contains("cooling 77s") == isAllowed, "\(told)")
                #expect(told.contains("ready 1") == isAllowed, "\(told)")
            }
            #expect(try gateway.chat("hello").head["x-pollux-explain-result"] == nil)
        }
    }
}

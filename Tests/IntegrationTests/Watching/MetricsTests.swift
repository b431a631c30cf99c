import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Metrics of a whole gateway", .serialized)
struct GatewayMetricsTests {
    @Test("keep the rules, say what happened, and show no account, address, key or path")
    func page() async throws {
        var setup = Family.geminiBusiness.setup()
        setup.server = ", path_prefix: team"
        setup.accounts = ["planted.person@mail.example", "planted-account-2"].enumerated().map { index, label in
            var account = BusinessAccount.samples(2)[index]
            account.label = label
            return account
        }
        let secrets = setup.accounts.flatMap { [$0.label, $0.csesidx, $0.configID, $0.secureCSES] }
        try await TestGateway.with(setup) { gateway in
            let model = Family.geminiBusiness.model
            for stream in [false, true] {
                #expect(try gateway.chat("hello", model: model, stream: stream).status == 200)
            }
            _ = try gateway.ask("GET", "/v1/models?planted-query=1")
            _ = try gateway.ask("GET", "/planted/path")
            _ = try gateway.chat("hello", model: "planted-model")
            for path in ["/metrics", "/team/metrics"] {
                let reply = try gateway.ask("GET", path, key: nil)
                #expect(reply.status == 200)
                let page = MetricsPage(reply.text)
                #expect(page.problems == [])
                let text = reply.text
                for planted in secrets + ["planted", "mail.example", GatewaySetup.clientKey, "127.0.0.1"] {
                    #expect(!text.contains(planted), "\(planted)")
                }
                #expect(page.value("pollux_requests_total", ["frontend": "openai", "code": "200"]) == 3)
                #expect(page.value("pollux_model_requests_total", ["model": model, "result": "ok"]) == 2)
                #expect(page.value("pollux_model_requests_total", ["model": "other", "result": "refused"]) == 1)
                #expect(page.value("pollux_upstream_attempts_total", ["provider": "business", "result": "ok"]) == 2)
                #expect(page.value("pollux_upstream_first_byte_seconds_count", ["provider": "business"]) == 2)
                #expect(page.value("pollux_connections_open") ?? 0 >= 1)
                let ready = ["provider": "business", "state": "ready", "class": "text"]
                #expect(page.value("pollux_accounts", ready) == 2)
            }
        }
    }

    @Test("the way a request waited for is in its server-timing, where the operator wants it")
    func serverTiming() async throws {
        var setup = Family.openAICompatible.setup()
        setup.server = ", server_timing: true"
        try await TestGateway.with(setup) { gateway in
            for stream in [false, true] {
                let reply = try gateway.chat("hello", stream: stream)
                let timing = try #require(reply.head["server-timing"])
                #expect(
                    timing.wholeMatch(of: /queue;dur=[\d.]+, account;dur=[\d.]+, upstream;dur=[\d.]+, total;dur=[\d.]+/)
                        != nil)
            }
            let refused = try gateway.ask("GET", "/v1/models", key: "another")
            #expect(refused.head["server-timing"]?.contains("upstream") == false)
        }
    }

    @Test("each loop measures its lag")
    func lag() async throws {
        try await TestGateway.with { gateway in
            let lag = gateway.gateway.metrics.loopLag
            #expect(eventually { lag.total().count > 0 })
        }
    }
}

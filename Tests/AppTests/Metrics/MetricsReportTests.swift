import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("The page of metrics")
struct MetricsReportTests {
    private func page(_ world: GatewayWorld) -> MetricsPage {
        MetricsPage(String(decoding: MetricsReport(world.gateway, .now).bytes, as: UTF8.self))
    }

    @Test("keeps the rules of the format and of good names")
    func rules() throws {
        let world = try GatewayWorld(
            """
            providers:
              - {name: up, kind: openai-compatible, base_url: "https://up.test/v1", api_keys: [key-of-amber-1]}
            """)
        #expect(page(world).problems == [])
        world.countEverything()
        let page = page(world)
        #expect(page.problems == [])
        #expect(page.metrics.allSatisfy { $0.name.hasPrefix("pollux_") || $0.name.hasPrefix("process_") })
        #expect(page.value("pollux_connections_open") == 3)
        #expect(page.value("pollux_store_queue_jobs") == 7)
        #expect(page.value("pollux_store_errors_total") == 2)
        #expect(page.value("pollux_store_dropped_entries_total") == 5)
        #expect(page.value("pollux_limiter_refusals_total", ["layer": "key_model"]) == 1)
        #expect(page.value("pollux_account_transitions_total", ["provider": "up", "state": "expired"]) == 1)
        let endpoint = "pollux_endpoint_transitions_total"
        #expect(page.value(endpoint, ["provider": "up", "state": "suspended"]) == 1, "what holds for all accounts")
        #expect(page.value(endpoint, ["provider": "up", "state": "expired"]) == nil, "no endpoint can be that")
    }

    @Test("says how the process is")
    func process() throws {
        let page = page(try GatewayWorld(""))
        #expect((page.value("process_resident_memory_bytes") ?? 0) > 1_048_576)
        #expect((page.value("process_open_fds") ?? 0) >= 3.0)
        #expect((page.value("process_max_fds") ?? 0) >= 64)
        #expect((page.value("process_cpu_seconds_total") ?? 0) > 0)
        #expect(page.value("process_start_time_seconds") == 1_767_225_600)
        #expect(page.value("pollux_build_info", ["version": PolluxVersion.text]) == 1)
    }

    @Test("has never more than 2000 series, whatever providers and models there are")
    func bounded() throws {
        let providers = (0..<300).map {
            "  - {name: p\($0), kind: openai-compatible, base_url: \"https://up.test/v1\", api_keys: [n-key-\($0)]}"
        }
        let world = try GatewayWorld("providers:\n" + providers.joined(separator: "\n"))
        for number in 0..<300 {
            let metrics = world.gateway.metrics
            for family in metrics.histograms { family.observe(.seconds(1), row: family.row("p\(number)")) }
            for family in metrics.counters { family.add(row: family.row("p\(number)"), column: number % 3) }
        }
        world.countEverything()
        let page = page(world)
        #expect(page.problems == [])
        #expect(page.samples.count <= 2000)
        #expect(page.samples.count > 1900)
        #expect((page.value("pollux_metrics_refused_series_total") ?? 0) > 0)
        #expect(page.value("process_max_fds") != nil)
    }

    @Test("every state has a label value of its own, by the name that the admin API gives it")
    func states() throws {
        let world = try GatewayWorld(
            """
            providers:
              - {name: up, kind: gemini-business, breaker: {consecutive_failures: 1, failure_ratio: 1.0}}
            """)
        let pool = world.gateway.upstreams[0].pool
        let wall = world.time.wallNow
        let effects: [(AccountState, GatewayError?)] = [
            (.ready, nil), (.expiring, nil), (.expired, nil), (.disabled, nil),
            (.cooling, GatewayError(.rateLimited, .account, "", retryAfter: .seconds(60), accountEffect: .cool)),
            (.suspended, GatewayError(.upstreamError, .account, "")),
            (.credentialRejected, GatewayError(.upstreamAuth, .account, "", accountEffect: .rejectCredential)),
            (.restricted, GatewayError(.upstreamAuth, .account, "", accountEffect: .restrict)),
            (.needsHuman, GatewayError(.upstreamAuth, .account, "", accountEffect: .needHuman)),
            (.quotaExhausted, GatewayError(.quotaExhausted, .account, "", accountEffect: .exhaustQuota)),
            (.trialEnded, GatewayError(.upstreamAuth, .account, "", accountEffect: .endTrial)),
        ]
        #expect(Set(effects.map(\.0)) == Set(AccountState.allCases))
        let credentials = effects.map { state, _ in
            var credential = Credential(accountID: state.rawValue, values: [:])
            if state == .expired { credential.expiresAt = wall }
            if state == .expiring { credential.expiresAt = wall + .seconds(3600) }
            credential.isDisabled = state == .disabled
            return credential
        }
        pool.update(source: "test", credentials) { _ in nil }
        for (state, effect) in effects where effect != nil {
            try #require(pool.lease(account: state.rawValue, for: .text)).release(after: effect)
        }
        let page = page(world)
        for state in AccountState.allCases {
            let value = page.value(
                "pollux_accounts", ["provider": "up", "state": state.rawValue, "class": "text"])
            #expect(value == 1, "\(state)")
        }
    }

    @Test("accounts that need somebody are shown by their state, those that are fine as ready")
    func accounts() throws {
        let world = try GatewayWorld(
            """
            providers:
              - {name: up, kind: openai-compatible, base_url: "https://up.test/v1",
                 api_keys: [key-of-amber-1, key-of-birch-2, key-of-cedar-3]}
            """)
        let pool = world.gateway.upstreams[0].pool
        let failures = [
            GatewayError(.upstreamAuth, .account, "401", accountEffect: .rejectCredential),
            GatewayError(.rateLimited, .account, "429", retryAfter: .seconds(60), accountEffect: .cool),
        ]
        for failure in failures { try pool.lease(for: .text, provider: "up").release(after: failure) }
        let page = page(world)
        func count(_ state: String) -> Double? {
            page.value("pollux_accounts", ["provider": "up", "state": state, "class": "text"])
        }
        #expect(count("ready") == 1)
        #expect(count("cooling") == 1)
        #expect(count("credential_rejected") == 1)
        #expect(count("restricted") == nil)
    }
}

extension GatewayWorld {
    /// Counts in every metric that there is.
    func countEverything() {
        let metrics = gateway.metrics
        metrics.watchConnections { 3 }
        metrics.watchStore { StoreFigures(queued: 7, errors: 2, dropped: 5) }
        for layer in RateLimitLayer.allCases { metrics.limiterRefused(layer) }
        for (state, account) in AccountState.allCases.flatMap({ [($0, "a"), ($0, "")] }) {
            metrics.happened(
                AccountTransition(
                    provider: "up", accountID: account, from: .ready, to: state, at: WallTime(microseconds: 0),
                    evidence: Evidence(.time)))
        }
        for family in metrics.counters { for row in ["up", "web"] { family.add(row: family.row(row)) } }
        for family in metrics.histograms { family.observe(.milliseconds(3), row: family.row("up")) }
    }
}

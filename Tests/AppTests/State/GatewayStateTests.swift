@testable import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

/// A gateway that is started again over the same store.
@Suite("What outlives a gateway")
struct GatewayStateTests {
    private let store = MemoryStateStore()
    private let time = ManualTime()
    private let log = CollectingLog()

    private static let settings = """
        keys: [{name: tester, key: a-client-key-for-tests}]
        credential_sources: [{name: list, kind: env}]
        providers:
          - {name: local, kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", models: [m], credentials: [list],
             stream: false}
        """

    /// - Parameter accounts: What the credential source says.
    private func start(
        _ answers: [FakeResponse] = [], settings: String = ""
    ) async throws -> (Gateway, GatewayState, CredentialFeed) {
        let state = try await GatewayState.load(store)
        let builder = GatewayBuilder(
            registry: .standard, transport: FakeTransport(answers), files: MemoryFiles(), processEnvironment: [:],
            environment: GatewayEnvironment(
                time: time, random: SeededRandom(seed: 1), log: Logger(level: .debug, sink: log), state: state))
        let plan = try builder.build(try SettingsText.settings(Self.settings + settings).settings)
        plan.takeOver()
        let feed = try #require(plan.services.compactMap { $0.service as? CredentialFeed }.first)
        return (plan.gateway, state, feed)
    }

    private func keeper(_ gateway: Gateway, _ state: GatewayState) -> StateKeeper {
        StateKeeper(state: state, time: time, log: .silent) { gateway }
    }

    private func publish(_ key: String, _ gateway: Gateway, _ state: GatewayState) {
        state.book.publish(
            [Credential(accountID: "amber", values: ["api_key": Secret(key)])], from: "list", to: "local",
            now: time.wallNow)
    }

    @Test("requests that end faster than they are collected go to the store early, and all of them count")
    func manyRequests() async throws {
        let state = try await GatewayState.load(store)
        for number in 0..<10_000 {
            let record = RequestRecord(
                requestID: "r\(number)", startedAt: time.wallNow, keyID: "k", model: "m", status: 200)
            state.usage.note(record, isKept: true)
        }
        let left = state.usage.take()
        #expect(left.count < UsageRecorder.mostPending)
        let rows = try await store.usage(
            UsageQuery(from: time.wallNow + .seconds(-3600), to: time.wallNow + .seconds(3600)))
        #expect(rows.first?.requests == 10_000 - left.count)
    }

    @Test("the audit log is kept for as long as the settings say")
    func auditRetention() async throws {
        var settings = Self.settings
        settings += "\nstate: {keep_audit: 2d}"
        let state = try await GatewayState.load(store)
        let world = try GatewayWorld(settings)
        for age in [1, 3] {
            try await store.append(
                AuditEntry(
                    at: time.wallNow + .seconds(-86_400 * age), actor: "admin key", address: "", action: "keys.edit",
                    target: "\(age) days old"))
        }
        // It clears up once when it begins.
        let keeper = keeper(world.gateway, state)
        let running = Task { try await keeper.run() }
        await time.untilSleeping(1)
        #expect(try await store.audit(limit: 9, before: nil).map(\.target) == ["1 days old"])
        running.cancel()
        _ = await running.result
    }

    @Test("a rotated secret is in the store before the pool hands it out, and in the pool after a restart")
    func rotation() async throws {
        let (first, state, _) = try await start()
        publish("stale", first, state)
        let lease = try first.upstreams[0].pool.lease(for: .text, provider: "local")
        var renewed = lease.credential
        renewed.values["api_key"] = Secret("renewed")
        try await lease.rotate(to: renewed)
        #expect(lease.credential["api_key"] == Secret("renewed"))
        let stored = try await store.accounts().first { $0.accountID == "amber" }
        #expect(stored?.fields["values.api_key"]?.value == Secret("renewed"))
        #expect(stored?.fields["values.api_key"]?.origin == .rotated)
        let (second, again, _) = try await start()
        publish("stale", second, again)
        let next = try second.upstreams[0].pool.lease(for: .text, provider: "local")
        #expect(next.credential["api_key"] == Secret("renewed"))
    }

    @Test("a rotation of a request that its client has left is kept all the same")
    func cancelledRotation() async throws {
        let (gateway, state, _) = try await start()
        publish("stale", gateway, state)
        let lease = try gateway.upstreams[0].pool.lease(for: .text, provider: "local")
        var renewed = lease.credential
        renewed.values["api_key"] = Secret("renewed")
        let task = Task { [renewed] in
            // Cancelled before it begins: the secret is renewed at the upstream nevertheless.
            while !Task.isCancelled { await Task.yield() }
            try await lease.rotate(to: renewed)
        }
        task.cancel()
        try await task.value
        let stored = try await store.accounts().first { $0.accountID == "amber" }
        #expect(stored?.fields["values.api_key"]?.value == Secret("renewed"))
    }

    @Test("an account of the operator's own is in the pool before any source has spoken")
    func ownAccount() async throws {
        let (_, state, _) = try await start()
        let own = Credential(accountID: "own", values: ["api_key": Secret("k")])
        try await state.book.add(own, to: "local")
        let (second, _, _) = try await start()
        let lease = try second.upstreams[0].pool.lease(for: .text, provider: "local")
        #expect(lease.accountID == "own")
    }

    @Test("conversations find their account again, those that are over do not")
    func conversations() async throws {
        var request = ModelRequest(id: "r", model: "m")
        request.conversation.id = "chat"
        let (first, state, _) = try await start()
        first.affinity.remember(request, provider: "local", account: "amber", now: time.now)
        await keeper(first, state).save()
        time.advance(by: .seconds(3599))
        let (second, _, _) = try await start()
        #expect(second.affinity.account(of: request, now: time.now) == "amber")
        time.advance(by: .seconds(1))
        #expect(second.affinity.account(of: request, now: time.now) == nil)
    }

    @Test("a request that has ended is counted with its key, model, account and tokens, whole and streamed")
    func usage() async throws {
        let whole =
            #"{"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"#
            + #""assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"#
            + #""total_tokens":10}}"#
        let (gateway, state, _) = try await start([FakeResponse(text: whole)])
        publish("k", gateway, state)
        let handler = GatewayHandler(gateway, worker: globalConcurrentExecutor)
        let client = GatewayClient(handler, key: "a-client-key-for-tests")
        for model in ["m", "no-such-model"] {
            _ = await client.post(
                "/v1/chat/completions",
                ["model": .string(model), "messages": [["role": "user", "content": "hello"]]])
        }
        _ = await client.get("/v1/models")
        await keeper(gateway, state).save()
        let found = try await store.requests(RequestQuery())
        #expect(found.map(\.status) == [404, 200], "a list of models is no usage")
        #expect(found.first?.model == "", "a name that nobody serves could be any text")
        let served = try #require(found.last)
        #expect(served.keyID == gateway.settings.keys.first.map { ClientKey(name: "", key: $0.key, models: []).id })
        #expect((served.model, served.provider, served.accountID) == ("m", "local", "amber"))
        #expect((served.inputTokens, served.outputTokens, served.attempts) == (7, 3, 1))
        #expect(served.firstByte != nil && served.overhead != nil)
    }

    @Test("state.record_requests: false writes no request down")
    func unrecorded() async throws {
        let (gateway, state, _) = try await start(settings: "\nstate: {record_requests: false}")
        let client = GatewayClient(
            GatewayHandler(gateway, worker: globalConcurrentExecutor), key: "a-client-key-for-tests")
        let reply = await client.post(
            "/v1/chat/completions", ["model": "nobody", "messages": [["role": "user", "content": "hello"]]])
        #expect(reply.status == 404)
        await keeper(gateway, state).save()
        let found = try await store.requests(RequestQuery())
        #expect(found.isEmpty)
    }
}

extension Affinity {
    fileprivate func remember(_ request: ModelRequest, provider: String, account: String, now: Instant) {
        remember(threads(of: request), Favourite(provider: provider, accountID: account), now: now)
    }

    fileprivate func account(of request: ModelRequest, now: Instant) -> String? {
        favourite(of: threads(of: request), now: now)?.accountID
    }
}

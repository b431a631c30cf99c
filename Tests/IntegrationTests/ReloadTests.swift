import Glibc
import PolluxCore
import PolluxSimulator
import Testing

@testable import PolluxApp

@Suite("Other settings in a running gateway", .serialized)
struct ReloadTests {
    @Test("keys, models and names change as a whole")
    func swap() async throws {
        try await TestGateway.with { gateway in
            var next = GatewaySetup()
            next.keys = "[{name: other, key: another-client-key-9, models: [mine]}]"
            next.topLevel = "models: [{id: mine, targets: [local/sim-small]}]"
            try await gateway.reload(next)
            #expect(try gateway.chat("hello").status == 401)
            let body = TestGateway.chatBody("hello", model: "mine")
            let reply = try gateway.ask("POST", "/v1/chat/completions", key: "another-client-key-9", body: body)
            #expect(reply.answerText == "echo[sim-small|turn=1]: hello")
            #expect(gateway.log.contains { $0.contains("the last request under the old settings has ended") })
            #expect(!gateway.log.contains { $0.contains("another-client-key-9") })
        }
    }

    @Test("a stream goes on under the settings it began with, and still counts against its account")
    func streamGoesOn() async throws {
        try await TestGateway.with(Family.openAICompatible.setup()) { gateway in
            let client = try gateway.startChat("[[sim:slow=30,chunks=20]] a text that takes a while")
            _ = try client.head()
            var next = Family.openAICompatible.setup(", timeouts: {gap: 7s}")
            next.keys = "[{name: other, key: another-client-key-9}]"
            next.localURL = "http://127.0.0.1:9"
            try await gateway.reload(next)
            #expect(try gateway.pool("local").shortage().busy == 1, "the lease is known to the new settings")
            var rest: [UInt8] = []
            while let piece = try client.piece() { rest += piece }
            #expect(String(decoding: rest, as: UTF8.self).hasSuffix("data: [DONE]\n\n"))
            let pool = try gateway.pool("local")
            #expect(eventually { pool.shortage().ready == 1 })
            let body = TestGateway.chatBody("hello")
            let reply = try gateway.ask("POST", "/v1/chat/completions", key: "another-client-key-9", body: body)
            #expect(reply.errorCode == "upstream_unreachable", "new requests go to the new address")
        }
    }

    @Test(
        "accounts keep their rests and refusals, also when their provider's settings change", arguments: [false, true])
    func accountsKeepState(isChanged: Bool) async throws {
        let three = [GatewaySetup.firstKey, GatewaySetup.secondKey, "integration-upstream-key-3"]
        var setup = Family.openAICompatible.setup()
        setup.upstreamKeys = three
        try await TestGateway.with(setup) { gateway in
            let control = try gateway.simulator(.openAICompatible).control
            control.add(FaultRule(account: three[0], status: 401))
            control.add(FaultRule(account: three[1], status: 429, retryAfter: 3000))
            for _ in 0..<2 { _ = try gateway.chat("hello") }
            var next = Family.openAICompatible.setup(isChanged ? ", timeouts: {gap: 7s}" : "")
            next.upstreamKeys = three
            try await gateway.reload(next)
            let shortage = try gateway.pool("local").shortage()
            #expect((shortage.ready, shortage.cooling) == (1, 1))
            #expect(shortage.unusable == ["rejected by the upstream": 1])
            next.upstreamKeys = [three[1], three[2]]
            try await gateway.reload(next)
            let fewer = try gateway.pool("local").shortage()
            #expect((fewer.accounts, fewer.ready, fewer.cooling) == (2, 1, 1), "a key that is gone has left")
        }
    }

    @Test("a provider whose own settings are as before keeps its tokens; another one starts anew")
    func providerKeepsTokens() async throws {
        try await TestGateway.with(Family.geminiBusiness.setup()) { gateway in
            let minted = { try gateway.simulator(.geminiBusiness).control.journal.count { $0.operation == "getoxsrf" } }
            let model = Family.geminiBusiness.model
            #expect(try gateway.chat("hello", model: model).status == 200)
            #expect(try minted() == 1)
            try await gateway.reload(
                Family.geminiBusiness.setup(", pool: {max_in_flight: 3}", topLevel: "retry: {budget: 0}"))
            #expect(try gateway.chat("hello", model: model).status == 200)
            #expect(try minted() == 1)
            try await gateway.reload(Family.geminiBusiness.setup(", timeouts: {gap: 7s}"))
            #expect(try gateway.chat("hello", model: model).status == 200)
            #expect(try minted() == 2)
        }
    }

    @Test("a credential source that was only renamed loses nothing; one that is gone takes its accounts along")
    func renamedSource() async throws {
        var setup = Family.geminiBusiness.setup()
        setup.accounts = BusinessAccount.samples(2)
        let accounts = setup.accounts
        try await TestGateway.with(setup) { gateway in
            try gateway.simulator(.geminiBusiness).control.add(
                FaultRule(account: accounts[0].csesidx, status: 429, retryAfter: 3000))
            _ = try gateway.chat("hello", model: Family.geminiBusiness.model)
            let pool = try gateway.pool("business")
            #expect(pool.shortage().cooling == 1)
            var next = Family.geminiBusiness.setup()
            next.source = "renamed"
            try await gateway.reload(next)
            #expect(eventually { pool.sourceNames.contains("renamed") && !pool.sourceNames.contains("accounts") })
            #expect((pool.shortage().ready, pool.shortage().cooling) == (1, 1))
            next.source = nil
            try await gateway.reload(next)
            #expect(try gateway.pool("business") === pool)
            #expect(pool.shortage().accounts == 0)
        }
    }

    @Test("what is made at the start cannot change: all of it is named, and nothing else changes either")
    func fixed() async throws {
        try await TestGateway.with { gateway in
            var next = GatewaySetup()
            next.keys = "[{name: other, key: another-client-key-9}]"
            next.server = ", pid_file: /tmp/pollux-test-never-written.pid"
            next.topLevel = "state: {folder: elsewhere}"
            let error = await #expect(throws: GatewayError.self) { try await gateway.reload(next) }
            #expect(
                error?.message == "server.pid_file, state.folder cannot change while the gateway runs; "
                    + "restart it, or put the old value back")
            let status = try gateway.chat("hello").status
            #expect(status == 200)
        }
    }

    @Test("limits of the server hold from then on, also for connections that are open")
    func serverLimits() async throws {
        try await TestGateway.with { gateway in
            let client = try RawClient(port: gateway.port)
            try client.send(TestGateway.request("GET", "/healthz"))
            #expect(try client.reply().status == 200)
            var next = GatewaySetup()
            next.server = ", max_body_bytes: 1KiB"
            try await gateway.reload(next)
            let body = TestGateway.chatBody(String(repeating: "x", count: 2000))
            let isRefused = try eventually {
                try gateway.ask("POST", "/v1/chat/completions", body: body).status == 413
            }
            #expect(isRefused)
            try client.send(TestGateway.request("POST", "/v1/chat/completions", body: body))
            #expect(try client.reply().status == 413)
        }
    }
}

@Suite("kill -HUP", .serialized)
struct ReloadSignalTests {
    @Test("a changed file is put in force, and a running stream ends as it began")
    func good() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let client = try child.startChat("[[sim:slow=30,chunks=20]] a text that takes a while")
            _ = try client.head()
            try child.reload { $0.replacing(GatewaySetup.clientKey, with: "another-client-key-9") }
            #expect(try child.gateway.line(with: "settings reloaded") == "settings reloaded")
            #expect(try child.get("/v1/models").status == 401)
            var rest: [UInt8] = []
            while let piece = try client.piece() { rest += piece }
            #expect(String(decoding: rest, as: UTF8.self).hasSuffix("data: [DONE]\n\n"))
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit() == 0)
        }
    }

    @Test("a file with a mistake changes nothing, and the log names the line")
    func bad() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            try child.reload { $0.replacing("log: {level: warning}", with: "log: {level: loud}") + "\nmodls: []\n" }
            let outcome = try child.gateway.line(with: "settings not reloaded: ")
            #expect(outcome.hasSuffix("2 errors; the running settings stay as they are."))
            _ = try child.gateway.line(with: "settings.yaml:3:14: error: log.level")
            _ = try child.gateway.line(with: "error: modls: unknown key; did you mean")
            #expect(try child.get("/v1/models").status == 200)
        }
    }

    @Test("what needs a restart is named; a file that is gone is an error like any other")
    func refused() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            try child.reload { $0.replacing("127.0.0.1:0", with: "127.0.0.1:1") }
            let outcome = try child.gateway.line(with: "settings not reloaded: ")
            #expect(outcome.contains("server.listen cannot change while the gateway runs"), "\(outcome)")
            unlink(child.settingsFile)
            child.gateway.signal(SIGHUP)
            _ = try child.gateway.line(with: "settings.yaml")
            #expect(try child.get("/v1/models").status == 200)
        }
    }
}

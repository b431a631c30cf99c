import PolluxCore
import PolluxSimulator
import Testing

@Suite("Starting and stopping")
struct EntryTests {
    @Test("all upstreams start together, each on a port of its own")
    func startAll() async throws {
        let servers = try await SimulatorServer.startAll(options: .quick)
        #expect(servers.map(\.kind) == SimulatorKind.allCases)
        #expect(Set(servers.map(\.port)).count == servers.count)
        for server in servers {
            #expect(BlockingClient(port: server.port).get("/__sim/journal").json?.array?.isEmpty == true)
            await server.stop()
        }
    }

    @Test("a stopped upstream refuses connections, one that stalls is stopped too")
    func stop() async throws {
        let server = try await SimulatorServer.start(.openAI, options: .quick)
        let body = ChatClient.body("[[sim:headerstall]]", stream: true).bytes()
        let connection = try #require(
            BlockingClient(port: server.port).open("POST", "/v1/chat/completions", [], body))
        while server.control.journal.isEmpty { await Task.yield() }
        await server.stop()
        connection.close()
        #expect(BlockingClient(port: server.port).get("/v1/models").status == 0)
    }

    @Test("an address in use is an error that can be caught")
    func addressInUse() async throws {
        try await withSimulator(.openAI) { server in
            await #expect(throws: GatewayError.self) {
                try await SimulatorServer.start(.openAI, port: server.port, options: .quick)
            }
        }
    }

    @Test(
        "the banner names the address, the accounts, every mark and the control paths",
        arguments: SimulatorKind.allCases)
    func banner(_ kind: SimulatorKind) async throws {
        try await withSimulator(kind) { server in
            let banner = server.banner
            #expect(banner.contains(server.url) && banner.contains("/__sim/fault"))
            for mark in kind.directives.map(\.mark) { #expect(banner.contains(kind.directiveText(mark))) }
            if kind == .geminiBusiness {
                for account in server.options.accounts { #expect(banner.contains(account.text)) }
            }
        }
    }
}

import PolluxCore
import PolluxSimulator

/// A simulated web app that a test steers and looks into.
struct WebUpstream: Sendable {
    let server: SimulatorServer

    /// Runs `body` against a gateway whose only provider is of kind `gemini-web`, before a fresh simulator.
    ///
    /// - Parameters:
    ///   - settings: YAML members of the provider, each behind a comma.
    ///   - accounts: Names of accounts of the simulator.
    static func with(
        _ settings: String = "", accounts: [String] = ["amber"], topLevel: String = "retry: {max_retries: 0}",
        _ body: @escaping @Sendable (TestGateway, WebUpstream) async throws -> Void
    ) async throws {
        let upstream = WebUpstream(server: try await SimulatorServer.start(.geminiWeb))
        var setup = GatewaySetup(topLevel: topLevel)
        setup.local = nil
        setup.moreProviders =
            "  - {name: web, kind: gemini-web, credentials: [accounts], "
            + "base_url: \"\(upstream.server.url)\"\(settings)}"
        setup.ownAccounts = .array(
            accounts.map { name in
                [
                    "id": .string(name), "secure_1psid": .string("g.a000sim-\(name)"),
                    "secure_1psidts": .string("sidts-sim-\(name)-0"),
                ]
            })
        do {
            try await TestGateway.with(setup) { try await body($0, upstream) }
        } catch {
            await upstream.server.stop()
            throw error
        }
        await upstream.server.stop()
    }

    /// Every request so far, as the simulator lists them.
    func requests() throws -> [JSON] {
        try ask("GET /__sim/requests?since=0", body: "").json["requests"]?.array ?? []
    }

    /// The questions to the model.
    func questions() throws -> [JSON] {
        try requests().filter { $0["path"]?.string?.hasSuffix("StreamGenerate") == true }
    }

    /// How often a procedure was called.
    func calls(_ procedure: String) throws -> Int {
        try requests().count { $0["rpcids"]?.array?.contains(.string(procedure)) == true }
    }

    /// Changes an account's settings at the simulator.
    func change(_ account: String, _ settings: JSON) throws {
        _ = try ask("POST /__sim/accounts/\(account)", body: settings.text)
    }

    private func ask(_ start: String, body: String) throws -> Reply {
        let client = try RawClient(port: Int(server.port))
        let length = body.isEmpty ? "" : "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        try client.send("\(start) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(length)\r\n\(body)")
        return try client.reply()
    }
}

extension TestGateway {
    /// Asks the web app's model.
    func askWeb(
        _ prompt: String, stream: Bool = false, members: JSONObject = JSONObject(),
        deadline: Deadline = .within(.seconds(15))
    ) throws -> Reply {
        let message: JSON = ["role": "user", "content": .string(prompt)]
        return try askWeb([message], stream: stream, members: members, deadline: deadline)
    }

    func askWeb(
        _ messages: [JSON], stream: Bool = false, members: JSONObject = JSONObject(),
        deadline: Deadline = .within(.seconds(15))
    ) throws -> Reply {
        var body = JSONObject([
            ("model", "gemini-flash"), ("messages", .array(messages)), ("stream", .bool(stream)),
        ])
        for (key, value) in members { body[key] = value }
        return try ask("POST", "/v1/chat/completions", body: JSON.object(body).text, deadline: deadline)
    }
}

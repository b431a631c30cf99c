import Glibc
import PolluxCore
import PolluxSimulator
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

/// A whole gateway in this process, on a port of the system's choice, between a raw client and simulated upstreams.
final class TestGateway: Sendable {
    let port: Int
    let openAI: SimulatorServer?
    let business: SimulatorServer?
    /// The one it started with.
    let gateway: Gateway
    let host: GatewayHost
    let running: RunningGateway
    private let folder: TemporaryFolder
    private let time: ManualTime?
    private let environment: [String: String]
    private let registry: PluginRegistry
    /// What stands in the settings file.
    private let file: SettingsText

    private init(_ setup: GatewaySetup, _ time: ManualTime?, _ store: (any StateStoring)?) async throws {
        folder = try TemporaryFolder()
        self.time = time
        let options = SimulatorOptions(
            accounts: setup.accounts, apiKeys: setup.upstreamKeys, chunkDelay: time == nil ? .milliseconds(1) : .zero,
            time: time)
        openAI = setup.local == nil ? nil : try await SimulatorServer.start(.openAI, options: options)
        business = setup.business == nil ? nil : try await SimulatorServer.start(.geminiBusiness, options: options)
        environment = ["ACCOUNTS_CONFIG": setup.accountsText]
        file = SettingsText(Self.yaml(setup, openAI, business, folder))
        registry = setup.registry
        let (environment, registry) = (environment, registry)
        let read = { @Sendable (text: String, changes: JSON) throws(SettingsError) in
            try SettingsLoader(registry: registry, environment: environment)
                .read(Array(text.utf8), file: "test.yaml", patch: changes)
        }
        let changes = try await store?.settingsPatch() ?? (.object(JSONObject()), 0)
        let loaded = try read(file.content, changes.patch)
        let invocation = Invocation(
            environment: environment, registry: registry, console: Console { _, _ in }, arguments: [], values: [:])
        host = try await GatewayHost.resuming(
            settings: loaded.settings, invocation: invocation, logsTo: .asConfigured, time: time
        ) { _, _ in store ?? MemoryStateStore() }
        gateway = host.gateway
        let text = file
        running = try RunningGateway(
            host,
            live: LiveSettings(loaded: loaded, changes: changes) { changes in
                try read(text.content, changes)
            })
        port = try await running.start()
        guard gateway.upstreams.allSatisfy({ $0.pool.shortage().accounts > 0 }) else {
            throw TestFailure("the accounts were not loaded: \(log.joined(separator: "\n"))")
        }
    }

    private static func yaml(
        _ setup: GatewaySetup, _ openAI: SimulatorServer?, _ business: SimulatorServer?, _ folder: TemporaryFolder
    ) -> String {
        setup.yaml(
            localURL: setup.localURL ?? (openAI?.url ?? "http://127.0.0.1:9") + "/v1", businessURL: business?.url ?? "",
            logFile: folder.path + "/log")
    }

    /// Puts other settings in force. Simulators and accounts stay those of the start.
    func reload(_ setup: GatewaySetup) async throws {
        rewrite(setup)
        let text = file.content
        let settings = try SettingsLoader(registry: registry, environment: environment)
            .decode(Array(text.utf8), file: "test.yaml").0
        try await running.reload(settings)
    }

    /// Writes other settings into the file, which nobody reads before he is told to.
    func rewrite(_ setup: GatewaySetup) {
        file.content = Self.yaml(setup, openAI, business, folder)
    }

    /// Runs `body` on a thread of its own against a fresh gateway, and stops everything afterwards.
    static func with(
        _ setup: GatewaySetup = GatewaySetup(), time: ManualTime? = nil, store: (any StateStoring)? = nil,
        _ body: @escaping @Sendable (TestGateway) async throws -> Void
    ) async throws {
        try await BlockingThread.run {
            let gateway = try await TestGateway(setup, time, store)
            do {
                try await body(gateway)
            } catch {
                await gateway.stop()
                throw error
            }
            await gateway.stop()
        }
    }

    private func stop() async {
        // Nobody moves the clock any more, and everything that still waits is to end.
        let ticking = time.map { time in
            Task {
                while !Task.isCancelled {
                    time.advance(by: .seconds(1))
                    await Task.yield()
                }
            }
        }
        defer { ticking?.cancel() }
        await openAI?.stop()
        await business?.stop()
        await running.drain()
        host.stop()
    }

    /// The records written so far, one JSON object each.
    var log: [String] {
        host.flushLog()
        let bytes = (try? SystemFiles.contents(of: folder.path + "/log", limit: 64 << 20)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// How many requests for an answer the upstream of this family has seen.
    func answerRequests(_ family: Family) -> [Journal.Entry] {
        let simulator = family == .openAICompatible ? openAI : business
        return simulator?.control.journal.filter { $0.operation == family.operation } ?? []
    }

    func simulator(_ family: Family) throws -> SimulatorServer {
        try #require(family == .openAICompatible ? openAI : business)
    }

    func pool(_ provider: String) throws -> AccountPool {
        try #require(host.gateway.upstreams.first { $0.name == provider }).pool
    }
}

/// A settings file that a test may write anew.
private final class SettingsText: Sendable {
    private let text: Mutex<String>
    init(_ text: String) { self.text = Mutex(text) }

    var content: String {
        get { text.withLock { $0 } }
        set { text.withLock { $0 = newValue } }
    }
}

// MARK: - Requests

extension TestGateway {
    /// Sends one request on a connection of its own and reads the whole answer.
    func ask(
        _ method: String, _ path: String, key: String? = GatewaySetup.clientKey, fields: [String] = [],
        body: String? = nil, deadline: Deadline = .within(.seconds(15))
    ) throws -> Reply {
        let client = try RawClient(port: port)
        try client.send(Self.request(method, path, key: key, fields: fields, body: body))
        return try client.reply(toHead: method == "HEAD", deadline)
    }

    /// Asks for one answer to `prompt`.
    func chat(
        _ prompt: String, model: String = "sim-large", stream: Bool = false, fields: [String] = [],
        deadline: Deadline = .within(.seconds(15))
    ) throws -> Reply {
        try ask(
            "POST", "/v1/chat/completions", fields: fields, body: Self.chatBody(prompt, model: model, stream: stream),
            deadline: deadline)
    }

    /// Sends the request only; the caller reads.
    func startChat(
        _ prompt: String, model: String = "sim-large", stream: Bool = true, receiveBuffer: Int32? = nil
    ) throws -> RawClient {
        let client = try RawClient(port: port, receiveBuffer: receiveBuffer)
        let body = Self.chatBody(prompt, model: model, stream: stream)
        try client.send(Self.request("POST", "/v1/chat/completions", body: body))
        return client
    }

    static func chatBody(_ prompt: String, model: String = "sim-large", stream: Bool = false) -> String {
        let message: JSON = ["role": "user", "content": .string(prompt)]
        return (["model": .string(model), "messages": [message], "stream": .bool(stream)] as JSON).text
    }

    static func request(
        _ method: String, _ path: String, key: String? = GatewaySetup.clientKey, fields: [String] = [],
        body: String? = nil, type: String = "application/json", host: String = "127.0.0.1"
    ) -> String {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + fields
        if let key { lines.append("Authorization: Bearer \(key)") }
        if let body { lines += ["Content-Type: \(type)", "Content-Length: \(body.utf8.count)"] }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }
}

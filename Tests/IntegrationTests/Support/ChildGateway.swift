import PolluxTesting
import Glibc

/// A simulator and a gateway as two processes, joined by a settings file.
final class ChildGateway {
    let gateway: ChildProcess
    let simulator: ChildProcess
    let port: Int
    let simulatorPort: Int
    let settingsFile: String
    /// What stood there at the start.
    let settingsText: String
    private let folder: TemporaryFolder

    /// - Parameters:
    ///   - server: YAML members of `server:`, each behind a comma.
    ///   - local: YAML members of the provider, each behind a comma.
    init(server: String = "", local: String = "", topLevel: String = "") throws {
        folder = try TemporaryFolder()
        simulator = try ChildProcess.pollux(["simulate", "openai", "--listen", "127.0.0.1:0"])
        let banner = try simulator.line(with: "base_url: ")
        simulatorPort = try Self.port(in: banner)
        let base = "http://127.0.0.1:\(simulatorPort)/v1"
        settingsText = """
            server: {listen: "127.0.0.1:0"\(server)}
            state: {folder: "\(folder.path)/state"}
            log: {level: warning}
            keys: [{name: tester, key: \(GatewaySetup.clientKey)}]
            \(topLevel)
            providers:
              - {name: local, kind: openai-compatible, base_url: "\(base)", models: [sim-large]\(local)}
            """
        settingsFile = try folder.write(settingsText, to: "settings.yaml")
        gateway = try Self.serve(settingsFile)
        port = try Self.port(in: try gateway.line(with: "is listening on"))
    }

    var stateFolder: String { folder.path + "/state" }

    /// Changes the settings file, and tells the gateway.
    func reload(_ change: (String) -> String) throws {
        _ = try folder.write(change(settingsText), to: "settings.yaml")
        gateway.signal(SIGHUP)
    }

    /// Another gateway with the same settings and state folder.
    func startAnother() throws -> ChildProcess { try Self.serve(settingsFile) }

    private static func serve(_ settings: String) throws -> ChildProcess {
        try ChildProcess.pollux(["serve", "--settings", settings])
    }

    func startChat(_ prompt: String, stream: Bool = true, receiveBuffer: Int32? = nil) throws -> RawClient {
        let client = try RawClient(port: port, receiveBuffer: receiveBuffer)
        let body = TestGateway.chatBody(prompt, stream: stream)
        try client.send(TestGateway.request("POST", "/v1/chat/completions", body: body))
        return client
    }

    func get(_ path: String) throws -> Reply {
        let client = try RawClient(port: port)
        try client.send(TestGateway.request("GET", path))
        return try client.reply()
    }

    static func port(in line: String) throws -> Int {
        guard let colon = line.lastIndex(of: ":"),
            let port = Int(line[line.index(after: colon)...].prefix { $0.isNumber })
        else { throw TestFailure("no port in: \(line)") }
        return port
    }
}

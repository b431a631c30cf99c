import PolluxApp
import PolluxCore
import PolluxSimulator

/// Runs the simulated upstreams by themselves, for trying a gateway against them.
struct SimulateCommand: Command {
    let name = "simulate"
    let summary = "Run a simulated upstream."
    let help = """
        Usage: pollux simulate gemini-business|gemini-web|openai|all [--listen HOST:PORT] [--account FIELDS …]

        Plays an upstream on this machine, in its own wire format, until it is stopped. 'all' takes consecutive ports
        (with port 0, any free ones). Directives in a prompt make it misbehave: "[[sim:http=429]] hello", or for
        gemini-web a line "!sim http 429". What it saw stands under GET /__sim/journal; POST /__sim/fault and
        POST /__sim/reset control it.

        Examples:
          pollux simulate gemini-business --listen 127.0.0.1:8098
          pollux simulate gemini-web --listen 127.0.0.1:8098
          pollux simulate all --listen 127.0.0.1:8098
        """
    let options = [
        CommandOption("listen", value: "HOST:PORT", help: "Where to listen; 127.0.0.1:8098 by default."),
        CommandOption(
            "account", value: "FIELDS", help: "CSESIDX:CONFIG_ID:C_SES:C_OSES, in place of the invented accounts.",
            isRepeatable: true),
        CommandOption("chunk-delay", value: "MS", help: "Milliseconds between two pieces of a stream; 5 by default."),
        CommandOption(
            "api-key", value: "KEY", help: "A key the OpenAI upstream asks for; none by default.", isRepeatable: true),
    ]

    let takesArguments = true

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let kinds = try kinds(invocation)
        let text = invocation.value(of: "listen") ?? "127.0.0.1:8098"
        guard let address = ListenAddress(text) else {
            throw .invalid(nil, "--listen takes HOST:PORT, not \"\(text)\"")
        }
        let options = try simulatorOptions(invocation)
        var servers: [SimulatorServer] = []
        for (index, kind) in kinds.enumerated() {
            guard let port = UInt16(exactly: address.port == 0 ? 0 : address.port + index) else {
                throw .invalid(nil, "--listen \(text): there are no \(kinds.count) ports from there on")
            }
            let server = try await SimulatorServer.start(kind, listen: address.host, port: port, options: options)
            servers.append(server)
            invocation.console.out(server.banner)
        }
        try await Termination.wait()
        for server in servers { await server.stop() }
        return 0
    }

    private func kinds(_ invocation: Invocation) throws(GatewayError) -> [SimulatorKind] {
        let name = invocation.arguments.first ?? ""
        if name == "all", invocation.arguments.count == 1 { return SimulatorKind.allCases }
        if let kind = SimulatorKind(rawValue: name), invocation.arguments.count == 1 { return [kind] }
        let known = SimulatorKind.allCases.map(\.rawValue) + ["all"]
        throw .invalid(nil, "name one upstream to simulate: \(known.joined(separator: ", "))")
    }

    private func simulatorOptions(_ invocation: Invocation) throws(GatewayError) -> SimulatorOptions {
        var options = SimulatorOptions()
        let accounts = invocation.allValues(of: "account")
        if !accounts.isEmpty {
            options.accounts = []
            for account in accounts { options.accounts.append(try BusinessAccount(account)) }
        }
        options.apiKeys = invocation.allValues(of: "api-key")
        if let text = invocation.value(of: "chunk-delay") {
            guard let delay = Int(text), (0...60_000).contains(delay) else {
                throw .invalid(nil, "--chunk-delay takes milliseconds of 0 to 60000, not \"\(text)\"")
            }
            options.chunkDelay = .milliseconds(delay)
        }
        return options
    }
}

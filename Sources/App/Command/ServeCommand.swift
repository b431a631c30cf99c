import Glibc
import PolluxCore
import PolluxTransport

struct ServeCommand: Command {
    let demo: (any DemoUpstreams)?
    let name = "serve"
    let summary = "Run the gateway."
    var help: String {
        let usage = "Usage: pollux serve [--settings FILE] [--listen HOST:PORT]"
        guard demo != nil else { return "\(usage)\n\n\(Self.story)" }
        return "\(usage)\n       pollux serve --demo [--listen HOST:PORT]\n\n\(Self.story)\n\n\(Self.demoStory)"
    }

    private static let story = """
        Runs until SIGTERM or SIGINT: then it takes no new requests, lets running answers end (drain.timeout) and
        exits with 0. A second signal ends it at once with 2.

        SIGHUP reads the settings again and puts them in force as a whole; when something is wrong with them, the log
        names the lines and nothing changes. Running answers end under the settings they began with.
        """
    private static let demoStory = """
        --demo starts simulated upstreams with invented accounts in the same process and prints a key and commands to
        paste. Nothing leaves this machine; the answers are echoes.
        """
    var options: [CommandOption] {
        let demo = CommandOption("demo", help: "Simulated upstreams; needs no settings file.")
        let listen = CommandOption("listen", value: "HOST:PORT", help: "Instead of server.listen.")
        return [SettingsOption.option] + (self.demo == nil ? [] : [demo]) + [listen]
    }

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        if invocation.has("demo") { return try await serveDemo(invocation) }
        guard var settings = SettingsOption.load(invocation) else { return 1 }
        try override(&settings, invocation)
        return try await serve(settings, invocation, try SignalWaiter(), reload: { try reloaded(invocation) }) { _ in }
    }

    private func reloaded(_ invocation: Invocation) throws -> (GatewaySettings, [SettingsIssue]) {
        let loader = SettingsLoader(registry: invocation.registry, environment: invocation.environment)
        var (settings, warnings) = try loader.load(path: SettingsOption.path(invocation))
        try override(&settings, invocation)
        return (settings, warnings)
    }

    private func serveDemo(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let demo else { return 1 }  // The option is unknown then.
        guard invocation.value(of: "settings") == nil else {
            throw .invalid(nil, "--demo brings its own settings; leave out --settings")
        }
        let signals = try SignalWaiter()
        let key = try ClientKeyMaker.make()
        let upstreams = try await demo.start()
        let text = DemoSettings.text(upstreams, key: key)
        let environment = invocation.environment.merging(upstreams.environment) { _, new in new }
        let loader = SettingsLoader(registry: invocation.registry, environment: environment)
        var settings: GatewaySettings
        do throws(SettingsError) {
            (settings, _) = try loader.decode(Array(text.utf8), file: "demo")
        } catch { throw GatewayError(.internalError, .request, error.description) }
        try override(&settings, invocation)
        return try await serve(settings, invocation.with(environment: environment), signals, reload: nil) { port in
            for line in DemoSettings.welcome(upstreams, key: key, host: settings.server.listen.host, port: port) {
                invocation.console.out(line)
            }
        }
    }

    private func override(_ settings: inout GatewaySettings, _ invocation: Invocation) throws(GatewayError) {
        guard let text = invocation.value(of: "listen") else { return }
        guard let address = ListenAddress(text) else {
            throw .invalid(nil, "--listen takes HOST:PORT, not \"\(text)\"")
        }
        guard address.isLoopback || (settings.adminKey != nil && !settings.keys.isEmpty) else {
            throw .invalid(nil, "listening on \(address) needs admin.key and an entry under keys: in the settings")
        }
        settings.server.listen = address
    }

    /// - Parameter reload: Reads the settings again; `nil` where there is no file, nor a state folder of its own.
    private func serve(
        _ settings: GatewaySettings, _ invocation: Invocation, _ signals: SignalWaiter,
        reload: (() throws -> (GatewaySettings, [SettingsIssue]))?,
        whenListening: (Int) -> Void
    ) async throws(GatewayError) -> Int32 {
        let warning = try ServingProcess.prepare(settings.server)
        let folder = reload == nil ? nil : try StateFolder.claim(settings.state.folder)
        let host = try GatewayHost(settings: settings, invocation: invocation, logsTo: .asConfigured)
        let running = try RunningGateway(host)
        let port = try await running.start()
        let address = ListenAddress(host: settings.server.listen.host, port: port)
        if let path = settings.server.pidFile { try PIDFile.write(path) }
        invocation.console.out("pollux \(PolluxVersion.text) is listening on http://\(address)")
        if let warning { host.log.warning("file descriptors", [LogField("message", warning)]) }
        running.warnAboutExposure()
        whenListening(port)
        signals.beforeForcedEnd { host.flushLog() }
        while await signals.next() == .reload {
            guard let reload else {
                invocation.console.err("settings not reloaded: the demo has no settings file")
                continue
            }
            SettingsReloader(load: reload, running: running, log: host.log, console: invocation.console).reload()
        }
        let timeout = host.gateway.settings.drain.timeout
        invocation.console.err("draining: new requests are refused, running ones have \(timeout) to end")
        await running.drain()
        if let path = settings.server.pidFile { unlink(path) }
        host.flushLog()
        _ = folder
        return 0
    }
}

extension Invocation {
    func with(environment: [String: String]) -> Invocation {
        Invocation(
            environment: environment, registry: registry, console: console, hasDemo: hasDemo, arguments: arguments,
            values: values)
    }
}

/// The process id, for service managers that want it in a file.
private enum PIDFile {
    static func write(_ path: String) throws(GatewayError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let bytes = Array("\(getpid())\n".utf8)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw GatewayError(
                .internalError, .request,
                "server.pid_file: \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }
}

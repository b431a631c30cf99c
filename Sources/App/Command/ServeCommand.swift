import Glibc
import PolluxCore
import PolluxStorage
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
        let without = CommandOption(
            "without-changes", help: "Leave out what was changed through the admin API: the file alone counts.")
        return [SettingsOption.option] + (self.demo == nil ? [] : [demo]) + [listen, without]
    }

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        if invocation.has("demo") { return try await serveDemo(invocation) }
        guard SettingsOption.load(invocation) != nil else { return 1 }
        let read: SettingsDesk.Reading = { changes in
            let loader = SettingsLoader(registry: invocation.registry, environment: invocation.environment)
            var loaded = try loader.read(path: SettingsOption.path(invocation), patch: changes)
            try override(&loaded.settings, invocation)
            return loaded
        }
        return try await serve(read, invocation, try SignalWaiter(), isDemo: false) { _, _ in }
    }

    /// The settings with what was changed through the admin API.
    private func changed(
        _ read: SettingsDesk.Reading, _ changes: JSON, _ invocation: Invocation
    ) throws(GatewayError) -> SettingsLoader.Loaded {
        do { return try reading(read, changes, invocation) } catch {
            throw GatewayError(
                .internalError, .request,
                "what was changed through the admin API does not fit the settings file any more; correct the file, or"
                    + " start with --without-changes:\n\(error.message)")
        }
    }

    /// What was said about the file is said already; what is left is what a second look finds.
    private func reading(
        _ read: SettingsDesk.Reading, _ changes: JSON, _ invocation: Invocation
    ) throws(GatewayError) -> SettingsLoader.Loaded {
        do { return try read(changes) } catch let error as GatewayError { throw error } catch {
            throw GatewayError(.internalError, .request, "\(error)")
        }
    }

    private func serveDemo(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let demo else { return 1 }  // The option is unknown then.
        guard invocation.value(of: "settings") == nil else {
            throw .invalid(nil, "--demo brings its own settings; leave out --settings")
        }
        let signals = try SignalWaiter()
        let key = try ClientKeyMaker.make()
        let upstreams = try await demo.start()
        let adminKey = try ClientKeyMaker.make()
        let text = DemoSettings.text(upstreams, key: key, adminKey: adminKey)
        let environment = invocation.environment.merging(upstreams.environment) { _, new in new }
        let loader = SettingsLoader(registry: invocation.registry, environment: environment)
        let read: SettingsDesk.Reading = { changes in
            var loaded = try loader.read(Array(text.utf8), file: "demo", patch: changes)
            try override(&loaded.settings, invocation)
            return loaded
        }
        return try await serve(read, invocation.with(environment: environment), signals, isDemo: true) { host, port in
            let lines = DemoSettings.welcome(
                upstreams, key: key, adminKey: adminKey, host: host, port: port, program: Self.program)
            for line in lines { invocation.console.out(line) }
        }
    }

    /// This program's path, for commands that are pasted wherever somebody is.
    private static var program: String {
        guard let path = realpath("/proc/self/exe", nil) else { return "pollux" }
        defer { free(path) }
        return String(cString: path)
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

    /// - Parameters:
    ///   - read: Reads the settings, again and again.
    ///   - isDemo: There is no file, nor a state folder of its own.
    private func serve(
        _ read: @escaping SettingsDesk.Reading, _ invocation: Invocation, _ signals: SignalWaiter, isDemo: Bool,
        whenListening: (String, Int) -> Void
    ) async throws(GatewayError) -> Int32 {
        var loaded = try reading(read, .object(JSONObject()), invocation)
        let settings = loaded.settings
        let warning = try ServingProcess.prepare(settings.server)
        let folder = isDemo ? nil : try StateFolder.claim(settings.state.folder)
        let host = try await GatewayHost.resuming(
            settings: settings, invocation: invocation, logsTo: .asConfigured
        ) { time, log throws(GatewayError) in
            guard folder != nil else { return MemoryStateStore() }
            return try StateStore.open(settings.state, time: time, log: log)
        }
        var changes = try await host.state?.store.settingsPatch() ?? (.object(JSONObject()), 0)
        if invocation.has("without-changes") { changes.patch = .object(JSONObject()) }
        if changes.patch.object?.isEmpty == false {
            loaded = try changed(read, changes.patch, invocation)
            try FixedSettings.refuseChanges(from: settings, to: loaded.settings)
            host.adopt(try host.plan(loaded.settings))
        }
        let running = try RunningGateway(host, live: LiveSettings(loaded: loaded, changes: changes, read: read))
        let port = try await running.start()
        let address = ListenAddress(host: settings.server.listen.host, port: port)
        folder?.note(address)
        if let path = settings.server.pidFile { try PIDFile.write(path) }
        invocation.console.out("pollux \(PolluxVersion.text) is listening on http://\(address)")
        if let warning { host.log.warning("file descriptors", [LogField("message", warning)]) }
        running.warnAboutExposure()
        whenListening(settings.server.listen.host, port)
        signals.beforeForcedEnd { host.flushLog() }
        while await signals.next() == .reload {
            guard !isDemo else {
                invocation.console.err("settings not reloaded: the demo has no settings file")
                continue
            }
            await SettingsReloader(load: read, running: running, log: host.log, console: invocation.console)
                .reload()
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
            environment: environment, registry: registry, console: console, input: input, hasDemo: hasDemo,
            arguments: arguments, values: values)
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

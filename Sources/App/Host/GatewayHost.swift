import PolluxCore
import PolluxStorage
import PolluxTransport
import Synchronization

/// A gateway with its threads: loops, transport, workers, log. What `serve`, `doctor` and `models` run on.
final class GatewayHost: Sendable {
    let loops: LoopGroup
    let worker: WorkerPool
    let log: Logger
    /// What the credential sources complain about; only heard while the log is silent.
    let complaints: SourceComplaints
    /// Client keys that are made and revoked at run time.
    let keys: KeyRegistry
    let registry: PluginRegistry
    private let current: SharedPlan
    private let builder: GatewayBuilder
    private let writer: LogWriter?
    /// What outlives the process; `nil` where nothing does.
    let state: GatewayState?
    let notifier: Notifier

    /// The one in force; a reload puts another one in its place.
    var gateway: Gateway { current.value.gateway }

    /// A host that keeps nothing over its end.
    ///
    /// - Parameters:
    ///   - log: Silent for commands that print their own findings.
    ///   - time: A clock that a test moves; `nil` is the system's.
    /// - Throws: `internalError` when the system gives no threads or files; what a plugin says about its settings.
    convenience init(
        settings: GatewaySettings, invocation: Invocation, logsTo log: LogChoice = .nowhere,
        time: (any SteppedTime)? = nil
    ) throws(GatewayError) {
        try self.init(try HostParts(settings, log, time), settings, invocation, state: nil, media: nil)
    }

    /// In the state's folder; `nil`, where the state is in memory, leaves media there as well.
    private static func mediaStore(
        beside state: GatewayState, _ parts: HostParts, _ settings: MediaSettings
    ) throws(GatewayError) -> (any MediaKeeping)? {
        guard let store = state.store as? StateStore else { return nil }
        return try FolderMediaStore(
            store.folder + "/media", settings.rules, time: parts.time, worker: parts.worker)
    }

    /// A host that takes up where the last process left off.
    ///
    /// - Parameter store: Opens what keeps it.
    static func resuming(
        settings: GatewaySettings, invocation: Invocation, logsTo log: LogChoice,
        time: (any SteppedTime)? = nil,
        store: (any TimeSource, Logger) throws(GatewayError) -> any StateStoring
    ) async throws(GatewayError) -> GatewayHost {
        let parts = try HostParts(settings, log, time)
        let state = try await GatewayState.load(try store(parts.time, parts.log))
        return try GatewayHost(
            parts, settings, invocation, state: state, media: try mediaStore(beside: state, parts, settings.media))
    }

    private init(
        _ parts: HostParts, _ settings: GatewaySettings, _ invocation: Invocation, state: GatewayState?,
        media: (any MediaKeeping)?
    ) throws(GatewayError) {
        (loops, worker, log, writer) = (parts.loops, parts.worker, parts.log, parts.writer)
        (complaints, self.state) = (parts.complaints, state)
        (registry, keys) = (invocation.registry, KeyRegistry(store: state?.store))
        builder = GatewayBuilder(
            registry: invocation.registry, transport: CurlTransport(fallback: loops.loops[0]),
            files: SystemFiles(worker: worker), processEnvironment: invocation.environment,
            environment: GatewayEnvironment(
                time: parts.time, random: FastRandom(), log: log, keys: keys, state: state, mediaStore: media,
                dailyReset: ZoneFile.dailyReset(log),
                untrusted: CurlUntrustedTransport(fallback: loops.loops[0])))
        let plan = try builder.build(settings)
        plan.takeOver()
        let current = SharedPlan(plan)
        self.current = current
        notifier = Notifier(
            NotifyParts(
                time: parts.time, random: FastRandom(), log: log, metrics: plan.gateway.metrics,
                http: builder.transport, path: invocation.environment["PATH"] ?? "/usr/bin:/bin"),
            transitions: plan.gateway.transitions, worker: worker,
            views: { current.value.gateway.upstreams.map(PoolView.init) })
        notifier.change(settings.notify, network: settings.notifyNetwork)
        if let store = state?.store { plan.gateway.metrics.watchStore { store.figures } }
        for loop in loops.loops {
            loop.watchLag(every: .seconds(1)) { [lag = plan.gateway.metrics.loopLag] in lag.observe($0) }
        }
    }

    enum LogChoice { case nowhere, asConfigured }

    /// Builds what other settings name, beside the gateway in force, which it does not touch.
    func plan(_ settings: GatewaySettings) throws(GatewayError) -> GatewayPlan {
        try builder.build(settings, after: gateway)
    }

    /// Puts a planned gateway in force.
    func adopt(_ plan: GatewayPlan) {
        let settings = plan.gateway.settings
        log.mask(settings.ownSecrets)
        log.setLevel(settings.log.level)
        plan.takeOver()
        current.value = plan
        notifier.change(settings.notify, network: settings.notifyNetwork)
    }

    /// The gateway listens there: nobody makes it ask itself.
    func listens(on port: Int) { builder.environment.fetching.listens(on: port) }

    /// What the gateway in force needs beside its requests.
    var services: [NamedService] { current.value.services }

    /// What the process needs whatever its settings are.
    var ownServices: [NamedService] {
        let trimmer = HeapTrimmer(load: gateway.load, time: gateway.time, worker: worker)
        let keeping = stateKeeper.map { NamedService(name: "state", service: $0, outlivesReload: true) }
        return [
            NamedService(name: "heap", service: trimmer, outlivesReload: true),
            NamedService(name: "notify", service: notifier, outlivesReload: true),
        ] + [keeping].compactMap(\.self)
    }

    private var stateKeeper: StateKeeper? {
        state.map { StateKeeper(state: $0, time: gateway.time, log: log) { self.gateway } }
    }

    /// Writes what is not written yet, and closes the files; for the end of the process.
    func saveState() async {
        await stateKeeper?.save()
        await state?.store.close()
    }

    /// Runs a service until it ends by itself or its task is cancelled; one that fails is started again.
    func start(_ named: NamedService) -> Task<Void, Never> {
        Task(executorPreference: loops.next) { [time = gateway.time, log] in
            await Self.keepRunning(named, time, log)
        }
    }

    var feeds: [CredentialFeed] { services.compactMap { $0.service as? CredentialFeed } }

    func stop() {
        writer?.flush()
        loops.stop()
    }

    func flushLog() { writer?.flush() }

    private static func keepRunning(_ named: NamedService, _ time: any TimeSource, _ log: Logger) async {
        var pause = Duration.seconds(1)
        while !Task.isCancelled {
            do {
                try await named.service.run()
                return
            } catch {
                if Task.isCancelled { return }
                let message = (error as? GatewayError)?.message ?? "\(error)"
                log.error(
                    "service failed; it will be started again",
                    [LogField("service", named.name), LogField("message", message)])
                do { try await time.sleep(until: time.now + pause) } catch { return }
                pause = min(pause * 2, .seconds(60))
            }
        }
    }
}

/// What a host is made of before there is a gateway.
private struct HostParts {
    let loops: LoopGroup
    let worker: WorkerPool
    let time: any TimeSource
    let log: Logger
    let writer: LogWriter?
    let complaints = SourceComplaints()

    init(
        _ settings: GatewaySettings, _ log: GatewayHost.LogChoice, _ time: (any SteppedTime)?
    ) throws(GatewayError) {
        loops = try LoopGroup(count: settings.server.loops == 0 ? nil : settings.server.loops, time: time)
        worker = try WorkerPool(threads: 2)
        self.time = LoopTime(fallback: loops.loops[0])
        switch log {
        case .nowhere: (self.log, writer) = (Logger(level: .warning, sink: complaints), nil)
        case .asConfigured: (self.log, writer) = try Self.makeLog(settings, self.time)
        }
    }

    private static func makeLog(
        _ settings: GatewaySettings, _ time: any TimeSource
    ) throws(GatewayError) -> (Logger, LogWriter?) {
        let output =
            try settings.log.file.map { (path) throws(GatewayError) in try LogOutput(path: path) } ?? LogOutput()
        let style: LogFormatter.Style =
            switch settings.log.format {
            case .auto: output.isTerminal ? .text : .json
            case .text: .text
            case .json: .json
            }
        let formatter = LogFormatter(style: style, secrets: settings.ownSecrets)
        let writer = try LogWriter(formatter: formatter, output: output, time: time)
        return (Logger(level: settings.log.level, sink: writer), writer)
    }
}

/// The plan in force, for parts that ask for it at any time.
private final class SharedPlan: Sendable {
    private let plan: Mutex<GatewayPlan>
    init(_ plan: GatewayPlan) { self.plan = Mutex(plan) }

    var value: GatewayPlan {
        get { plan.withLock { $0 } }
        set { plan.withLock { $0 = newValue } }
    }
}

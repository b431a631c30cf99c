import PolluxCore
import PolluxTransport
import Synchronization

/// A gateway with its threads: loops, transport, workers, log. What `serve`, `doctor` and `models` run on.
final class GatewayHost: Sendable {
    let loops: LoopGroup
    let worker: WorkerPool
    let log: Logger
    /// What the credential sources complain about; only heard while the log is silent.
    let complaints = SourceComplaints()
    private let current: Mutex<GatewayPlan>
    private let builder: GatewayBuilder
    private let writer: LogWriter?

    /// The one in force; a reload puts another one in its place.
    var gateway: Gateway { current.withLock { $0.gateway } }

    /// - Parameters:
    ///   - log: Silent for commands that print their own findings.
    ///   - time: A clock that a test moves; `nil` is the system's.
    /// - Throws: `internalError` when the system gives no threads or files; what a plugin says about its settings.
    init(
        settings: GatewaySettings, invocation: Invocation, logsTo log: LogChoice = .nowhere,
        time: (any SteppedTime)? = nil
    ) throws(GatewayError) {
        loops = try LoopGroup(count: settings.server.loops == 0 ? nil : settings.server.loops, time: time)
        worker = try WorkerPool(threads: 2)
        let time = LoopTime(fallback: loops.loops[0])
        switch log {
        case .nowhere: (self.log, writer) = (Logger(level: .warning, sink: complaints), nil)
        case .asConfigured: (self.log, writer) = try Self.makeLog(settings, time)
        }
        builder = GatewayBuilder(
            registry: invocation.registry, transport: CurlTransport(fallback: loops.loops[0]),
            files: SystemFiles(worker: worker), processEnvironment: invocation.environment,
            environment: GatewayEnvironment(time: time, random: FastRandom(), log: self.log))
        let plan = try builder.build(settings)
        plan.takeOver()
        current = Mutex(plan)
    }

    enum LogChoice { case nowhere, asConfigured }

    /// Builds what other settings name, beside the gateway in force, which it does not touch.
    func plan(_ settings: GatewaySettings) throws(GatewayError) -> GatewayPlan {
        try builder.build(settings, after: gateway)
    }

    /// Puts a planned gateway in force.
    func adopt(_ plan: GatewayPlan) {
        let settings = plan.gateway.settings
        log.mask(settings.keys.map(\.key) + [settings.adminKey].compactMap(\.self))
        log.setLevel(settings.log.level)
        plan.takeOver()
        current.withLock { $0 = plan }
    }

    /// What the gateway in force needs beside its requests.
    var services: [NamedService] { current.withLock { $0.services } }

    /// What the process needs whatever its settings are.
    var ownServices: [NamedService] {
        let trimmer = HeapTrimmer(load: gateway.load, time: gateway.time, worker: worker)
        return [NamedService(name: "heap", service: trimmer, outlivesReload: true)]
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
        let secrets = settings.keys.map(\.key) + [settings.adminKey].compactMap(\.self)
        let formatter = LogFormatter(style: style, secrets: secrets)
        let writer = try LogWriter(formatter: formatter, output: output, time: time)
        return (Logger(level: settings.log.level, sink: writer), writer)
    }
}

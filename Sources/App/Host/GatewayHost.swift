import PolluxCore
import PolluxTransport

/// A gateway with its threads: loops, transport, workers, log. What `serve`, `doctor` and `models` run on.
final class GatewayHost: Sendable {
    let gateway: Gateway
    let loops: LoopGroup
    let worker: WorkerPool
    let log: Logger
    /// What the credential sources complain about; only heard while the log is silent.
    let complaints = SourceComplaints()
    private let services: [NamedService]
    private let writer: LogWriter?

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
        let builder = GatewayBuilder(
            registry: invocation.registry, transport: CurlTransport(fallback: loops.loops[0]),
            files: SystemFiles(worker: worker), processEnvironment: invocation.environment,
            environment: GatewayEnvironment(time: time, random: FastRandom(), log: self.log))
        let built = try builder.build(settings)
        gateway = built.gateway
        services = built.services + [NamedService(name: "heap", service: HeapTrimmer(gateway: gateway, worker: worker))]
    }

    enum LogChoice { case nowhere, asConfigured }

    /// Runs every service until it ends by itself or its task is cancelled; a service that fails is started again.
    func startServices() -> [Task<Void, Never>] {
        services.map { named in
            Task(executorPreference: loops.next) { [time = gateway.time, log] in
                await Self.keepRunning(named, time, log)
            }
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

public import PolluxCore
import PolluxTransport

/// Which upstream is played.
public enum SimulatorKind: String, Sendable, CaseIterable {
    case geminiBusiness = "gemini-business"
    case openAI = "openai"
    case geminiWeb = "gemini-web"
}

/// A simulated upstream that listens.
public final class SimulatorServer: Sendable {
    public let kind: SimulatorKind
    public let host: String
    public let port: UInt16
    public let options: SimulatorOptions
    /// The journal and the faults, for tests in the same process.
    public let control: SimulatorControl

    private let server: HTTPServer
    private let loops: LoopGroup

    private init(
        _ kind: SimulatorKind, _ host: String, _ port: UInt16, _ options: SimulatorOptions, _ control: SimulatorControl,
        _ server: HTTPServer, _ loops: LoopGroup
    ) {
        (self.kind, self.host, self.port, self.options) = (kind, host, port, options)
        (self.control, self.server, self.loops) = (control, server, loops)
    }

    /// Starts one upstream on an event loop of its own.
    ///
    /// - Parameters:
    ///   - host: A numeric address or `localhost`.
    ///   - port: 0 lets the system choose; see `port` for what it chose.
    /// - Throws: When the address cannot be had; the message says what to do.
    public static func start(
        _ kind: SimulatorKind, listen host: String = "127.0.0.1", port: UInt16 = 0,
        options: SimulatorOptions = SimulatorOptions()
    ) async throws(GatewayError) -> SimulatorServer {
        let loops = try LoopGroup(
            count: 1, name: "simulate-\(kind.rawValue)", time: options.time as? any SteppedTime)
        let control = SimulatorControl(time: options.time ?? LoopTime(fallback: loops.next))
        let server = HTTPServer(
            loops: loops, limits: limits, handler: SimulatorHandler(service: kind.service(options), control: control))
        do throws(GatewayError) {
            let bound = try server.listen(host: host, port: port)
            return SimulatorServer(kind, host, bound, options, control, server, loops)
        } catch {
            loops.stop()
            throw error
        }
    }

    /// Starts every kind, in the order of `SimulatorKind.allCases`, on consecutive ports.
    ///
    /// - Parameter port: The first port; with 0 the system chooses each.
    /// - Throws: As `start`; then none is left running.
    public static func startAll(
        listen host: String = "127.0.0.1", port: UInt16 = 0, options: SimulatorOptions = SimulatorOptions()
    ) async throws(GatewayError) -> [SimulatorServer] {
        var servers: [SimulatorServer] = []
        do throws(GatewayError) {
            for kind in SimulatorKind.allCases {
                let (next, overflow) = port.addingReportingOverflow(UInt16(servers.count))
                guard port == 0 || !overflow else {
                    throw .invalid(
                        nil, "\(SimulatorKind.allCases.count) ports are needed from \(port) on; choose a lower one")
                }
                servers.append(try await start(kind, listen: host, port: port == 0 ? 0 : next, options: options))
            }
        } catch {
            for server in servers { await server.stop() }
            throw error
        }
        return servers
    }

    /// `http://127.0.0.1:8098`
    public var url: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Ends every connection and the loop. Nothing is drained: these are upstreams that vanish.
    public func stop() async {
        server.beginDrain()
        server.cancelAll()
        _ = await server.waitUntilIdle(until: control.time.now + .seconds(2))
        loops.stop()
    }

    /// Wide, since tests and benchmarks go to the edge of the gateway's limits, not of the simulator's.
    private static var limits: HTTPServerLimits {
        var limits = HTTPServerLimits()
        limits.maxBodyBytes = 512 << 20
        limits.maxConnections = 8192
        limits.maxConnectionsPerIP = 8192
        limits.maxRequestsPerConnection = 1_000_000
        return limits
    }
}

extension SimulatorKind {
    fileprivate func service(_ options: SimulatorOptions) -> any SimulatedService {
        switch self {
        case .geminiBusiness: GeminiBusinessSimulator(options)
        case .openAI: OpenAISimulator(options: options)
        case .geminiWeb: GeminiWebSimulator(options)
        }
    }
}

import PolluxCore
import PolluxTesting

@testable import PolluxApp

/// A whole gateway over upstreams in memory, on a clock that stands still.
struct GatewayWorld {
    let time = ManualTime()
    let log = CollectingLog()
    let transport: FakeTransport
    let gateway: Gateway

    init(
        _ settings: String, answers: [FakeResponse] = [], after old: Gateway? = nil, dailyReset: DailyReset = .builtIn
    ) throws {
        transport = FakeTransport(answers)
        let builder = GatewayBuilder(
            registry: .standard, transport: transport, files: NoFiles(), processEnvironment: [:],
            environment: GatewayEnvironment(
                time: time, random: SeededRandom(seed: 1), log: Logger(level: .debug, sink: log),
                dailyReset: dailyReset))
        let plan = try builder.build(try SettingsText.settings(settings).settings, after: old)
        plan.takeOver()
        gateway = plan.gateway
    }

    private struct NoFiles: FileReading {
        func read(_ path: String, limit: Int) async throws(GatewayError) -> [UInt8] { throw .cancelled }
        func stamp(_ path: String) async -> FileStamp? { nil }
    }
}

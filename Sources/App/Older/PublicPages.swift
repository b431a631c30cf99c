import PolluxCore
import Synchronization

/// `/public/stats`, `/public/uptime` and `/public/log`: what anybody may see, without a key. Outlives every reload.
///
/// Since anybody may ask, the log of requests is read once in a few seconds, however often they do.
final class PublicPages: Sendable {
    enum Page: String { case stats, uptime, log }

    private struct State {
        var figures = PublicFigures()
        var readAt: Instant?
        var isReading = false
        var visitors: [String: Instant] = [:]
        var visitorCount = 0
    }

    private let state = Mutex(State())

    private static let goodFor = Duration.seconds(3)
    private static let longestLog = 1000
    private static let usualLog = 100
    /// Addresses that are told apart; more at a time are not counted.
    private static let mostVisitors = 10_000
    private static let visitLasts = Duration.seconds(86_400)

    func answer(
        _ page: Page, _ gateway: Gateway, query: [(name: String, value: String)], address: String
    ) async -> JSON {
        let figures = await figures(gateway)
        let models = gateway.pipeline.models.map(\.id)
        switch page {
        case .stats:
            return figures.stats(visitors: state.withLock { $0.visitorCount }, now: gateway.time.wallNow)
        case .uptime:
            return figures.uptime(models: models, isReady: gateway.readiness.isReady, now: gateway.time.wallNow)
        case .log:
            visit(from: address, gateway.time.now)
            let asked = query.first { $0.name == "limit" }.flatMap { Int($0.value) } ?? Self.usualLog
            return figures.log(limit: min(max(asked, 1), Self.longestLog), models: Set(models))
        }
    }

    /// The same address counts once a day.
    private func visit(from address: String, _ now: Instant) {
        state.withLock { state in
            if let last = state.visitors[address], now - last < Self.visitLasts { return }
            if state.visitors.count >= Self.mostVisitors {
                state.visitors = state.visitors.filter { now - $0.value < Self.visitLasts }
                guard state.visitors.count < Self.mostVisitors else { return }
            }
            state.visitors[address] = now
            state.visitorCount += 1
        }
    }

    /// While one reads, the others have what was read before.
    private func figures(_ gateway: Gateway) async -> PublicFigures {
        guard let store = gateway.state?.store else { return PublicFigures() }
        let now = gateway.time.now
        let known = state.withLock { state -> PublicFigures? in
            if state.isReading || state.readAt.map({ now - $0 < Self.goodFor }) ?? false { return state.figures }
            state.isReading = true
            return nil
        }
        if let known { return known }
        let figures = await Self.read(store, gateway.time.wallNow)
        return state.withLock { state in
            (state.isReading, state.readAt) = (false, now)
            if let figures { state.figures = figures }
            return state.figures
        }
    }

    private static func read(_ store: any StateStoring, _ now: WallTime) async -> PublicFigures? {
        do throws(GatewayError) {
            let requests = try await store.requests(RequestQuery(limit: longestLog))
            let rows = try await store.usage(
                UsageQuery(from: WallTime(seconds: 0), to: now + .seconds(86_400), limit: 1))
            return PublicFigures(requests: requests, total: rows.first?.requests ?? 0)
        } catch { return nil }
    }
}

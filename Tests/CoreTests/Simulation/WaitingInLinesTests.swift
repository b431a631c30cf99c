import PolluxCore
import PolluxTesting
import Synchronization
import Testing

/// What the simulated days found about requests that wait in several lines at a time.
@Suite("A request in several lines")
struct WaitingInLinesTests {
    /// Two providers whose only accounts are leased, and a request that waits for both; `during` happens beside it.
    private static func wait(
        seed: UInt64, during: @escaping @Sendable (ManualTime, Task<Void, Never>) async throws -> Void
    ) -> (ending: Simulation.Ending, outcome: GatewayError.Kind?) {
        let simulation = Simulation(seed: seed)
        let (time, outcome) = (simulation.time, Outcome())
        let upstreams = ["p", "q"].map { name in
            let pool = AccountPool(AccountPoolState.Rules(), time: time)
            pool.update(source: "s", [Credential(accountID: "a", values: [:])]) { _ in nil }
            return Upstream(name: name, kind: "none", provider: NeverAsked(), pool: pool, retry: RetryPolicy())
        }
        let held = upstreams.compactMap { try? $0.pool.lease(for: .text, provider: $0.name) }
        let pipeline = Pipeline(
            router: Router(routes: []),
            catalog: ModelCatalog(providers: upstreams.map { ($0.name, [ModelInfo(id: "m", owner: "o")]) }),
            upstreams: upstreams, retry: RetryPolicy(), queue: QueueRules(maxWait: .seconds(2)), time: time,
            random: SeededRandom(seed: seed))
        let asking = simulation.start {
            do throws(GatewayError) {
                _ = try await pipeline.generate(
                    ModelRequest(id: "r", model: "m"), into: WholeAnswerSink(), log: .silent)
            } catch { outcome.set(error.kind) }
        }
        simulation.start { do { try await during(time, asking) } catch { return } }
        let ending = simulation.run()
        for lease in held { lease.release(after: nil) }
        return (ending, outcome.kind)
    }

    @Test("a client that leaves at the moment when the wait ends is let go", arguments: 0..<50)
    func leavesAtTheEnd(seed: UInt64) {
        let run = Self.wait(seed: seed) { time, asking in
            try await time.sleep(until: time.now + .seconds(2))
            asking.cancel()
        }
        #expect(run.ending == .finished)
        #expect(run.outcome == .cancelled || run.outcome == .noAccountAvailable)
    }

    @Test("who has lost hope in one of its lines keeps its place there", arguments: 0..<20)
    func keepsItsPlace(seed: UInt64) {
        let simulation = Simulation(seed: seed)
        let (time, served) = (simulation.time, Served())
        let pools = ["p", "q"].map { _ in AccountPool(AccountPoolState.Rules(), time: time) }
        @Sendable func publish(_ pool: AccountPool, _ key: String) {
            pool.update(source: "s", [Credential(accountID: "a", values: ["key": Secret(key)])]) { _ in nil }
        }
        for pool in pools { publish(pool, "old") }
        let held = pools.compactMap { try? $0.lease(for: .text, provider: "") }
        let upstreams = zip(["p", "q"], pools).map { name, pool in
            Upstream(name: name, kind: "served", provider: served, pool: pool, retry: RetryPolicy())
        }
        let pipeline = Pipeline(
            router: Router(routes: []),
            catalog: ModelCatalog(providers: upstreams.map { ($0.name, [ModelInfo(id: "m", owner: "o")]) }),
            upstreams: upstreams, retry: RetryPolicy(), queue: QueueRules(maxWait: .seconds(2)), time: time,
            random: SeededRandom(seed: seed))
        let ids = (0..<5).map { "r\($0)" }
        for (index, id) in ids.enumerated() {
            simulation.start {
                do {
                    try await time.sleep(until: time.now + .milliseconds(Int64(index)))
                    _ = try await pipeline.generate(
                        ModelRequest(id: id, model: "m"), into: WholeAnswerSink(), log: .silent)
                } catch { return }
            }
        }
        simulation.start {
            do { try await time.sleep(until: time.now + .milliseconds(10)) } catch { return }
            // Nobody knows of an account of p any more; that of q is busy.
            held[0].release(after: GatewayError(.upstreamAuth, .account, "401", accountEffect: .rejectCredential))
            do { try await time.sleep(until: time.now + .milliseconds(10)) } catch { return }
            publish(pools[0], "new")
        }
        let ending = simulation.run()
        held[1].release(after: nil)
        #expect(ending == .finished)
        #expect(served.ids == ids)
    }

    @Test("a wait that nobody ends is over in time", arguments: 0..<20)
    func endsInTime(seed: UInt64) {
        let run = Self.wait(seed: seed) { _, _ in }
        #expect(run.ending == .finished)
        #expect(run.outcome == .noAccountAvailable)
    }
}

private final class Outcome: Sendable {
    private let value = Mutex<GatewayError.Kind?>(nil)
    var kind: GatewayError.Kind? { value.withLock { $0 } }
    func set(_ kind: GatewayError.Kind) { value.withLock { $0 = kind } }
}

/// Notes who came, and sends everybody away.
private final class Served: Provider {
    static let kind: PluginKind = "served"
    private let list = Mutex<[String]>([])
    var ids: [String] { list.withLock { $0 } }

    init() {}
    init(settings: NeverAsked.NoKeys, context: ProviderContext) throws(GatewayError) {}

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        list.withLock { $0.append(request.id) }
        throw GatewayError(.upstreamRejected, .request, "no")
    }
}

private struct NeverAsked: Provider {
    static let kind: PluginKind = "none"
    struct NoKeys: SettingsReadable { init(reading map: inout SettingsMap) {} }

    init() {}
    init(settings: NoKeys, context: ProviderContext) throws(GatewayError) {}

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        throw GatewayError(.internalError, .request, "nobody is to be asked")
    }
}

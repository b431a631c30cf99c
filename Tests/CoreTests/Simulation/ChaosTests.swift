import PolluxTesting
import Testing

@testable import PolluxCore

/// Fifty clients at a time and twenty accounts, through the real pipeline, in virtual time and from a seed.
@Suite("Faults of many requests at a time")
struct ChaosTests {
    @Test("four accounts that fail every call: clients hardly notice, and soon nobody asks them", arguments: [1])
    func deadAccounts(seed: UInt64) {
        let run = ChaosRun(seed: seed) { account, _ in ["a3", "a7", "a11", "a19"].contains(account) }.live()
        #expect(run.successRate >= 0.999, "\(run)")
        #expect(run.callsPerRequest <= 1.2, "\(run)")
        #expect(run.suspended == ["a11", "a19", "a3", "a7"])
        #expect(run.isEndpointClosed == true)
    }

    @Test("every twentieth call fails: no account is suspended for it", arguments: [1])
    func someCalls(seed: UInt64) {
        let run = ChaosRun(seed: seed) { _, dice in dice.below(20) == 0 }.live()
        #expect(run.successRate >= 0.999, "\(run)")
        #expect(run.callsPerRequest <= 1.1, "\(run)")
        #expect(run.suspended == [])
    }

    @Test("every fifth call fails: the endpoint is never suspended, and no account is lost", arguments: [1])
    func manyCalls(seed: UInt64) {
        let run = ChaosRun(seed: seed, RetryPolicy(maxRetries: 4, budgetRatio: 0.3)) { _, dice in
            dice.below(5) == 0
        }.live()
        #expect(run.successRate >= 0.999, "\(run)")
        #expect(run.callsPerRequest <= 1.3, "\(run)")
        #expect(run.isEndpointClosed == true)
        #expect(run.wasEndpointSuspended == false)
        #expect(run.suspended == [])
    }

    @Test("the same while answers take ten seconds and failures none", arguments: 0..<5)
    func longAnswers(seed: UInt64) {
        let run = ChaosRun(
            seed: seed, RetryPolicy(maxRetries: 4, budgetRatio: 0.3), answersTake: .seconds(10)
        ) { _, dice in dice.below(5) == 0 }.live()
        #expect(run.wasEndpointSuspended == false)
        #expect(run.suspended == [])
    }

    @Test("an outage of a quarter of a minute: afterwards every account serves again")
    func outage() {
        let run = ChaosRun(seed: 3, outage: 12..<25) { _, _ in false }.live()
        #expect(run.wasEndpointSuspended == true)
        #expect(run.isEndpointClosed == true)
        #expect(run.suspended == [])
        // A part of the time is gone, and what the endpoint needs to be trusted again; nobody hammered on it.
        #expect(run.callsPerRequest <= 1.2, "\(run)")
    }
}

/// One run and its figures.
///
/// Unchecked: only jobs of one simulation touch it.
private final class ChaosRun: @unchecked Sendable, CustomStringConvertible {
    private let simulation: Simulation
    private let dice: SeededRandom
    private let pool: AccountPool
    private let told = ToldTransitions()
    private let retry: RetryPolicy
    /// From the first text to the end.
    private let length: Duration
    private let outage: Range<Int64>
    private let end: Int64
    fileprivate let fails: (String, SeededRandom) -> Bool
    /// Since the tenth second.
    private var requests = 0
    private var calls = 0
    private var answers = 0

    init(
        seed: UInt64, _ retry: RetryPolicy = RetryPolicy(), outage: Range<Int64> = 0..<0,
        answersTake length: Duration = .zero, fails: @escaping (String, SeededRandom) -> Bool
    ) {
        (simulation, dice) = (Simulation(seed: seed), SeededRandom(seed: seed &+ 77))
        (self.retry, self.outage, self.length, self.fails) = (retry, outage, length, fails)
        end = outage.isEmpty ? 40 : outage.upperBound + 35
        pool = AccountPool(
            AccountPoolState.Rules(maxInFlight: 4), name: "p", random: SeededRandom(seed: seed),
            time: simulation.time)
        pool.observe(told)
        pool.update(source: "s", (0..<20).map { Credential(accountID: "a\($0)", values: [:]) }) { _ in nil }
    }

    private var seconds: Int64 { simulation.time.now.microseconds / 1_000_000 }
    private var isCounting: Bool { seconds >= 10 }

    func live() -> Self {
        let upstream = Upstream(name: "p", kind: "chaos", provider: ChaosProvider(self), pool: pool, retry: retry)
        let pipeline = Pipeline(
            router: Router(routes: []), catalog: ModelCatalog(providers: [("p", [ModelInfo(id: "m", owner: "p")])]),
            upstreams: [upstream], retry: retry, queue: QueueRules(), time: simulation.time, random: dice)
        for client in 0..<50 {
            simulation.start { await self.ask(pipeline, client) }
        }
        _ = simulation.run(afterStep: { true }, whenQuiet: { true })
        return self
    }

    private func ask(_ pipeline: Pipeline, _ client: Int) async {
        for number in 0... {
            guard seconds < end else { return }
            let counts = isCounting
            if counts { requests += 1 }
            var request = ModelRequest(id: "r\(client)-\(number)", model: "m")
            request.deadline = simulation.time.now + .seconds(60)
            let outcome = await pipeline.run(request, into: WholeAnswerSink(), log: .silent)
            if counts, outcome.error == nil { answers += 1 }
            do {
                try await simulation.time.sleep(
                    until: simulation.time.now + .milliseconds(100 + Int64(dice.below(400))))
            } catch { return }
        }
    }

    fileprivate var answer: EventStream { EventStream(ChaosAnswer(length, simulation.time)) }

    /// An upstream's work on one call.
    ///
    /// - Returns: Whether it fails.
    fileprivate func call(_ account: String) async throws(GatewayError) -> Bool {
        if isCounting { calls += 1 }
        try await simulation.time.sleep(until: simulation.time.now + .milliseconds(20 + Int64(dice.below(200))))
        return outage.contains(seconds) || fails(account, dice)
    }

    var successRate: Double { Double(answers) / Double(max(requests, 1)) }
    var callsPerRequest: Double { Double(calls) / Double(max(requests, 1)) }
    var suspended: [String] { pool.reports().filter { $0.state == .suspended }.map(\.accountID).sorted() }
    var wasEndpointSuspended: Bool { told.all.contains { $0.accountID.isEmpty } }
    var isEndpointClosed: Bool { !pool.shortage().isEndpointSuspended }
    var description: String { "\(requests) requests, \(answers) answered, \(calls) calls" }
}

private final class ChaosProvider: Provider {
    static let kind: PluginKind = "chaos"
    struct NoKeys: SettingsReadable { init(reading map: inout SettingsMap) {} }

    private unowned let run: ChaosRun

    init(_ run: ChaosRun) { self.run = run }

    init(settings: NoKeys, context: ProviderContext) throws(GatewayError) {
        throw GatewayError(.internalError, .request, "made by its run")
    }

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        if try await run.call(lease.credential.accountID) {
            throw GatewayError(.upstreamError, .endpoint, "500", upstreamStatus: 500)
        }
        return run.answer
    }
}

private struct ChaosAnswer: EventSource {
    private var left: [ModelEvent] = [.started(responseID: "r", model: "m"), .textDelta("x"), .finished(.stop), .ended]
    private let length: Duration
    private let time: ManualTime

    init(_ length: Duration, _ time: ManualTime) { (self.length, self.time) = (length, time) }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        guard !left.isEmpty else { return nil }
        // Behind the text, before the end.
        if left.count == 2, length > .zero { try await time.sleep(until: time.now + length) }
        return left.removeFirst()
    }
}

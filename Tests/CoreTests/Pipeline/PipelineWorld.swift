import PolluxTesting
import Synchronization

@testable import PolluxCore

/// A provider that answers by script: one entry per attempt, the last one for all further attempts.
final class ScriptedProvider: Provider {
    static let kind: PluginKind = "scripted"

    enum Attempt: Sendable {
        case answers([ModelEvent])
        /// Events, then an error while they are pulled.
        case breaks([ModelEvent], GatewayError)
        case refuses(GatewayError)
        /// Waits until the task is cancelled.
        case hangs
    }

    private let name: String
    private let left: Mutex<[Attempt]>
    private let journal: Journal
    private let refused: GatewayError?
    private let quotaClass: QuotaClass

    init(
        _ name: String, _ attempts: [Attempt], journal: Journal, refusal: GatewayError? = nil,
        quotaClass: QuotaClass = .text
    ) {
        (self.name, self.journal, refused, self.quotaClass) = (name, journal, refusal, quotaClass)
        left = Mutex(attempts)
    }

    init(settings: NoKeys, context: ProviderContext) throws(GatewayError) {
        (name, journal, refused, quotaClass) = (context.name, Journal(), nil, .text)
        left = Mutex([])
    }

    struct NoKeys: SettingsReadable { init(reading map: inout SettingsMap) {} }

    func refusal(of request: ModelRequest) -> GatewayError? { refused }
    func quotaClass(of request: ModelRequest) -> QuotaClass { quotaClass }

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        journal.note("\(name)/\(lease.credential.accountID) \(request.resolvedModel)")
        let attempt = left.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? .hangs }
        switch attempt {
        case .answers(let events): return EventStream(Script(events: events[...]))
        case .breaks(let events, let error): return EventStream(Script(events: events[...], error: error))
        case .refuses(let error): throw error
        case .hangs:
            try await Gate().pass()
            throw .cancelled
        }
    }

    private struct Script: EventSource {
        var events: ArraySlice<ModelEvent>
        var error: GatewayError?
        mutating func next() async throws(GatewayError) -> ModelEvent? {
            if let event = events.popFirst() { return event }
            if let error { throw error }
            return nil
        }
    }
}

/// What happened, in order.
final class Journal: Sendable {
    private let lines = Mutex<[String]>([])
    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var entries: [String] { lines.withLock { $0 } }
}

/// Commits with the first content, like a stream to a client.
final class CommittingSink: AnswerSink {
    private(set) var isCommitted = false
    private(set) var taken: [ModelEvent] = []
    private(set) var attempts: [Int] = []
    func begin(_ target: RouteTarget, attempt: Int) { attempts.append(attempt) }
    func upstreamAccepted() {}
    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) {
        taken.append(event)
        if event.isContent { isCommitted = true }
    }
}

/// A pipeline over scripted providers, each with accounts of its own, all offering the model `m`.
struct PipelineWorld {
    let time = ManualTime()
    let journal = Journal()
    var upstreams: [Upstream] = []
    var retry = RetryPolicy()
    var queue = QueueRules(maxWait: .zero)
    var affinity: Affinity?
    var routes: [ModelRoute] = []

    static let good: [ModelEvent] = [
        .started(responseID: "r", model: "m"), .textDelta("hello"), .finished(.stop), .ended,
    ]

    mutating func add(
        _ name: String, accounts: [String] = ["a"], _ attempts: [ScriptedProvider.Attempt],
        refusal: GatewayError? = nil, quotaClass: QuotaClass = .text,
        strategy: AccountPoolState.Strategy = .fillFirst, suspends: Bool = true
    ) {
        var rules = AccountPoolState.Rules(strategy: strategy)
        if !suspends { (rules.breaker, rules.endpoint) = (.never, .never) }
        let pool = AccountPool(rules, name: name, random: NoJitter(), time: time)
        pool.update(source: "test", accounts.map { Credential(accountID: $0, values: [:]) }) { _ in nil }
        let provider = ScriptedProvider(name, attempts, journal: journal, refusal: refusal, quotaClass: quotaClass)
        upstreams.append(Upstream(name: name, kind: "scripted", provider: provider, pool: pool, retry: retry))
    }

    var pipeline: Pipeline {
        let models = [ModelInfo(id: "m", owner: "test")]
        return Pipeline(
            router: Router(routes: routes), catalog: ModelCatalog(providers: upstreams.map { ($0.name, models) }),
            upstreams: upstreams, retry: retry, queue: queue, affinity: affinity, time: time,
            random: SeededRandom(seed: 7))
    }

    /// A request beside the test, for what must happen while it runs.
    func start() -> Task<Result<AttemptRecord, GatewayError>, Never> { Task { await run() } }

    func run(
        into sink: any AnswerSink = WholeAnswerSink(), change: (inout ModelRequest) -> Void = { _ in }
    ) async -> Result<AttemptRecord, GatewayError> {
        var request = ModelRequest(id: "req_1", model: "m")
        change(&request)
        do { return .success(try await pipeline.generate(request, into: sink, log: .silent)) } catch {
            return .failure(error)
        }
    }

    /// With the record of a request that failed as well.
    func outcome(
        into sink: any AnswerSink = WholeAnswerSink(), change: (inout ModelRequest) -> Void = { _ in }
    ) async -> Pipeline.Outcome {
        var request = ModelRequest(id: "req_1", model: "m")
        change(&request)
        return await pipeline.run(request, into: sink, log: .silent)
    }
}

import PolluxCore
import Synchronization

/// Everything that is counted about the gateway. Outlives a reload: counters never go back.
///
/// Labels come from fixed sets: frontends, providers and models by their names in settings and lists, codes, reasons,
/// states. No e-mail address, account name, key or path is among them (requirement L-7).
final class GatewayMetrics: Sendable {
    let budget: SeriesBudget
    let startedAt: WallTime

    // Of clients.
    let requests: CounterFamily
    let modelRequests: CounterFamily
    let brokenAnswers: CounterFamily
    let durations: HistogramFamily
    let overhead: HistogramFamily
    let queueWaits: HistogramFamily
    let refusals: CounterFamily
    // Of upstreams.
    let attempts: CounterFamily
    let failures: CounterFamily
    let firstBytes: HistogramFamily
    let transitions: CounterFamily
    let endpointTransitions: CounterFamily
    let fetches: CounterFamily
    // Of the process.
    let loopLag: HistogramFamily
    let notifications: CounterFamily

    private let hooks = Mutex(Hooks())

    private struct Hooks {
        var connections: (@Sendable () -> Int)?
        var store: (@Sendable () -> StoreFigures)?
    }

    /// What may be shown at a look beside what is counted here; taken from the budget once.
    private static let fixedGauges = 48

    init(startedAt: WallTime, limit: Int = 2000) {
        let budget = SeriesBudget(limit: limit)
        (self.budget, self.startedAt) = (budget, startedAt)
        _ = budget.take(Self.fixedGauges)
        requests = CounterFamily(
            "pollux_requests_total", rows: "frontend", columns: .of("code", StatusCode.labels), budget: budget,
            help: "Requests by the format they came in and the HTTP status of the answer; 499: the client went away.")
        modelRequests = CounterFamily(
            "pollux_model_requests_total", rows: "model", columns: .of("result", RequestResult.labels), budget: budget,
            help: "Requests for an answer, by the client's name of the model.")
        brokenAnswers = CounterFamily(
            "pollux_broken_answers_total", columns: .of("reason", FailureClass.labels), budget: budget,
            help: "Streamed answers that had begun with status 200 and ended in an error.")
        durations = HistogramFamily(
            "pollux_request_duration_seconds", rows: "frontend", bounds: Self.long, budget: budget,
            help: "From a request's arrival to the end of its answer.")
        overhead = HistogramFamily(
            "pollux_request_overhead_seconds", bounds: Self.short, budget: budget,
            help: "The gateway's own share before the first attempt: neither the client's body nor the queue.")
        queueWaits = HistogramFamily(
            "pollux_queue_wait_seconds", bounds: Self.long, budget: budget,
            help: "How long requests for an answer stood in line for an account; most of them not at all.")
        refusals = CounterFamily(
            "pollux_limiter_refusals_total", columns: .of("layer", RateLimitLayer.allCases.map(\.rawValue)),
            budget: budget, help: "Requests refused by a rate limit of this gateway, by the layer that refused.")
        attempts = CounterFamily(
            "pollux_upstream_attempts_total", rows: "provider", columns: .of("result", AttemptResult.labels),
            budget: budget, help: "Attempts to get an answer from an upstream; retries count each.")
        failures = CounterFamily(
            "pollux_upstream_failures_total", rows: "provider", columns: .of("class", FailureClass.labels),
            budget: budget, help: "Failed attempts by what went wrong.")
        firstBytes = HistogramFamily(
            "pollux_upstream_first_byte_seconds", rows: "provider", bounds: Self.long, budget: budget,
            help: "From the beginning of an attempt to its first content.")
        transitions = CounterFamily(
            "pollux_account_transitions_total", rows: "provider",
            columns: .of("state", AccountState.allCases.map(\.rawValue)), budget: budget,
            help: "Changes of accounts into a state.")
        endpointTransitions = CounterFamily(
            "pollux_endpoint_transitions_total", rows: "provider",
            columns: .of("state", Self.endpointStates.map(\.rawValue)), budget: budget,
            help: "Changes of a provider's endpoint, or of a proxy, into a state that holds for all accounts behind it."
        )
        fetches = CounterFamily(
            "pollux_untrusted_fetch_total", columns: .of("result", FetchResult.allCases.map(\.rawValue)),
            budget: budget, help: "Fetches of URLs that clients named, by how they ended.")
        loopLag = HistogramFamily(
            "pollux_event_loop_lag_seconds", bounds: Self.short, budget: budget,
            help: "How late a timer fires that each event loop sets once a second.")
        notifications = CounterFamily(
            "pollux_notifications_total",
            columns: NotificationResult.columns, budget: budget,
            help: "Messages to the operator, by the kind of channel; dropped ones never got their turn.")
    }

    private static let long: [Duration] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000]
        .map { .milliseconds($0) }
    private static let short: [Duration] = [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 1_000_000]
        .map { .microseconds($0) }

    // MARK: Hooks for parts of the gateway

    /// A rate limit of the gateway's own refused a request.
    func limiterRefused(_ layer: RateLimitLayer) {
        refusals.add(column: RateLimitLayer.allCases.firstIndex(of: layer) ?? 0)
    }

    /// A URL of a request was fetched, or was not.
    func fetched(_ result: FetchResult) {
        fetches.add(column: FetchResult.allCases.firstIndex(of: result) ?? 0)
    }

    /// The states that an endpoint or a proxy can be in.
    private static let endpointStates: [AccountState] = [.ready, .cooling, .suspended]

    /// An account, or what stands before all of a provider's accounts, has changed its state. A model that rests is no
    /// state of the account.
    func happened(_ transition: AccountTransition) {
        guard transition.model.isEmpty else { return }
        let (isOfAccount, state) = (!transition.accountID.isEmpty, transition.to)
        let (family, states) =
            isOfAccount ? (transitions, AccountState.allCases) : (endpointTransitions, Self.endpointStates)
        guard let column = states.firstIndex(of: state) else { return }
        family.add(row: family.row(transition.provider), column: column)
    }

    /// - Parameter count: Asked whenever somebody looks at the metrics; must not block.
    func watchConnections(_ count: @escaping @Sendable () -> Int) { hooks.withLock { $0.connections = count } }

    /// - Parameter figures: Asked whenever somebody looks at the metrics; must not block.
    func watchStore(_ figures: @escaping @Sendable () -> StoreFigures) { hooks.withLock { $0.store = figures } }

    var openConnections: Int? { hooks.withLock { $0.connections }?() }
    var storeFigures: StoreFigures? { hooks.withLock { $0.store }?() }
}

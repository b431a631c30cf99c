/// The journey of one request: route, lease, attempt, relay. Knows protocols only.
public struct Pipeline: Sendable {
    private let router: Router
    private let catalog: ModelCatalog
    private let upstreams: [String: Upstream]
    private let retry: RetryPolicy
    private let queue: QueueRules
    private let time: any TimeSource
    private let random: any RandomSource

    public init(
        router: Router, catalog: ModelCatalog, upstreams: [Upstream], retry: RetryPolicy, queue: QueueRules,
        time: any TimeSource, random: any RandomSource
    ) {
        (self.router, self.catalog, self.retry, self.queue) = (router, catalog, retry, queue)
        (self.time, self.random) = (time, random)
        self.upstreams = Dictionary(upstreams.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Every model that clients may name.
    public var models: [ModelInfo] { router.models(in: catalog.snapshot) }

    /// What a client may know about a name that it may use; `nil` for a name that nobody is known to serve.
    public func model(named id: String) -> ModelInfo? { router.model(named: id, in: catalog.snapshot) }

    /// Where a name of `models` leads, in the order in which it is tried; empty for a name that nobody serves.
    public func targets(for model: String) -> [RouteTarget] {
        do { return try router.targets(for: model, in: catalog.snapshot) } catch { return [] }
    }

    /// The error for a name that nobody serves, with the nearest one.
    public func unknownModel(_ name: String) -> GatewayError { router.unknown(name, in: catalog.snapshot) }

    /// Runs attempts until one answers, one commits, or nothing is left to try.
    ///
    /// - Throws: The error for the client. When `sink.isCommitted` it must end the stream, else it is the answer.
    public func generate(
        _ request: ModelRequest, into sink: any AnswerSink, log: Logger
    ) async throws(GatewayError) -> AttemptRecord {
        var journey = Journey(candidates: try candidates(for: request), maxAttempts: 1 + retry.maxRetries)
        var record = AttemptRecord()
        while let leased = try await nextLease(&journey, request) {
            if let pause = leased.pause(retry, journey.attempts, random) {
                try await time.sleep(until: time.now + pause)
            }
            guard hasTime(for: request, after: journey.lastFailure),
                leased.upstream.mayAttempt(after: journey.lastFailure)
            else {
                leased.lease.release(after: .cancelled)
                break
            }
            journey.attempts += 1
            record.note(leased, attempts: journey.attempts)
            sink.begin(leased.target, attempt: journey.attempts)
            do {
                try await relay(request, leased, into: sink)
                leased.lease.release(after: nil)
                return record
            } catch {
                leased.lease.release(after: error)
                log.info("attempt failed", attemptFields(leased, journey.attempts, error))
                if sink.isCommitted { throw error }
                journey.fail(leased, error, retry.decision(after: error))
            }
        }
        throw journey.finalError(for: request)
    }

    /// A retry needs more than a second, else its answer comes when nobody waits any more (T-3).
    private func hasTime(for request: ModelRequest, after failure: GatewayError?) -> Bool {
        guard failure != nil, let deadline = request.deadline else { return true }
        return deadline - time.now > .seconds(1)
    }

    private func nextLease(
        _ journey: inout Journey, _ request: ModelRequest
    ) async throws(GatewayError) -> LeasedCandidate? {
        if let leased = journey.nextLease(for: request) { return leased }
        return try await journey.waitForLease(for: request, queue, now: time.now)
    }

    /// The upstreams that may serve a request, in order, less those that cannot honour it.
    private func candidates(for request: ModelRequest) throws(GatewayError) -> [Candidate] {
        let targets = try router.targets(for: request.model, needs: request.needs, in: catalog.snapshot)
        var refusal: GatewayError?
        var candidates: [Candidate] = []
        for target in targets {
            guard let upstream = upstreams[target.provider] else { continue }
            if let error = upstream.provider.refusal(of: request) {
                refusal = refusal ?? error
            } else {
                candidates.append(Candidate(upstream: upstream, target: target))
            }
        }
        if candidates.isEmpty, let refusal { throw refusal }
        return candidates
    }

    /// Passes one attempt's events on, and judges whether they were an answer.
    private func relay(
        _ request: ModelRequest, _ leased: LeasedCandidate, into sink: any AnswerSink
    ) async throws(GatewayError) {
        var request = request
        request.resolvedModel = leased.target.model
        var stream = try await leased.upstream.provider.generate(request, on: leased.lease)
        if request.output != .text { stream = EventStream(UnfencedAnswer(stream)) }
        sink.upstreamAccepted()
        var verdict = AnswerVerdict()
        while let event = try await stream.next() {
            if event == .ended {
                try verdict.judge()
                try await sink.take(event, more: false)
                return
            }
            verdict.note(event)
            try await sink.take(event, more: stream.isReady)
        }
        throw GatewayError(.upstreamTruncated, .endpoint, "the upstream's answer broke off; try again")
    }

    private func attemptFields(_ leased: LeasedCandidate, _ attempt: Int, _ error: GatewayError) -> [LogField] {
        [
            LogField("provider", leased.target.provider), LogField("account", leased.lease.accountID),
            LogField("attempt", attempt), LogField("error", error.kind.rawValue), LogField("message", error.message),
            LogField("detail", error.detail), LogField("upstream_status", error.upstreamStatus ?? 0),
        ]
    }
}

/// What became of a request, for logs and headers.
public struct AttemptRecord: Sendable, Equatable {
    public var provider = ""
    public var accountID = ""
    public var model = ""
    public var attempts = 0

    mutating func note(_ leased: LeasedCandidate, attempts: Int) {
        (provider, accountID) = (leased.target.provider, leased.lease.accountID)
        (model, self.attempts) = (leased.target.model, attempts)
    }
}

extension ModelRequest {
    /// What a target must be able to do to honour this request whole.
    public var needs: ModelInfo.Capabilities {
        var needs: ModelInfo.Capabilities = []
        if !tools.isEmpty { needs.insert(.tools) }
        if output != .text { needs.insert(.structuredOutput) }
        if candidateCount > 1 { needs.insert(.severalCandidates) }
        if modalities.contains(.image) { needs.insert(.imageOutput) }
        if turns.contains(where: { $0.parts.contains(where: \.isMedia) }) { needs.insert(.mediaInput) }
        return needs
    }
}

extension Part {
    public var isMedia: Bool {
        if case .media = content { return true }
        return false
    }
}

/// The journey of one request: route, lease, attempt, relay. Knows protocols only.
public struct Pipeline: Sendable {
    let router: Router
    let catalog: ModelCatalog
    let upstreams: [String: Upstream]
    let retry: RetryPolicy
    private let queue: QueueRules
    let affinity: Affinity?
    private let limits: (any AccountLimiting)?
    let time: any TimeSource
    private let random: any RandomSource

    /// - Parameters:
    ///   - affinity: Remembers which account a conversation had last; `nil` remembers nothing.
    ///   - limits: The gateway's own limits on accounts; `nil` has none.
    public init(
        router: Router, catalog: ModelCatalog, upstreams: [Upstream], retry: RetryPolicy, queue: QueueRules,
        affinity: Affinity? = nil, limits: (any AccountLimiting)? = nil, time: any TimeSource,
        random: any RandomSource
    ) {
        (self.affinity, self.limits) = (affinity, limits)
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
        let outcome = await run(request, into: sink, log: log)
        if let error = outcome.error { throw error }
        return outcome.record
    }

    /// What became of a request: its attempts, and the error for the client if none answered.
    public struct Outcome: Sendable {
        public var record: AttemptRecord
        public var error: GatewayError?
    }

    /// The same as `generate`, for who wants to know the attempts of a request that failed as well.
    public func run(_ request: ModelRequest, into sink: any AnswerSink, log: Logger) async -> Outcome {
        var record = AttemptRecord()
        do throws(GatewayError) {
            try await attempt(request, into: sink, log, &record)
            return Outcome(record: record)
        } catch {
            return Outcome(record: record, error: error)
        }
    }

    private func attempt(
        _ request: ModelRequest, into sink: any AnswerSink, _ log: Logger, _ record: inout AttemptRecord
    ) async throws(GatewayError) {
        let candidates = try candidates(for: request)
        let threads = hasChoice(candidates) ? affinity?.threads(of: request) : nil
        var journey = Journey(
            candidates: candidates, favourite: threads.flatMap { affinity?.favourite(of: $0, now: time.now) },
            maxAttempts: 1 + retry.maxRetries)
        while let leased = try await nextLease(&journey, request, sink) {
            // A stream may have opened by itself during the pause (T-6).
            guard try await rest(before: leased, journey, record.attempts, request), !sink.isCommitted else {
                leased.lease.giveBack()
                break
            }
            guard await begin(&journey, leased) else { continue }
            record.begin(leased)
            leased.lease.begin(requestID: request.id, attempt: record.attempts)
            sink.begin(leased.target, attempt: record.attempts)
            do {
                try await relay(request, leased, into: sink)
                leased.lease.release(after: nil)
                if let threads { affinity?.remember(threads, leased.place, now: time.now) }
                return
            } catch {
                leased.lease.release(after: error, committed: sink.isCommitted)
                record.fail(error)
                log.info("attempt failed", attemptFields(leased, record.attempts, error))
                if sink.isCommitted { throw error }
                sink.attemptFailed()
                journey.fail(leased, error, retry.decision(after: error))
            }
        }
        throw journey.finalError()
    }

    /// Asks whatever may refuse the attempt once an account is in hand; refused, the account goes back.
    private func begin(_ journey: inout Journey, _ leased: LeasedCandidate) async -> Bool {
        guard journey.mayBegin(leased) else {
            leased.lease.giveBack()
            return false
        }
        // Moving on because of a limit of the gateway's own is no attempt.
        if case .refused(let wait, let message)? = await limits?.admit(leased) {
            leased.lease.giveBack(limitedFor: wait, message)
            return false
        }
        guard journey.begin(leased) else {
            leased.lease.giveBack()
            return false
        }
        return true
    }

    /// Whether there is more than one account that could serve these candidates: else affinity has nothing to decide.
    private func hasChoice(_ candidates: [Candidate]) -> Bool {
        candidates.count > 1 || candidates.contains { $0.upstream.pool.count > 1 }
    }

    /// Pauses before the same account is asked again; another one is tried at once (T-5).
    ///
    /// - Returns: False when too little time would be left. A retry needs more than a second, else its answer comes
    ///   when nobody waits any more (T-3).
    private func rest(
        before leased: LeasedCandidate, _ journey: Journey, _ attempts: Int, _ request: ModelRequest
    ) async throws(GatewayError) -> Bool {
        guard let failure = journey.lastFailure else { return true }
        var pause = Duration.zero
        if leased.isRepeat { pause = max(retry.pause(before: attempts, random: random), failure.retryAfter ?? .zero) }
        if let deadline = request.deadline, deadline - time.now <= pause + .seconds(1) { return false }
        if leased.isRepeat { try await time.sleep(until: time.now + pause) }
        return true
    }

    private func nextLease(
        _ journey: inout Journey, _ request: ModelRequest, _ sink: any AnswerSink
    ) async throws(GatewayError) -> LeasedCandidate? {
        if let leased = journey.nextLease() { return leased }
        sink.waits(true)
        defer { sink.waits(false) }
        return try await journey.waitForLease(
            queue, of: request.client.keyID, deadline: request.deadline, time: time)
    }

    /// The upstreams that may serve a request, in order, less those that cannot honour it.
    func candidates(for request: ModelRequest) throws(GatewayError) -> [Candidate] {
        let targets = try router.targets(for: request.model, needs: request.needs, in: catalog.snapshot)
        var refusal: GatewayError?
        var candidates: [Candidate] = []
        // What a provider cannot honour, and what a request costs, may depend on the model it leads to.
        var request = request
        for target in targets {
            guard let upstream = upstreams[target.provider] else { continue }
            if request.resolvedModel != target.model { request.resolvedModel = target.model }
            if let error = upstream.provider.refusal(of: request) {
                refusal = refusal ?? error
            } else {
                let quotaClass = upstream.provider.quotaClass(of: request)
                candidates.append(Candidate(upstream: upstream, target: target, quotaClass: quotaClass))
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
        do {
            try await relay(&stream, of: leased.lease, into: sink)
        } catch {
            var error = error
            // The upstream may have begun to draw or to film: asked again, it would do so twice (T-7).
            if leased.candidate.quotaClass != .text, error.leavesWorkRunning { error.isFinal = true }
            throw error
        }
    }

    private func relay(
        _ stream: inout EventStream, of lease: PoolLease, into sink: any AnswerSink
    ) async throws(GatewayError) {
        var verdict = AnswerVerdict()
        var hasBegun = false
        while let event = try await stream.next() {
            if event == .ended {
                try verdict.judge()
                try await sink.take(event, more: false)
                return
            }
            verdict.note(event)
            if !hasBegun, event.isContent {
                hasBegun = true
                lease.answers()
            }
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

extension AccountLimiting {
    fileprivate func admit(_ leased: LeasedCandidate) async -> AccountAllowance {
        await admit(
            account: leased.lease.accountID, of: leased.target.provider, for: leased.candidate.quotaClass)
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

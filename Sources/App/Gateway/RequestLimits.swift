import PolluxCore

/// The limits of one request: decided when it is known what is asked and where it leads, before anything is leased
/// settled when the upstream's answer has ended.
struct RequestLimits {
    let gateway: Gateway
    let worker: any TaskExecutor

    /// Charges the request. Its answer, refused or not, says where the limits stand.
    ///
    /// - Parameter isLarge: The request is too long to be measured on the loop.
    /// - Throws: `rateLimited` or `quotaExhausted`, which name the limit; `modelNotFound`, which charges nothing.
    func admit(_ visit: Visit, _ request: ModelRequest, isLarge: Bool) async throws(GatewayError) {
        let (limiter, key) = (gateway.limiter, visit.key?.limits)
        guard limiter.hasLimits(for: key) else { return }
        let targets = gateway.pipeline.targets(for: request.model)
        guard !targets.isEmpty else { throw gateway.pipeline.unknownModel(request.model) }
        let tokens = limiter.countsTokens(for: key) ? await reservation(request, isLarge) : TokenReservation()
        let model = limiter.countsModels(for: key) ? Self.counted(request.model, targets) : request.model
        let admission = try await limiter.admit(key: key, model: model, tokens: tokens)
        visit.limits = admission.decision
        if let refusal = admission.decision.refusal, let error = admission.decision.error {
            gateway.metrics.limiterRefused(refusal.layer)
            throw error
        }
        visit.admission = admission
    }

    /// `provider/model` is counted as that model: another spelling of a name is no way round its limit.
    private static func counted(_ model: String, _ targets: [RouteTarget]) -> String {
        guard targets.count == 1, model == "\(targets[0].provider)/\(targets[0].model)" else { return model }
        return targets[0].model
    }

    private func reservation(_ request: ModelRequest, _ isLarge: Bool) async -> TokenReservation {
        guard isLarge else { return TokenReservation(request) }
        return await withTaskExecutorPreference(worker) { await Self.measured(request) }
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func measured(_ request: ModelRequest) async -> TokenReservation { TokenReservation(request) }
}

extension Gateway {
    /// The names under which limits per model may have counted a request: clients' own, and those of upstreams, by
    /// which `provider/model` counts. Of a provider that takes any name, those that it has told.
    var countedModels: [String] {
        let offered = catalog.snapshot.flatMap { ($0.models ?? []).map(\.id) }
        return Set(pipeline.models.map(\.id) + offered).sorted()
    }
}

extension Visit {
    /// The upstream's answer has ended: what was reserved becomes what was spent, and a place among the requests at a
    /// time is free again, before the client has read the last byte.
    func settleLimits(_ meter: UsageMeter, wasDelivered: Bool) {
        guard let admission else { return }
        admission.settle(
            spent: meter.charge(prompt: admission.reservation.prompt, wasDelivered: wasDelivered))
    }
}

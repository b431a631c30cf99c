import PolluxCore
import PolluxTesting

/// An upstream that does what the weather says, and tells the referee.
final class SimulatedProvider: Provider {
    static let kind: PluginKind = "simulated"

    struct NoKeys: SettingsReadable { init(reading map: inout SettingsMap) {} }

    private let plan: WorldPlan.ProviderPlan
    private unowned let world: SimulatedWorld

    init(_ plan: WorldPlan.ProviderPlan, _ world: SimulatedWorld) { (self.plan, self.world) = (plan, world) }

    init(settings: NoKeys, context: ProviderContext) throws(GatewayError) {
        throw GatewayError(.internalError, .request, "a simulated provider is made by its world")
    }

    /// As a provider's check of a record: it sees the record alone.
    static func lacks(_ credential: Credential) -> String? { credential["key"] == nil ? "lacks a key" : nil }

    func problem(with credential: Credential) -> String? { Self.lacks(credential) }

    func quotaClass(of request: ModelRequest) -> QuotaClass { request.modalities.contains(.image) ? .images : .text }

    func refusal(of request: ModelRequest) -> GatewayError? {
        guard plan.refusesImages, request.modalities.contains(.image) else { return nil }
        return GatewayError(.unsupported, .request, "\(plan.name) makes no images")
    }

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        guard let visit = world.visit(request.id) else {
            throw GatewayError(.internalError, .request, "nobody knows \(request.id)")
        }
        let credential = lease.credential
        let script = Script(world.weather.deed(world.dice), attempt: visit.attempts.count + 1, world.dice)
        world.referee.attemptBegins(visit, plan.name, credential, script)
        let attempt = AttemptMark(visit, world.referee)
        try await world.simulation.time.sleep(until: world.simulation.time.now + script.delay)
        if let refusal = script.refusal {
            attempt.ends(.failed(refusal))
            throw refusal
        }
        if script.deed == .rotates { try await rotate(lease, visit) }
        return EventStream(ScriptedEvents(script, attempt, world.simulation.time))
    }

    private func rotate(_ lease: any AccountLease, _ visit: Visit) async throws(GatewayError) {
        var newest = lease.credential
        newest.values["key"] = Secret((newest["key"]?.reveal() ?? "?") + "r")
        world.referee.willRotate(plan.name, newest, visit)
        try await lease.rotate(to: newest)
    }
}

/// Stands for the transfer of one attempt: when nobody holds it any more, the transfer is over.
///
/// Unchecked: only jobs of one simulation touch it.
final class AttemptMark: @unchecked Sendable {
    private let visit: Visit
    private let referee: Referee
    private let number: Int

    init(_ visit: Visit, _ referee: Referee) {
        (self.visit, self.referee, number) = (visit, referee, visit.attempts.count)
    }

    func ends(_ how: Visit.Ending) { referee.attemptEnds(visit, number, how) }

    deinit { ends(.dropped) }
}

private struct ScriptedEvents: EventSource {
    let script: Script
    let attempt: AttemptMark
    let time: ManualTime
    var position = 0

    init(_ script: Script, _ attempt: AttemptMark, _ time: ManualTime) {
        (self.script, self.attempt, self.time) = (script, attempt, time)
    }

    var isReady: Bool { script.gap == .zero && position < script.events.count }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        guard position < script.events.count else {
            try await pause(script.stall)
            return try end()
        }
        try await pause(script.gap)
        let event = script.events[position]
        position += 1
        // The pipeline judges an answer at its end, in the same breath.
        if event == .ended, let verdict = script.verdict { fail(verdict) }
        return event
    }

    private func end() throws(GatewayError) -> ModelEvent? {
        if let failure = script.failure {
            attempt.ends(.failed(failure))
            throw failure
        }
        fail(script.verdict ?? .upstreamTruncated)
        return nil
    }

    private func fail(_ kind: GatewayError.Kind) {
        let message =
            kind == .upstreamTruncated
            ? "the upstream's answer broke off; try again" : "the upstream finished without an answer; try again"
        attempt.ends(.failed(GatewayError(kind, .endpoint, message)))
    }

    private func pause(_ duration: Duration) async throws(GatewayError) {
        if Task.isCancelled { throw .cancelled }
        if duration > .zero { try await time.sleep(until: time.now + duration) }
    }
}

import PolluxCore

/// Counts requests. Made for each gateway, so that the places of its providers and frontends are found once; what it
/// counts into outlives it.
final class RequestMeter: Sendable {
    private struct Frontend { let name: String; let requests: Int; let durations: Int }
    private struct Provider { let name: String; let attempts: Int; let failures: Int; let firstBytes: Int }

    private let metrics: GatewayMetrics
    private let frontends: [Frontend]
    private let providers: [Provider]
    /// Names under `models:`.
    private let models: Set<String>
    private let catalog: ModelCatalog

    init(
        _ metrics: GatewayMetrics, frontends: [String], providers: [String], models: Set<String>, catalog: ModelCatalog
    ) {
        (self.metrics, self.models, self.catalog) = (metrics, models, catalog)
        self.frontends = frontends.map {
            Frontend(name: $0, requests: metrics.requests.row($0), durations: metrics.durations.row($0))
        }
        self.providers = providers.map {
            Provider(
                name: $0, attempts: metrics.attempts.row($0), failures: metrics.failures.row($0),
                firstBytes: metrics.firstBytes.row($0))
        }
    }

    /// A request that has ended.
    func record(_ visit: Visit) {
        let kind = visit.frontend.map { type(of: $0).kind.name }
        let frontend = frontends.first { $0.name == kind }
        metrics.requests.add(row: frontend?.requests ?? 0, column: StatusCode.column(visit.status))
        if let total = visit.marks.total { metrics.durations.observe(total, row: frontend?.durations ?? 0) }
        if let broken = visit.brokenBy, visit.status == 200 {
            metrics.brokenAnswers.add(column: FailureClass.column(broken.kind))
        }
        guard visit.marks.admitted != nil else { return }
        metrics.queueWaits.observe(visit.marks.queued)
        if let overhead = visit.marks.overhead { metrics.overhead.observe(overhead) }
        let result = RequestResult(status: visit.status, isBroken: visit.brokenBy != nil)
        metrics.modelRequests.add(row: modelRow(visit.model), column: result.rawValue)
        record(visit.record, visit.marks)
    }

    private func record(_ record: AttemptRecord?, _ marks: VisitMarks) {
        guard let record else { return }
        for attempt in record.list {
            let provider = providers.first { $0.name == attempt.provider }
            metrics.attempts.add(row: provider?.attempts ?? 0, column: AttemptResult(attempt.failure).rawValue)
            if let failure = attempt.failure, failure != .cancelled {
                metrics.failures.add(row: provider?.failures ?? 0, column: FailureClass.column(failure))
            }
        }
        if let firstByte = marks.upstreamFirstByte {
            let provider = providers.first { $0.name == record.provider }
            metrics.firstBytes.observe(firstByte, row: provider?.firstBytes ?? 0)
        }
    }

    /// A request that never became one: a malformed head, too many connections.
    func recordRefusal(_ error: GatewayError) { metrics.requests.add(column: StatusCode.column(error.httpStatus)) }

    /// What clients may call a model is theirs to choose; only names that the operator or an upstream has given are
    /// shown.
    private func modelRow(_ name: String) -> Int {
        if models.contains(name) { return metrics.modelRequests.row(name) }
        let entries = catalog.snapshot
        if entries.contains(where: { $0.offers(name) }) { return metrics.modelRequests.row(name) }
        guard let slash = name.firstIndex(of: "/") else { return 0 }
        let rest = String(name[name.index(after: slash)...])
        return entries.contains { $0.offers(rest) } ? metrics.modelRequests.row(rest) : 0
    }
}

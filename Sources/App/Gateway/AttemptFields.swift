import PolluxCore

/// Where a request went, for the client's eyes: `x-pollux-provider`, `x-pollux-attempts`, `x-pollux-ignored`.
struct AttemptFields {
    private(set) var fields: [HTTPFields.Field] = []

    /// A client that sends every dial there is needs no header of any length.
    private static let maxIgnored = 32

    /// - Parameter ignored: Names come from plugins; what would not fit into a header is left out.
    init(provider: String, attempts: Int, ignored: [String]) {
        fields.append(.init(name: "x-pollux-provider", value: provider))
        fields.append(.init(name: "x-pollux-attempts", value: String(attempts)))
        let names = ignored.filter(Self.isName).prefix(Self.maxIgnored)
        guard !names.isEmpty else { return }
        fields.append(.init(name: "x-pollux-ignored", value: names.joined(separator: ", ")))
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C }
    }
}

/// Notes on a request's visit what the pipeline does for it, measures what its last attempt costs, and passes
/// everything on.
final class WatchedSink: AnswerSink {
    private let base: any AnswerSink
    private let visit: Visit
    private let request: ModelRequest
    private var hasContent = false
    private let estimates: Bool
    private(set) var meter: UsageMeter

    init(_ base: any AnswerSink, _ visit: Visit, _ request: ModelRequest) {
        (self.base, self.visit, self.request) = (base, visit, request)
        estimates = visit.admission?.countsTokens ?? false
        meter = UsageMeter(estimating: estimates)
    }

    var isCommitted: Bool { base.isCommitted }

    func waits(_ isWaiting: Bool) {
        visit.noteWait(isWaiting)
        base.waits(isWaiting)
    }

    func begin(_ target: RouteTarget, attempt: Int) {
        if attempt > 1 { meter = UsageMeter(estimating: estimates) }
        hasContent = false
        visit.noteAttempt(target, attempt, request)
        base.begin(target, attempt: attempt)
    }

    func upstreamAccepted() { base.upstreamAccepted() }
    func attemptFailed() { base.attemptFailed() }

    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) {
        meter.note(event)
        if !hasContent, event.isContent {
            hasContent = true
            visit.noteContent()
        }
        if case .usage(let usage) = event { visit.usage = usage }
        try await base.take(event, more: more)
    }
}

internal import PolluxCore

/// An answer that is held back until its text is the JSON that was asked for; the chat is asked once more if it is not.
///
/// Everything but text passes through as it comes. An answer that was cut or filtered, refuses, or calls functions
/// keeps its text as it is: its finish reason tells the client why.
struct StructuredSource: EventSource {
    /// Asks the same chat again.
    typealias Repair = @Sendable (_ prompt: String) async throws(GatewayError) -> any EventSource

    private var inner: any EventSource
    private var answer: StructuredAnswer
    private let repair: Repair
    private var text = ""
    private var hasOtherContent = false
    private var hasStarted = false
    private var pending: [ModelEvent] = []

    static let maxTextBytes = 8 << 20

    init(_ inner: any EventSource, _ answer: StructuredAnswer, repair: @escaping Repair) {
        (self.inner, self.answer, self.repair) = (inner, answer, repair)
    }

    var isReady: Bool { !pending.isEmpty || inner.isReady }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        while true {
            if let event = pending.popLast() { return event }
            guard let event = try await inner.next() else { return nil }
            switch event {
            case .started:
                // The repairing turn belongs to the answer that has begun already.
                if hasStarted { return .heartbeat }
                hasStarted = true
            case .textDelta(let delta) where !hasOtherContent:
                text += delta
                guard text.utf8.count <= Self.maxTextBytes else {
                    throw GatewayError(
                        .upstreamTooLarge, .request,
                        "the model's JSON is larger than \(Self.maxTextBytes >> 20) MiB; ask for less at once")
                }
                return .heartbeat
            case .toolCallStarted, .refusalDelta:
                hasOtherContent = true
                pending = [event]
                releaseText()
                continue
            case .finished(let reason):
                try await finish(reason)
                continue
            default: break
            }
            return event
        }
    }

    private mutating func finish(_ reason: FinishReason) async throws(GatewayError) {
        guard reason == .stop, !hasOtherContent else { return deliver(text, reason) }
        switch answer.judge(text) {
        case .valid(let json): deliver(json, reason)
        case .failed(let error): throw error
        case .repair(let prompt):
            text = ""
            inner = try await repair(prompt)
            pending = [.heartbeat]
        }
    }

    private mutating func deliver(_ text: String, _ reason: FinishReason) {
        self.text = text
        pending = [.finished(reason)]
        releaseText()
    }

    /// Hands out the text that was held, before what is pending.
    private mutating func releaseText() {
        if !text.isEmpty { pending.append(.textDelta(text)) }
        text = ""
    }
}

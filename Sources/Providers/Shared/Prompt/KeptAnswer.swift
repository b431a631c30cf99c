internal import PolluxCore

/// Passes an answer on, and at its end hands over what the client got of it: the parts under which its conversation is
/// known from now on.
struct KeptAnswer: EventSource {
    private var inner: any EventSource
    private let keep: @Sendable (_ parts: [Part]) -> Void
    private var text = ""
    private var calls: [ToolCall] = []

    /// - Parameter keep: Called once, just before `.ended` is passed on; not for an answer that breaks off.
    init(_ inner: any EventSource, keep: @escaping @Sendable (_ parts: [Part]) -> Void) {
        (self.inner, self.keep) = (inner, keep)
    }

    var isReady: Bool { inner.isReady }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        let event = try await inner.next()
        switch event {
        case .textDelta(let delta): text += delta
        case .toolCallStarted(_, let id, let name): calls.append(ToolCall(id: id, name: name, rawArguments: ""))
        case .toolCallArgumentsDelta(let index, let delta):
            if calls.indices.contains(index) { calls[index].rawArguments += delta }
        case .ended: keep((text.isEmpty ? [] : [.text(text)]) + calls.map { Part(.toolCall($0)) })
        default: break
        }
        return event
    }
}

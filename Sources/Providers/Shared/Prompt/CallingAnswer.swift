internal import PolluxCore
internal import PolluxCrypto

/// An answer whose blocks of calls have become calls.
///
/// Text before the first call is passed on as it comes, the calls at the end of the text, and the answer then finishes
/// with `.toolCalls`. Without functions on offer nothing is changed. For answers of one candidate.
struct CallingAnswer: EventSource {
    private var inner: any EventSource
    /// `nil` when there is nothing to look for.
    private var gate: CallGate?
    private var turnID: String
    /// Events to be handed out before the inner answer is asked again, last one first.
    private var pending: [ModelEvent] = []

    /// - Parameter request: Its id makes the ids of calls when the answer comes without one of its own.
    init(_ inner: any EventSource, to request: ModelRequest) {
        let offer = FunctionOffer(request)
        self.inner = inner
        gate = offer.isEmpty ? nil : CallGate(offer.parser)
        turnID = request.id
    }

    var isReady: Bool { !pending.isEmpty || inner.isReady }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        if let event = pending.popLast() { return event }
        guard let event = try await inner.next() else { return nil }
        guard gate != nil else { return event }
        switch event {
        case .started(let responseID, _):
            if !responseID.isEmpty { turnID = responseID }
            return event
        case .textDelta(let text): return try take(text)
        case .finished(let reason): return finish(with: reason)
        case .ended:
            // An answer that broke off shows what was text for certain; half a call is none.
            pending.append(event)
            let (text, _) = gate?.isClosed == true ? ("", []) : gate?.finish() ?? ("", [])
            return text.isEmpty ? pending.popLast() : .textDelta(text)
        default: return event
        }
    }

    private mutating func take(_ text: String) throws(GatewayError) -> ModelEvent {
        let clean = gate?.push(text) ?? text
        guard gate?.isOverfull != true else {
            throw GatewayError(
                .upstreamTooLarge, .request,
                "the model wrote a function call of more than \(CallGate.maxBlockBytes >> 20) MiB; ask for less at once"
            )
        }
        return clean.isEmpty ? .heartbeat : .textDelta(clean)
    }

    private mutating func finish(with reason: FinishReason) -> ModelEvent? {
        guard let (text, calls) = gate?.finish() else { return .finished(reason) }
        // A cut or filtered answer keeps its reason: a call may be missing.
        pending.append(.finished(!calls.isEmpty && reason == .stop ? .toolCalls : reason))
        for (index, call) in calls.enumerated().reversed() {
            pending.append(.toolCallArgumentsDelta(index: index, call.arguments))
            pending.append(
                .toolCallStarted(index: index, id: CallID.make(turn: turnID, index: index), name: call.name))
        }
        if !text.isEmpty { pending.append(.textDelta(text)) }
        return pending.popLast()
    }
}

/// Ids for calls of an upstream that knows none: the same for the same turn, different for every other.
enum CallID {
    /// - Parameter turn: The upstream's id of the answer.
    /// - Returns: `call_` and 24 hexadecimal digits.
    static func make(turn: String, index: Int) -> String {
        let digest = SHA256.hash(Array(turn.utf8) + [0] + Array(String(index).utf8))
        let digits = Array("0123456789abcdef".utf8)
        let hex = digest.prefix(12).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }
        return "call_" + String(decoding: hex, as: UTF8.self)
    }
}

import PolluxCore

/// One answer of Acme's chat, event by event.
struct AcmeChatDecoder: SSEAnswerDecoder {
    let model: String
    private var isStarted = false
    private var calls = 0

    init(model: String) { self.model = model }

    mutating func decode(_ event: SSEEvent, into events: inout [ModelEvent]) throws(GatewayError) {
        guard let data = try? JSON.parse(event.data, .upstream) else { throw unreadable(event) }
        if !isStarted { events.append(.started(responseID: "", model: model)) }
        isStarted = true
        switch event.type {
        case "text":
            guard let text = data["text"]?.string else { throw unreadable(event) }
            events.append(.textDelta(text))
        case "call":
            guard let id = data["id"]?.string, let name = data["function"]?.string else { throw unreadable(event) }
            events.append(.toolCallStarted(index: calls, id: id, name: name))
            calls += 1
        case "input":
            guard calls > 0, let json = data["json"]?.string else { throw unreadable(event) }
            events.append(.toolCallArgumentsDelta(index: calls - 1, json))
        case "end": events += end(data)
        // In the middle of an answer there is no status; the error's type tells as much.
        case "error": throw .upstream(inAnswer: UpstreamFailure(data) ?? UpstreamFailure())
        default: break  // What the upstream has thought of since.
        }
    }

    private func end(_ data: JSON) -> [ModelEvent] {
        let finish: FinishReason =
            switch data["why"]?.string {
            case "end": .stop
            case "length": .length
            case "calls": .toolCalls
            case "filter": .filtered("acme")
            case let other: .other(other ?? "none")
            }
        let usage = Usage(inputTokens: max(0, data["read"]?.int ?? 0), outputTokens: max(0, data["wrote"]?.int ?? 0))
        return [.usage(usage), .finished(finish), .ended]
    }

    private func unreadable(_ event: SSEEvent) -> GatewayError {
        GatewayError(
            .upstreamBadResponse, .endpoint, "the upstream's answer could not be read; try again",
            detail: String(decoding: event.data.prefix(512), as: UTF8.self))
    }
}

import PolluxCore

/// Turns the chunks of an answer in the OpenAI format into events. A whole answer is read as one chunk.
struct ChatAnswerDecoder {
    private let signatures: ClientSignatures
    private let random: any RandomSource
    private var hasStarted = false
    private var selected = 0
    private var choices: [ChatChoiceDecoder] = []
    private var usage: Usage?
    private var template: ChatChunkTemplate?

    init(signatures: ClientSignatures, random: any RandomSource) {
        (self.signatures, self.random) = (signatures, random)
    }

    // MARK: - Streams

    /// - Throws: The error that the event reports, or `upstreamBadResponse` when it cannot be understood.
    mutating func decode(_ event: SSEEvent, into events: inout [ModelEvent]) throws(GatewayError) {
        if event.data.isEmpty { return }
        if let template, let text = template.text(of: event.data) {
            if template.field == .content { choices[selected].noteText(text) }
            events.append(template.field == .content ? .textDelta(text) : .reasoningDelta(text))
            return
        }
        template = nil
        let chunk: JSON
        do {
            chunk = try JSON.parse(event.data, .upstream)
        } catch {
            throw badResponse("the upstream sent an event that is no JSON", "\(error)")
        }
        if event.type == "error" { throw .upstream(inAnswer: UpstreamFailure(chunk) ?? UpstreamFailure()) }
        let before = events.count
        try decode(chunk, isWhole: false, into: &events)
        if events.count == before + 1 {
            template = ChatChunkTemplate(learningFrom: event.data, event: events[before])
        }
        if events.count == before { events.append(.heartbeat) }
    }

    /// The stream has ended, with or without `[DONE]`.
    ///
    /// - Throws: `upstreamTruncated` when a finish reason is missing: it is never made up.
    mutating func end(into events: inout [ModelEvent]) throws(GatewayError) {
        guard hasStarted else {
            throw badResponse("the upstream sent no events", "the body holds no event with data")
        }
        guard !choices.isEmpty, choices.allSatisfy(\.isFinished) else {
            throw GatewayError(
                .upstreamTruncated, .endpoint, "the upstream's answer broke off; try again",
                detail: "the stream ended without a finish reason")
        }
        close(into: &events)
    }

    private func close(into events: inout [ModelEvent]) {
        if let usage { events.append(.usage(usage)) }
        events.append(.ended)
    }

    // MARK: - Whole answers

    mutating func decode(whole body: [UInt8], into events: inout [ModelEvent]) throws(GatewayError) {
        let answer: JSON
        do {
            answer = try JSON.parse(body, .upstream)
        } catch {
            throw badResponse("the upstream's answer is no valid JSON", "\(error)")
        }
        try decode(answer, isWhole: true, into: &events)
        guard !choices.isEmpty else {
            throw badResponse("the upstream's answer holds no choices", String(answer.text.prefix(512)))
        }
        // The body was complete, so a reason that is missing was only left out.
        for index in choices.indices where !choices[index].isFinished {
            select(index, into: &events)
            events.append(.finished(.stop))
        }
        close(into: &events)
    }

    // MARK: - One chunk

    private mutating func decode(
        _ chunk: JSON, isWhole: Bool, into events: inout [ModelEvent]
    ) throws(GatewayError) {
        let chunk = isWhole ? chunk[0] ?? chunk : chunk
        guard case .object(let members) = chunk else {
            throw badResponse(
                "the upstream's answer has the wrong shape", "expected an object, found \(chunk.kindName)")
        }
        if let error = members["error"], !error.isNull {
            throw .upstream(inAnswer: UpstreamFailure(chunk) ?? UpstreamFailure())
        }
        if case .object(let figures)? = members["usage"] { usage = Usage(openAI: figures) }
        switch members["choices"] {
        case nil, .null?: return
        case .array(let list)?:
            if !hasStarted {
                hasStarted = true
                events.append(
                    .started(responseID: members["id"]?.string ?? "", model: members["model"]?.string ?? ""))
            }
            for choice in list { try decode(choice: choice, isWhole: isWhole, into: &events) }
        case let other?:
            throw badResponse("the upstream's answer has the wrong shape", "choices is \(other.kindName)")
        }
    }

    private mutating func decode(
        choice: JSON, isWhole: Bool, into events: inout [ModelEvent]
    ) throws(GatewayError) {
        let index = choice["index"]?.int ?? 0
        guard case .object(let members) = choice, (0..<128).contains(index) else {
            throw badResponse("the upstream's answer has the wrong shape", "a choice is \(choice.kindName), \(index)")
        }
        select(index, into: &events)
        do {
            try choices[index].decode(members, isWhole: isWhole, into: &events)
        } catch {
            throw badResponse("the upstream's answer has the wrong shape", error.problem)
        }
    }

    private mutating func select(_ index: Int, into events: inout [ModelEvent]) {
        while choices.count <= index {
            choices.append(ChatChoiceDecoder(signatures: signatures, random: random))
        }
        guard index != selected else { return }
        selected = index
        events.append(.candidateSelected(index))
    }

    private func badResponse(_ message: String, _ detail: String) -> GatewayError {
        GatewayError(.upstreamBadResponse, .endpoint, "\(message); try again", detail: detail)
    }
}

extension Usage {
    /// - Parameter figures: `{prompt_tokens, completion_tokens, total_tokens, …details}`.
    init(openAI figures: JSONObject) {
        func count(_ value: JSON?) -> Int { max(0, value?.int ?? 0) }
        let completion = count(figures["completion_tokens"])
        let reasoning = count(figures["completion_tokens_details"]?["reasoning_tokens"])
        let prompt = count(figures["prompt_tokens"])
        // By the format the completion includes the thoughts; a server whose total says otherwise counts them apart.
        let isApart =
            reasoning > 0 && figures["total_tokens"]?.double == Double(prompt) + Double(completion) + Double(reasoning)
        self.init(inputTokens: prompt, outputTokens: isApart ? completion : max(0, completion - reasoning))
        reasoningTokens = isApart ? reasoning : min(reasoning, completion)
        cachedInputTokens = count(figures["prompt_tokens_details"]?["cached_tokens"])
    }
}

import PolluxCore

/// One answer in the two forms of the format: a whole object, or the events of a stream.
struct ChatForms {
    let question: ChatQuestion
    let answer: ChatAnswer
    let id: String
    /// Unix seconds.
    let created: Int

    /// `chat.completion`.
    var whole: JSON {
        .object(
            JSONObject([
                ("id", .string(id)), ("object", "chat.completion"), ("created", .number(JSONNumber(created))),
                ("model", .string(question.model)), ("system_fingerprint", "fp_simulated"),
                ("choices", .array((0..<question.choices).map(choice))), ("usage", usage),
            ]))
    }

    /// The events up to the text, the text's own, and those behind it.
    var events: (before: [JSON], text: [JSON], after: [JSON]) {
        let indices = 0..<question.choices
        var before = indices.map { chunk($0, ["role": "assistant", "content": ""]) }
        for piece in answer.reasoning {
            before += indices.map { chunk($0, ["reasoning_content": .string(piece)]) }
        }
        let text = answer.pieces.flatMap { piece in indices.map { chunk($0, ["content": .string(piece)]) } }
        var after = indices.flatMap(callChunks)
        if let finish = answer.finish { after += indices.map { chunk($0, [:], finish: finish) } }
        if question.includesUsage { after.append(envelope(choices: [], usage: usage)) }
        return (before, text, after)
    }

    /// One delta with this text, for answers that never end.
    func textChunk(_ text: String) -> JSON { chunk(0, ["content": .string(text)]) }

    private var usage: JSON {
        let total = answer.promptTokens + answer.completionTokens
        return [
            "prompt_tokens": .number(JSONNumber(answer.promptTokens)),
            "completion_tokens": .number(JSONNumber(answer.completionTokens)),
            "total_tokens": .number(JSONNumber(total)), "prompt_tokens_details": ["cached_tokens": 0],
            "completion_tokens_details": ["reasoning_tokens": .number(JSONNumber(answer.reasoningTokens))],
        ]
    }

    private func choice(_ index: Int) -> JSON {
        let hasText = answer.calls.isEmpty
        var message = JSONObject([
            ("role", "assistant"), ("content", hasText ? .string(answer.text) : .null), ("refusal", .null),
        ])
        if !answer.reasoning.isEmpty { message["reasoning_content"] = .string(answer.reasoning.joined()) }
        if !hasText {
            message["tool_calls"] = .array(
                answer.calls.map { call in
                    let function: JSON = ["name": .string(call.name), "arguments": .string(call.arguments)]
                    return ["id": .string(callID(call, index)), "type": "function", "function": function]
                })
        }
        return [
            "index": .number(JSONNumber(index)), "message": .object(message), "logprobs": .null,
            "finish_reason": answer.finish.map { .string($0) } ?? .null,
        ]
    }

    /// Id and name in a call's first delta only, then the arguments in pieces.
    private func callChunks(_ choice: Int) -> [JSON] {
        answer.calls.enumerated().flatMap { number, call in
            let index = JSON.number(JSONNumber(number))
            let first: JSON = [
                "index": index, "id": .string(callID(call, choice)), "type": "function",
                "function": ["name": .string(call.name), "arguments": ""],
            ]
            let rest = TextPieces.cut(call.arguments).map { piece -> JSON in
                ["index": index, "function": ["arguments": .string(piece)]]
            }
            return ([first] + rest).map { chunk(choice, ["tool_calls": [$0]]) }
        }
    }

    private func callID(_ call: ChatAnswer.Call, _ choice: Int) -> String {
        choice == 0 ? call.id : "\(call.id)-\(choice)"
    }

    private func chunk(_ index: Int, _ delta: JSON, finish: String? = nil) -> JSON {
        let choice: JSON = [
            "index": .number(JSONNumber(index)), "delta": delta, "logprobs": .null,
            "finish_reason": finish.map { .string($0) } ?? .null,
        ]
        return envelope(choices: [choice], usage: question.includesUsage ? .null : nil)
    }

    private func envelope(choices: JSON, usage: JSON?) -> JSON {
        var object = JSONObject([
            ("id", .string(id)), ("object", "chat.completion.chunk"), ("created", .number(JSONNumber(created))),
            ("model", .string(question.model)), ("system_fingerprint", "fp_simulated"), ("choices", choices),
        ])
        if let usage { object["usage"] = usage }
        return .object(object)
    }
}

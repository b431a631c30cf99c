import PolluxCore
import PolluxFrontends
import Testing

@Suite("Chat completions: the rules of a stream")
struct ChatStreamTests {
    /// The data of every `data:` line, `[DONE]` included.
    private func stream(
        _ events: [ModelEvent], failure: GatewayError? = nil, settings: OpenAIFrontendSettings = .init(),
        _ change: (inout ModelRequest) -> Void = { _ in }
    ) throws -> [String] {
        var request = ModelRequest(id: "r", model: "m")
        change(&request)
        var encoder = try OpenAIFrontend(settings: settings, context: FrontendContext(log: .silent))
            .makeEncoder(for: request, ChatRun.reply)
        var bytes: [UInt8] = []
        for event in events { encoder.encode(event, into: &bytes) }
        #expect(encoder.finish(after: failure, into: &bytes) == .clean)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasSuffix("\n\n"))
        return text.split(separator: "\n\n").map { line in
            #expect(line.hasPrefix("data: "))
            #expect(!line.contains("\n"))
            return String(line.dropFirst(6))
        }
    }

    private func chunks(_ lines: [String]) throws -> [JSON] {
        try lines.filter { $0 != "[DONE]" }.map { try JSON.parse(Array($0.utf8)) }
    }

    private func deltas(_ lines: [String]) throws -> [JSON] {
        try chunks(lines).compactMap { $0["choices"]?[0]?["delta"] }
    }

    private static let everything: [ModelEvent] = [
        .started(responseID: "u", model: "u"), .heartbeat, .reasoningDelta("r"), .textDelta("a"), .textDelta("b"),
        .toolCallStarted(index: 0, id: "call_a", name: "f"), .toolCallArgumentsDelta(index: 0, "{}"),
        .toolCallStarted(index: 1, id: "call_b", name: "g"), .toolCallArgumentsDelta(index: 1, "{"),
        .toolCallArgumentsDelta(index: 1, "}"), .usage(Usage(inputTokens: 1, outputTokens: 2)), .finished(.toolCalls),
        .ended,
    ]

    @Test("the role stands in the first delta of a choice and nowhere else (rule 1)")
    func role() throws {
        let deltas = try deltas(try stream(Self.everything))
        #expect(deltas.map { $0["role"] != nil } == [true] + Array(repeating: false, count: deltas.count - 1))
    }

    @Test("a call's id and name come once, and its index counts up (rule 2)")
    func calls() throws {
        let calls = try deltas(try stream(Self.everything)).compactMap { $0["tool_calls"]?[0] }
        #expect(calls.map { $0["index"]?.int } == [0, 0, 1, 1, 1])
        #expect(calls.map { $0["id"]?.string } == ["call_a", nil, "call_b", nil, nil])
        #expect(calls.map { $0["function"]?["name"]?.string } == ["f", nil, "g", nil, nil])
        #expect(calls.map { $0["function"]?["arguments"]?.string } == ["", "{}", "", "{", "}"])
    }

    @Test("id, created, model and object are equal in all chunks (rule 3)")
    func sameHead() throws {
        let chunks = try chunks(try stream(Self.everything) { $0.extensions["frontend.include_usage"] = true })
        for chunk in chunks {
            #expect(chunk["id"] == "chatcmpl-R1234567890123456789abcd")
            #expect(chunk["object"] == "chat.completion.chunk")
            #expect(chunk["created"] == 1_760_000_000)
            #expect(chunk["model"] == "m")
        }
    }

    @Test("one finish reason, in the last chunk of the choice, beside an empty delta (rule 4)")
    func finish() throws {
        let choices = try chunks(try stream(Self.everything)).compactMap { $0["choices"]?[0] }
        #expect(choices.dropLast().allSatisfy { $0["finish_reason"]?.isNull == true })
        #expect(choices.last?["finish_reason"] == "tool_calls")
        #expect(choices.last?["delta"] == [:])
    }

    @Test("usage comes only when asked for, and then last (rule 5)")
    func usage() throws {
        #expect(try chunks(try stream(Self.everything)).allSatisfy { $0["usage"] == nil && $0["choices"] != [] })
        let asked = try chunks(try stream(Self.everything) { $0.extensions["frontend.include_usage"] = true })
        #expect(asked.dropLast().allSatisfy { $0["usage"]?.isNull == true })
        #expect(asked.last?["choices"] == [])
        #expect(asked.last?["usage"]?["total_tokens"] == 3)
    }

    @Test("the end is [DONE], once (rule 6)")
    func done() throws {
        let lines = try stream(Self.everything)
        #expect(lines.last == "[DONE]")
        #expect(lines.count { $0 == "[DONE]" } == 1)
    }

    @Test("head and keep-alive suit event streams (rules 7 and 8)")
    func head() throws {
        let encoder = try OpenAIFrontend(settings: .init(), context: FrontendContext(log: .silent))
            .makeEncoder(for: ModelRequest(id: "r", model: "m"), ChatRun.reply)
        #expect(encoder.head.status == 200)
        #expect(encoder.head.fields["content-type"] == "text/event-stream; charset=utf-8")
        #expect(encoder.head.fields["cache-control"] == "no-cache")
        #expect(encoder.head.fields["x-accel-buffering"] == "no")
        #expect(String(decoding: encoder.keepAlive, as: UTF8.self) == ": keep-alive\n\n")
    }

    @Test("each piece of text is a chunk of its own (rule 11)")
    func pieces() throws {
        let content = try deltas(try stream(Self.everything)).compactMap { $0["content"]?.string }
        #expect(content == ["", "a", "b"])
    }

    @Test("an error ends the stream without a finish reason and without [DONE]")
    func error() throws {
        let failure = GatewayError(.upstreamReset, .endpoint, "the connection broke")
        let lines = try stream([.textDelta("a"), .finished(.stop)], failure: failure)
        #expect(!lines.contains("[DONE]"))
        let last = try JSON.parse(Array((lines.last ?? "").utf8))
        #expect(
            last == [
                "error": [
                    "message": "the connection broke", "type": "server_error", "param": nil, "code": "upstream_reset",
                ]
            ])
        #expect(try chunks(lines).allSatisfy { $0["choices"]?[0]?["finish_reason"]?.string == nil })
    }

    @Test("a blocked prompt is an error, and nothing follows it")
    func blocked() throws {
        let lines = try stream([.promptBlocked(reason: "SAFETY", message: "x"), .textDelta("a"), .ended])
        #expect(lines.count == 1)
        #expect(try chunks(lines).first?["error"]?["code"] == "content_filter")
    }

    @Test(
        "finish reasons by the table; calls win over 'stop'",
        arguments: [
            (.stop, false, "stop"), (.stop, true, "tool_calls"), (.length, true, "length"),
            (.length, false, "length"), (.toolCalls, true, "tool_calls"),
            (.filtered("SAFETY"), false, "content_filter"),
            (.malformedToolCall, false, "stop"), (.other("OTHER"), false, "stop"),
            (.other("OTHER"), true, "tool_calls"),
        ] as [(FinishReason, Bool, String)])
    func reasons(reason: FinishReason, hasCall: Bool, expected: String) throws {
        let events: [ModelEvent] =
            hasCall
            ? [.toolCallStarted(index: 0, id: "c", name: "f"), .finished(reason)]
            : [.textDelta("a"), .finished(reason)]
        let finish = try chunks(try stream(events)).last?["choices"]?[0]?["finish_reason"]
        #expect(finish?.string == expected)
        var reducer = ModelResponseReducer()
        for event in events { reducer.apply(event) }
        let answer = try OpenAIFrontend(settings: .init(), context: FrontendContext(log: .silent))
            .encode(reducer.response, for: ModelRequest(id: "r", model: "m"), ChatRun.reply)
        #expect(try JSON.parse(answer.body)["choices"]?[0]?["finish_reason"]?.string == expected)
    }

    @Test("calls without ids get unique ones, and calls without arguments an empty object")
    func missingParts() throws {
        let events: [ModelEvent] = [
            .toolCallStarted(index: 0, id: "", name: "f"), .toolCallStarted(index: 1, id: "", name: "g"),
            .candidateSelected(1), .toolCallStarted(index: 0, id: "", name: "h"), .finished(.stop),
        ]
        let calls = try deltas(try stream(events)).compactMap { $0["tool_calls"]?[0] }
        let ids = calls.compactMap { $0["id"]?.string }
        #expect(ids.count == 3)
        #expect(Set(ids).count == 3)
        #expect(ids.allSatisfy { $0.hasPrefix("call_") })
        #expect(calls.compactMap { $0["function"]?["arguments"]?.string } == ["", "{}", "", "", "{}", "{}"])
    }

    @Test("a candidate that nobody can have asked for is passed over")
    func strayCandidates() throws {
        let lines = try stream([
            .candidateSelected(-1), .textDelta("x"), .candidateSelected(128), .textDelta("y"), .finished(.stop),
            .signature([1]), .candidateSelected(0), .textDelta("a"), .finished(.stop),
        ])
        #expect(try deltas(lines).compactMap { $0["content"]?.string } == ["", "a"])
    }

    @Test("usage that comes from outside never overflows")
    func hugeUsage() throws {
        var usage = Usage(inputTokens: .max, outputTokens: .max)
        usage.reasoningTokens = .max
        let lines = try stream([.textDelta("a"), .usage(usage)]) { $0.extensions["frontend.include_usage"] = true }
        #expect(try chunks(lines).last?["usage"]?["completion_tokens"]?.int == .max)
    }
}

import PolluxCore
import PolluxTesting
import Testing

@Suite("Events of an upstream that speaks the OpenAI format")
struct ChatEventTests {
    @Test("text, thoughts, usage and the end come in the order of the stream")
    func plainStream() async throws {
        let upstream = ChatUpstream(
            .events(
                chunk(#"{"role":"assistant","content":""}"#), chunk(#"{"reasoning_content":"hm"}"#),
                chunk(#"{"content":"a"}"#), chunk(#"{"content":"b"}"#), chunk(#"{"content":"c"}"#), #"{"ping":1}"#,
                chunk("{}", finish: "length"),
                #"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14,"#
                    + #""prompt_tokens_details":{"cached_tokens":2},"#
                    + #""completion_tokens_details":{"reasoning_tokens":4}}}"#,
                "[DONE]"))
        var usage = Usage(inputTokens: 5, outputTokens: 5)
        (usage.cachedInputTokens, usage.reasoningTokens) = (2, 4)
        #expect(
            try await upstream.events() == [
                .started(responseID: "up-1", model: "u"), .reasoningDelta("hm"), .textDelta("a"), .textDelta("b"),
                .textDelta("c"), .heartbeat, .finished(.length), .heartbeat, .usage(usage), .ended,
            ])
    }

    @Test("what is decoded from one read is ready at once")
    func readiness() async throws {
        let body = [chunk(#"{"content":"a"}"#), chunk(#"{"content":"b"}"#)].map { "data: \($0)\n\n" }.joined()
        let rest = "data: \(chunk("{}", finish: "stop"))\n\n"
        let upstream = ChatUpstream(FakeResponse(pieces: [Array(body.utf8), Array(rest.utf8)]))
        var stream = try await upstream.start()
        #expect(!stream.isReady)
        _ = try await stream.next()
        #expect(stream.isReady)
        #expect(try await stream.next() == .textDelta("a"))
        #expect(stream.isReady)
        #expect(try await stream.next() == .textDelta("b"))
        #expect(!stream.isReady)
    }

    @Test(
        "a delta becomes these events",
        arguments: [
            (#"{"reasoning":"r"}"#, [.reasoningDelta("r")]),
            (#"{"reasoning":"r","reasoning_content":"r"}"#, [.reasoningDelta("r")]),
            (#"{"reasoning":"r","reasoning_content":""}"#, [.reasoningDelta("r")]),
            (#"{"content":null,"refusal":"no"}"#, [.refusalDelta("no")]),
            (#"{"content":"a","reasoning_content":"r"}"#, [.reasoningDelta("r"), .textDelta("a")]),
            (
                #"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},"#
                    + #"{"type":"text","text":"a"}]}"#, [.reasoningDelta("r"), .textDelta("a")]
            ),
            (
                #"{"content":"a","extra_content":{"google":{"thought_signature":"AQID"}}}"#,
                [.textDelta("a"), .signature([1, 2, 3])]
            ),
            (#"{"extra_content":{"google":{"thought_signature":"no base64!"}}}"#, []),
            (
                #"{"images":[{"image_url":{"url":"data:image/webp;base64,AQID"}},{"image_url":"https://i.test/1"}]}"#,
                [
                    .media(Media(.image, mimeType: "image/webp", .inline([1, 2, 3]))),
                    .media(Media(.image, mimeType: "", .url("https://i.test/1"))),
                ]
            ),
            (
                #"{"content":"日本 x","annotations":[{"type":"url_citation","url_citation":{"url":"u","title":"t","#
                    + #""start_index":1,"end_index":3}},{"type":"file_citation"}]}"#,
                [.textDelta("日本 x"), .citation(Citation(url: "u", title: "t", range: 3..<7))]
            ),
            (
                #"{"annotations":[{"url":"u","start_index":9,"end_index":-1}]}"#,
                [.citation(Citation(url: "u", title: "", range: 0..<0))]
            ),
            (
                #"{"function_call":{"name":"f","arguments":"{}"}}"#,
                [
                    .toolCallStarted(index: 0, id: "call_TAGIDIKUX21bqBtwlgtFsuSX", name: "f"),
                    .toolCallArgumentsDelta(index: 0, "{}"),
                ]
            ),
        ] as [(String, [ModelEvent])])
    func deltas(delta: String, expected: [ModelEvent]) async throws {
        let events = try await ChatUpstream(.events(chunk(delta), chunk("{}", finish: "stop"))).events()
        let inner = events.dropFirst().dropLast(2).map { event in
            // An id made here only has to look like one.
            if case .toolCallStarted(let index, let id, let name) = event, id.utf8.count == 29 {
                return ModelEvent.toolCallStarted(index: index, id: "call_TAGIDIKUX21bqBtwlgtFsuSX", name: name)
            }
            return event
        }
        #expect(inner == expected)
    }

    @Test(
        "finish reasons",
        arguments: [
            ("stop", .stop), ("length", .length), ("tool_calls", .toolCalls), ("function_call", .toolCalls),
            ("content_filter", .filtered("content_filter")), ("eos", .other("eos")),
        ] as [(String, FinishReason)])
    func finishReasons(reason: String, expected: FinishReason) async throws {
        let events = try await ChatUpstream(.events(chunk(#"{"content":"a"}"#, finish: reason))).events()
        #expect(events.contains(.finished(expected)))
    }

    @Test("a finish reason that is repeated counts once, an empty one not at all")
    func repeatedFinish() async throws {
        let events = try await ChatUpstream(
            .events(chunk(#"{"content":"a"}"#, finish: ""), chunk("{}", finish: "stop"), chunk("{}", finish: "stop"))
        ).events()
        #expect(events.filter { $0 == .finished(.stop) }.count == 1)
    }

    @Test("several choices are told apart")
    func choices() async throws {
        let events = try await ChatUpstream(
            .events(
                chunk(#"{"content":"a"}"#), chunk(#"{"content":"b"}"#, index: 1), chunk(#"{"content":"c"}"#, index: 1),
                chunk("{}", finish: "stop"), chunk("{}", finish: "length", index: 1))
        ).events()
        #expect(
            events == [
                .started(responseID: "up-1", model: "u"), .textDelta("a"), .candidateSelected(1), .textDelta("b"),
                .textDelta("c"), .candidateSelected(0), .finished(.stop), .candidateSelected(1), .finished(.length),
                .ended,
            ])
    }

    @Test("a whole answer gives the events of a stream; a missing finish reason was only left out")
    func wholeAnswer() async throws {
        let body = """
            {"id":"w","model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"a","tool_calls":[
              {"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},
              {"id":"2","type":"function","function":{"name":"g","arguments":{"x":1}}}]}}],
             "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
            """
        #expect(
            try await ChatUpstream(FakeResponse(text: body)).events() == [
                .started(responseID: "w", model: "u"), .textDelta("a"), .toolCallStarted(index: 0, id: "1", name: "f"),
                .toolCallArgumentsDelta(index: 0, "{}"), .toolCallStarted(index: 1, id: "2", name: "g"),
                .toolCallArgumentsDelta(index: 1, #"{"x":1}"#), .finished(.stop),
                .usage(Usage(inputTokens: 1, outputTokens: 2)), .ended,
            ])
    }

    @Test("a total that counts thoughts apart is believed; nonsense is not negative")
    func usage() async throws {
        func usage(_ figures: String) async throws -> Usage? {
            let events = try await ChatUpstream(
                .events(chunk(#"{"content":"a"}"#, finish: "stop"), #"{"choices":[],"usage":\#(figures)}"#)
            ).events()
            for case .usage(let usage) in events { return usage }
            return nil
        }
        let details = #""completion_tokens_details":{"reasoning_tokens":7}"#
        let apart = try await usage(#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":10,\#(details)}"#)
        #expect(apart?.outputTokens == 2)
        #expect(apart?.reasoningTokens == 7)
        let odd = try await usage(#"{"prompt_tokens":-1,"completion_tokens":2,\#(details)}"#)
        #expect(odd?.inputTokens == 0)
        #expect(odd?.totalTokens == 2)
        #expect(try await usage("null") == nil)
    }

    /// Writes the same text through random chunks of one shape: the fast path must not change a character.
    @Test("chunks recognised by their bytes give the same text as parsed ones", arguments: 0..<100)
    func templates(seed: Int) async throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "a", "日本", #"""#, "\\", "\n", #""content":"x""#, "é", " ", "}]}", "\u{2028}", "😀", "content", "[DONE]",
            "\u{0}",
        ]
        let shapes = [
            (#"{"content":"#, "}"), (#"{"content": "#, "}"), (#"{"reasoning_content":"#, "}"),
            (#"{"role":"assistant","content":"#, #","x":1}"#), (#"{"reasoning":"#, #","reasoning_content":null}"#),
            (#"{"content":"#, #","note":{"content":"no"}}"#),
        ]
        var data: [String] = []
        var expected: [ModelEvent] = []
        var shape = shapes[0]
        for _ in 0..<40 {
            if Int.random(in: 0..<6, using: &random) == 0 { shape = shapes.randomElement(using: &random) ?? shape }
            let count = Int.random(in: 1...3, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            data.append(chunk(shape.0 + JSON.string(text).text + shape.1))
            expected.append(shape.0.contains("reasoning") ? .reasoningDelta(text) : .textDelta(text))
        }
        data.append(chunk("{}", finish: "stop"))
        let body = data.map { "data: \($0)\n\n" }.joined()
        let events = try await ChatUpstream(FakeResponse(text: body)).events()
        #expect(Array(events.dropFirst().dropLast(2)) == expected)
    }
}

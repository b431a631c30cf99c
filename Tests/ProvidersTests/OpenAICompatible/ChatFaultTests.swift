import PolluxCore
import PolluxProviders
import PolluxTesting
import Testing

@Suite("Faults of an upstream that speaks the OpenAI format")
struct ChatFaultTests {
    private static let letter = chunk(#"{"content":"a"}"#)
    private static let lastLetter = chunk(#"{"content":"a"}"#, finish: "stop")

    @Test(
        "a status says what rests and what the client is told (F-16 to F-23)",
        arguments: [
            (302, .upstreamBadResponse, .endpoint, .none), (400, .upstreamRejected, .request, .none),
            (401, .upstreamAuth, .account, .rejectCredential), (402, .rateLimited, .accountClass, .cool),
            (403, .upstreamAuth, .account, .restrict), (404, .modelNotFound, .accountModel, .none),
            (405, .upstreamRejected, .request, .none), (408, .upstreamTimeout, .endpoint, .none),
            (413, .upstreamRejected, .request, .none), (422, .upstreamRejected, .request, .none),
            (429, .rateLimited, .accountClass, .cool), (500, .upstreamError, .endpoint, .none),
            (502, .upstreamError, .endpoint, .none), (503, .upstreamUnavailable, .endpoint, .none),
            (504, .upstreamTimeout, .endpoint, .none), (529, .upstreamUnavailable, .endpoint, .none),
            (599, .upstreamError, .endpoint, .none), (700, .upstreamBadResponse, .endpoint, .none),
        ] as [(Int, GatewayError.Kind, GatewayError.Scope, GatewayError.AccountEffect)])
    func statuses(
        status: Int, kind: GatewayError.Kind, scope: GatewayError.Scope, effect: GatewayError.AccountEffect
    ) async throws {
        let body = #"{"error":{"message":"host 10.1.2.3 says no","type":"x","code":"y"}}"#
        let upstream = ChatUpstream(FakeResponse(status, text: body))
        let error = try #require(try await upstream.failure().error)
        #expect(error.kind == kind)
        #expect(error.scope == scope)
        #expect(error.accountEffect == effect)
        #expect(error.upstreamStatus == status)
        #expect(error.detail.contains("10.1.2.3"))
        #expect(!error.message.contains("10.1.2.3"))
    }

    @Test(
        "reasons that a client can act on keep their own class",
        arguments: [
            (#"{"error":{"code":"context_length_exceeded","message":""}}"#, .contextTooLong),
            (#"{"error":{"message":"This model's maximum context length is 10"}}"#, .contextTooLong),
            (#"[{"error":{"message":"prompt is too long","status":"INVALID_ARGUMENT"}}]"#, .contextTooLong),
            (#"{"error":{"code":"content_filter"}}"#, .blocked), (#"{"error":"bad"}"#, .upstreamRejected),
            (#"{"detail":[{"msg":"x"}]}"#, .upstreamRejected), ("<html>", .upstreamRejected), ("", .upstreamRejected),
        ] as [(String, GatewayError.Kind)])
    func reasons(body: String, kind: GatewayError.Kind) async throws {
        let error = try await ChatUpstream(FakeResponse(400, text: body)).failure().error
        #expect(error?.kind == kind)
        #expect(error?.scope == .request)
    }

    @Test(
        "Retry-After is read as seconds, milliseconds or a date, within a second and a day",
        arguments: [
            ("retry-after", "7", .seconds(7)), ("retry-after", " 1.5 ", .milliseconds(1500)),
            ("retry-after", "0", .seconds(1)), ("retry-after", "999999", .seconds(86_400)),
            ("retry-after", "-1", nil), ("retry-after", "soon", nil), ("retry-after", "1e3", nil),
            ("retry-after", "inf", nil), ("retry-after", "", nil), ("retry-after", ".", nil),
            ("retry-after-ms", "2500", .milliseconds(2500)),
            ("retry-after", "Thu, 01 Jan 2026 00:01:30 GMT", .seconds(90)),
            ("retry-after", "Wed, 31 Dec 2025 23:59:59 GMT", .seconds(1)),
            ("retry-after", "Sun, 01 Mar 2026 00:00:00 GMT", .seconds(86_400)),
            ("retry-after", "Thu, 41 Jan 2026 00:01:30 GMT", nil),
            ("retry-after", "Thu, 01 Jan 2026 24:01:30 GMT", nil),
            ("retry-after", "Thu, 01 Foo 2026 00:01:30 GMT", nil), ("x", "7", nil),
        ] as [(String, String, Duration?)])
    func retryAfter(field: String, value: String, expected: Duration?) async throws {
        for status in [429, 503] {
            let upstream = ChatUpstream(FakeResponse(status, fields: HTTPFields([.init(name: field, value: value)])))
            #expect(try await upstream.failure().error?.retryAfter == expected)
        }
    }

    @Test(
        "an answer that is none is a bad response (F-9, F-10)",
        arguments: [
            "", "  \n", "<!doctype html><title>Sign in</title>", "Bad gateway", "{", #"{"choices":7}"#, "[1]",
            #"{"choices":[]}"#, "data: {oops\n\n", "data: [1]\n\n", #"data: {"choices":{}}\#n\#n"#,
            #"data: {"choices":[5]}\#n\#n"#, #"data: {"choices":[{"index":-1,"delta":{}}]}\#n\#n"#,
            #"data: {"choices":[{"index":128,"delta":{}}]}\#n\#n"#, #"data: {"choices":[{"delta":"x"}]}\#n\#n"#,
            #"data: {"choices":[{"delta":{"content":5}}]}\#n\#n"#,
            #"data: {"choices":[{"delta":{"tool_calls":{}}}]}\#n\#n"#,
            #"data: {"choices":[{"delta":{"tool_calls":[7]}}]}\#n\#n"#,
            #"data: {"choices":[{"delta":{"images":[{"image_url":{"url":"data:image/png;base64,*"}}]}}]}\#n\#n"#,
            #"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a"}]},"finish_reason":"stop"}]}\#n\#n"#,
            ": nothing but comments\n\n",
        ])
    func badAnswers(body: String) async throws {
        let error = try await ChatUpstream(FakeResponse(text: body)).failure().error
        #expect(error?.kind == .upstreamBadResponse)
        #expect(error?.scope == .endpoint)
    }

    @Test(
        "an error inside an answer is its own class where it can be told (F-11)",
        arguments: [
            (#"{"error":{"message":"x","type":"server_error"}}"#, .upstreamError),
            (#"{"error":{"message":"x","code":"rate_limit_exceeded"}}"#, .rateLimited),
            (#"{"error":{"message":"x","type":"insufficient_quota"}}"#, .rateLimited),
            (#"{"error":{"message":"x","code":401}}"#, .upstreamAuth),
            (#"{"error":{"message":"x","code":503}}"#, .upstreamUnavailable),
            (#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#, .upstreamUnavailable),
            (#"{"error":{"code":"context_length_exceeded"}}"#, .contextTooLong),
            (#"{"error":{"code":"content_filter"}}"#, .blocked), (#"{"error":"boom"}"#, .upstreamError),
            (#"{"error":7}"#, .upstreamError), (#"{"error":{}}"#, .upstreamError),
        ] as [(String, GatewayError.Kind)])
    func errorObjects(error: String, kind: GatewayError.Kind) async throws {
        #expect(try await ChatUpstream(FakeResponse(text: error)).failure().error?.kind == kind)
        let (events, inside) = try await ChatUpstream(.events(Self.letter, error)).failure()
        #expect(inside?.kind == kind)
        #expect(events.last == .textDelta("a"))
    }

    @Test("an event named error is one, whatever its shape")
    func errorEvent() async throws {
        let upstream = ChatUpstream(
            FakeResponse(text: #"event: error\#ndata: {"message":"slow down","code":429}\#n\#n"#))
        #expect(try await upstream.failure().error?.kind == .rateLimited)
        let odd = ChatUpstream(FakeResponse(text: #"event: error\#ndata: {"x":1}\#n\#n"#))
        #expect(try await odd.failure().error?.kind == .upstreamError)
    }

    @Test("a null error is none")
    func nullError() async throws {
        let last = #"{"error":null,"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#
        #expect(try await ChatUpstream(.events(last)).events().last == .ended)
    }

    @Test("an end without a finish reason is a truncation, with and without [DONE] (F-24)")
    func noFinishReason() async throws {
        for data in [[], ["[DONE]"]] {
            let body = ([Self.letter] + data).map { "data: \($0)\n\n" }.joined()
            let (events, error) = try await ChatUpstream(FakeResponse(text: body)).failure()
            #expect(events == [.started(responseID: "up-1", model: "u"), .textDelta("a")])
            #expect(error?.kind == .upstreamTruncated)
        }
        let oneOfTwo = ChatUpstream(
            .events(Self.letter, chunk("{}", index: 1), chunk("{}", finish: "stop"), "[DONE]"))
        #expect(try await oneOfTwo.failure().error?.kind == .upstreamTruncated)
    }

    @Test("an end inside an event is a truncation, unless the answer was complete (F-6, F-25)")
    func endInsideEvent() async throws {
        let begun = "data: \(Self.letter)\n\ndata: {\"choi"
        #expect(try await ChatUpstream(FakeResponse(text: begun)).failure().error?.kind == .upstreamTruncated)
        let complete = "data: \(Self.lastLetter)\n\ndata: [DONE]"
        #expect(try await ChatUpstream(FakeResponse(text: complete)).failure().error == nil)
    }

    @Test("a body that breaks off throws what the transport says, after the events so far (F-5, F-7)")
    func transportFailure() async throws {
        let body = Array("data: \(Self.letter)\n\n".utf8)
        let reset = GatewayError(.upstreamReset, .endpoint, "reset")
        let (events, error) = try await ChatUpstream(FakeResponse(pieces: [body], failure: reset)).failure()
        #expect(events.last == .textDelta("a"))
        #expect(error == reset)
    }

    @Test("a label does not decide what a body is")
    func wrongLabels() async throws {
        let events = "data: \(Self.lastLetter)\n\n"
        let json = #"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#
        for (body, label) in [
            (events, "application/json"), (json, "text/event-stream"), ("\u{FEFF} \(json)", "text/html"),
        ] {
            let upstream = ChatUpstream(FakeResponse(fields: ["content-type": label], text: body))
            #expect(try await upstream.events().contains(.textDelta("a")))
        }
    }

    @Test("an event may be large, up to the operator's limit (F-12)")
    func largeEvents() async throws {
        let text = String(repeating: "x", count: 20_000)
        var upstream = ChatUpstream(.events(chunk(#"{"content":"\#(text)"}"#, finish: "stop")))
        #expect(try await upstream.events().contains(.textDelta(text)))
        upstream = ChatUpstream(.events(chunk(#"{"content":"\#(text)"}"#, finish: "stop")))
        upstream.settings.maxEventBytes = 10_000
        #expect(try await upstream.failure().error?.kind == .upstreamTooLarge)
    }

    @Test("dropping the stream releases the body")
    func release() async throws {
        let upstream = ChatUpstream(.events(Self.letter, chunk("{}", finish: "stop")))
        var stream: EventStream? = try await upstream.start()
        _ = try await stream?.next()
        #expect(upstream.transport.openBodyCount == 1)
        stream = nil
        #expect(upstream.transport.openBodyCount == 0)
    }
}

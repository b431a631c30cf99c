import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: the answer's events")
struct BusinessAnswerTests {
    private typealias Outcome = (events: [ModelEvent], error: GatewayError?)

    private func run(
        _ pieces: [[UInt8]], failure: GatewayError? = nil,
        fetch: @escaping BusinessAnswer.FileFetch = { files, _ in files.map { $0.picture } }
    ) async -> Outcome {
        let http = FakeTransport([FakeResponse(pieces: pieces, failure: failure)])
        var events: [ModelEvent] = []
        do {
            let response = try await http.send(UpstreamRequest(.post, "https://upstream.example/"))
            let decoder = BusinessAnswerDecoder(inputTokens: 10, showsCode: true)
            var answer = BusinessAnswer(response.body, decoder: decoder, fetch: fetch)
            try await answer.begin(model: "m")
            while let event = try await answer.next() { events.append(event) }
            return (events, nil)
        } catch {
            return (events, error)
        }
    }

    private func run(_ text: String, failure: GatewayError? = nil) async -> Outcome {
        await run([Array(text.utf8)], failure: failure)
    }

    private func run(fixture name: String) async throws -> Outcome { await run([try BusinessFixture.answer(name)]) }

    private func text(_ text: String) -> JSON {
        ["state": "IN_PROGRESS", "replies": [["groundedContent": ["content": ["text": .string(text)]]]]]
    }

    @Test("thoughts, text, one finish, one usage, one end, in this order")
    func textAnswer() async throws {
        let found = try await run(fixture: "text")
        var usage = Usage(inputTokens: 10, outputTokens: 4)
        usage.reasoningTokens = 7
        usage.isEstimated = true
        #expect(
            found.events == [
                .started(responseID: "", model: "m"), .reasoningDelta("**Looking at the picture**\n\n"),
                .textDelta("A red "), .textDelta("square."), .finished(.stop), .usage(usage), .ended,
            ])
    }

    @Test(
        "a transcript cut at any byte, or sent byte by byte, gives the same events", arguments: BusinessFixture.answers)
    func cutAnywhere(name: String) async throws {
        let bytes = try BusinessFixture.answer(name)
        let whole = await run([bytes])
        #expect(whole.error == nil ? whole.events.endings == 1 : whole.events.endings == 0)
        for cut in 1..<bytes.count {
            let halves = await run([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(halves.events == whole.events)
            #expect(halves.error == whole.error)
        }
        let single = await run(bytes.map { [$0] })
        #expect(single.events == whole.events)
        #expect(single.error == whole.error)
    }

    @Test("separators, control characters and lone halves inside text survive, control marks do not")
    func unicode() async throws {
        let found = try await run(fixture: "unicode")
        #expect(
            found.events.text
                == "日本語 😀 a\u{2028}b\u{85}c 😀 \u{FFFD} tab:\t brace } quote \" slash \\ end <ctr")
    }

    @Test("citations point at bytes of the whole answer, without control marks, cut to what is there")
    func citations() async throws {
        let found = try await run(fixture: "citations")
        #expect(found.events.text == "Über Rot: A red square is a square.")
        #expect(
            found.events.citations == [
                Citation(url: "https://example.org/x", title: "X", range: 11..<23),
                Citation(url: "https://example.org/y", title: "example.org", range: 11..<23),
                Citation(url: "https://example.org/y", title: "example.org", range: 24..<36),
            ])
    }

    @Test("a refusal by policy is delivered as one, and ends the answer as filtered")
    func policy() async throws {
        let found = try await run(fixture: "policy")
        #expect(
            found.events.refusal
                == "The upstream's content policy refuses this request "
                + "(Prompt violated the filter for dangerous content)."
        )
        #expect(found.events.finish == .filtered("CUSTOMER_POLICY_VIOLATION"))
        #expect(found.events.last == .ended)
    }

    @Test("code that the model ran is shown in fences that its own backticks cannot close")
    func code() async throws {
        let found = try await run(fixture: "code")
        #expect(
            found.events.text
                == "Let me compute.\n````\nprint('```')\n````\n\n```\n42\n```\n\n```\nOUTCOME_FAILED\n```\n")
    }

    @Test("images that come inside the answer are delivered, data that cannot be decoded is passed over")
    func inlineImages() async throws {
        let found = try await run(fixture: "inline-images")
        let images = found.events.compactMap { if case .media(let media) = $0 { media } else { nil } }
        #expect(
            images == [
                Media(.image, mimeType: "image/png", .inline([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])),
                Media(.image, mimeType: "image/jpeg", .inline([0xFF, 0xD8, 0xFF])),
            ])
        #expect(found.events.finish == .stop)
    }

    @Test("files that the model made come behind the text, each once, out of the session that the answer names")
    func files() async throws {
        let found = try await run(fixture: "files")
        #expect(found.events.media.map(\.mimeType) == ["image/png"])
        #expect(found.events.suffix(3).first == .finished(.stop))
        let file = { (id: String) -> JSON in
            [
                "replies": [
                    ["groundedContent": ["content": ["file": ["fileId": .string(id), "mimeType": "image/webp"]]]]
                ]
            ]
        }
        let answers = [text("Here:"), file("2"), file("1"), file("2"), ["state": "SUCCEEDED"]]
        let stream =
            BusinessWorld.stream(answers).dropLast()
            + #",{"streamAssistResponse":{"sessionInfo":{"session":"late"}}}]"#
        let mixed = await run([Array(stream.utf8)]) { files, session in
            #expect(session == "")
            return files.map(\.picture)
        }
        #expect(mixed.events.text == "Here:")
        #expect(mixed.events.media.map(\.displayName) == ["2", "1"])
        #expect(mixed.events.finish == .stop)
        #expect(mixed.events.endings == 1)
    }

    @Test("the text before a file is not held back while the file is fetched")
    func textBeforeFiles() async throws {
        let file: JSON = ["replies": [["groundedContent": ["content": ["file": ["fileId": "1"]]]]]]
        let stream = BusinessWorld.stream([text("Here:"), file, ["state": "SUCCEEDED"]])
        let http = FakeTransport([FakeResponse(text: stream)])
        let response = try await http.send(UpstreamRequest(.post, "https://upstream.example/"))
        let decoder = BusinessAnswerDecoder(inputTokens: 10, showsCode: true)
        var answer = BusinessAnswer(response.body, decoder: decoder) { files, _ in files.map(\.picture) }
        try await answer.begin(model: "m")
        var events: [ModelEvent] = []
        while answer.isReady, let event = try await answer.next() { events.append(event) }
        #expect(events.text == "Here:")
        #expect(events.media.isEmpty)
        while let event = try await answer.next() { events.append(event) }
        #expect(events.media.count == 1)
        #expect(events.last == .ended)
        let isReady = answer.isReady
        #expect(isReady, "who asks on learns at once that there is nothing")
    }

    @Test("a file that cannot be had ends the answer with an error, behind the text that has come")
    func lostFile() async throws {
        let file: JSON = ["replies": [["groundedContent": ["content": ["file": ["fileId": "1"]]]]]]
        let lost = GatewayError(.upstreamError, .endpoint, "gone")
        let stream = BusinessWorld.stream([text("Here:"), file, ["state": "SUCCEEDED"]])
        let found = await run([Array(stream.utf8)]) { _, _ throws(GatewayError) in throw lost }
        #expect(found.events.text == "Here:")
        #expect(found.error == lost)
        #expect(found.events.endings == 0)
    }

    @Test(
        "an answer without text is a failure that may be tried elsewhere",
        arguments: [
            #"[{"streamAssistResponse":{"answer":{"state":"SUCCEEDED"}}}]"#,
            #"[{"streamAssistResponse":{"answer":{"state":"SUCCEEDED","replies":[{"groundedContent":{"content":"#
                + #"{"text":"hm","thought":true}}}]}}}]"#,
        ])
    func noText(stream: String) async {
        let found = await run(stream)
        #expect(found.error?.kind == .upstreamBadResponse)
        #expect(found.error?.scope == .endpoint)
        #expect(found.error?.accountEffect == GatewayError.AccountEffect.none)
    }

    @Test("failed, or skipped for no reason of policy, is an upstream's error", arguments: ["FAILED", "SKIPPED"])
    func noAnswer(state: String) async {
        let answer: JSON = [
            "state": .string(state), "assistSkippedReasons": ["NON_ASSIST_SEEKING_QUERY_IGNORED"],
        ]
        let found = await run(BusinessWorld.stream([answer]))
        #expect(found.error?.kind == .upstreamError)
        #expect(found.error?.scope == .endpoint)
    }

    @Test("an error inside the stream is an error of its own status; text before it is delivered first")
    func inBandError() async {
        let error = #"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"reason":"LLM_OVERLOADED"}]}}"#
        let first = await run("[\(error)]")
        #expect(first.error?.kind == .rateLimited)
        #expect(first.error?.retryAfter == .seconds(60))
        #expect(first.events.isEmpty)
        let later = await run(BusinessWorld.stream([text("Some text")]).dropLast() + ",\(error)]")
        #expect(later.events.text == "Some text")
        #expect(later.error?.kind == .rateLimited)
    }

    @Test(
        "a canonical name stands in for a missing code",
        arguments: [
            ("UNAUTHENTICATED", 401), ("PERMISSION_DENIED", 403), ("NOT_FOUND", 404), ("RESOURCE_EXHAUSTED", 429),
            ("UNAVAILABLE", 503), ("DEADLINE_EXCEEDED", 504), ("INVALID_ARGUMENT", 400), ("", 500),
        ])
    func canonicalNames(name: String, status: Int) async {
        let found = await run(#"[{"error":{"status":"\#(name)"}}]"#)
        #expect(found.error?.upstreamStatus == status)
    }

    @Test("a stream that breaks off after text delivers the text, then the break: never an invented end")
    func cutAfterText() async {
        let stream = BusinessWorld.stream([text("Half an ans<ctr")])
        let truncated = GatewayError(.upstreamTruncated, .endpoint, "cut")
        let cuts = [
            (stream, nil), (String(stream.dropLast()), nil), (String(stream.dropLast()) + ",{\"stream", nil),
            (String(stream.dropLast()) + ",{", truncated),
        ]
        for (text, failure) in cuts {
            let found = await run(text, failure: failure)
            #expect(found.error?.kind == .upstreamTruncated)
            #expect(found.events.text == "Half an ans<ctr")
            #expect(found.events.finish == nil)
            #expect(found.events.endings == 0)
        }
    }

    @Test(
        "a stream that breaks off before any text is truncated",
        arguments: [
            "[", "[]", #"[{"streamAssistResponse":{"answer":{"state":"IN_PROGRESS"}}}]"#, #"[{"streamAssist"#,
        ])
    func cutBeforeText(stream: String) async {
        let found = await run(stream)
        #expect(found.error?.kind == .upstreamTruncated)
        #expect(found.error?.scope == .endpoint)
    }

    @Test(
        "what is no answer in JSON is a bad response",
        arguments: [
            "", "<!doctype html><html><body>Sign in</body></html>", "<style>a{b:c}</style>", "[{\"a\":tru}]", "[1]",
            "[{\"a\":\"\u{1}\" \"b\"}]",
        ])
    func notJSON(stream: String) async {
        let found = await run(stream)
        #expect(found.error?.kind == .upstreamBadResponse)
    }

    @Test("a connection that fails throws its own error, also after text")
    func transportError() async {
        let reset = GatewayError(.upstreamReset, .endpoint, "reset")
        let found = await run(String(BusinessWorld.stream([text("abc")]).dropLast()), failure: reset)
        #expect(found.events.text == "abc")
        #expect(found.error == reset)
    }

    @Test("unknown members, elements and states are passed over as signs of life")
    func unknown() async {
        let strange =
            #"{"newThing":[1,{}]},{"streamAssistResponse":{"answer":{"replies":[{},{"groundedContent":{}}]}}},"#
        let found = await run("[" + strange + BusinessWorld.answer("ok").dropFirst())
        #expect(found.events.text == "ok")
        #expect(found.events.prefix(3) == [.started(responseID: "", model: "m"), .heartbeat, .heartbeat])
    }

    @Test("what follows the last state is not waited for")
    func afterTheEnd() async {
        let found = await run(
            BusinessWorld.answer("ok") + "garbage", failure: GatewayError(.upstreamReset, .endpoint, "reset"))
        #expect(found.error == nil)
        #expect(found.events.last == .ended)
    }
}

extension BusinessFileReference {
    fileprivate var picture: Media {
        Media(.image, mimeType: mimeType.isEmpty ? "image/png" : mimeType, .inline([1]), displayName: id)
    }
}

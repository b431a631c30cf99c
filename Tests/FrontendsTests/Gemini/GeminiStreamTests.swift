import PolluxCore
import PolluxFrontends
import Testing

@Suite("Streamed answers in the Gemini format")
struct GeminiStreamTests {
    private func encoder(_ config: String = "") throws -> any ResponseEncoder {
        let frontend = try GeminiDecoding.frontend()
        let request = IncomingRequest.gemini(
            #"{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{\#(config)}}"#,
            verb: "streamGenerateContent", query: [("alt", "sse")])
        guard case .generate(let call) = try frontend.decode(request) else {
            throw GatewayError(.internalError, .request, "no generation")
        }
        return frontend.makeEncoder(for: call, ChatRun.reply)
    }

    /// What each event wrote, and the end.
    private func writes(_ events: [ModelEvent], config: String = "") throws -> [[JSON]] {
        var encoder = try encoder(config)
        var writes: [[JSON]] = []
        for event in events {
            var bytes: [UInt8] = []
            encoder.encode(event, into: &bytes)
            writes.append(Self.events(bytes))
        }
        var bytes: [UInt8] = []
        #expect(encoder.finish(after: nil, into: &bytes) == .clean)
        return writes + [Self.events(bytes)]
    }

    private static func events(_ bytes: [UInt8]) -> [JSON] {
        ClientReader.go.read([String(decoding: bytes, as: UTF8.self)]).events
    }

    private static func parts(_ event: JSON?) -> JSON? { event?["candidates"]?[0]?["content"]?["parts"] }

    @Test("the bytes of a small stream, to the letter")
    func bytes() throws {
        var encoder = try encoder()
        var bytes: [UInt8] = []
        for event in [ModelEvent.started(responseID: "u", model: "m"), .textDelta("Hello"), .finished(.stop)] {
            encoder.encode(event, into: &bytes)
        }
        _ = encoder.finish(after: nil, into: &bytes)
        let id = #""modelVersion":"gemini-x","responseId":"R1234567890123456789abcd"}"# + "\n\n"
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"data: {"candidates":[{"content":{"parts":[{"text":"Hell"}],"role":"model"},"index":0}],"# + id
                + #"data: {"candidates":[{"content":{"parts":[{"text":"o"}],"role":"model"},"finishReason":"STOP","#
                + #""index":0}],"usageMetadata":{"promptTokenCount":0,"candidatesTokenCount":0,"totalTokenCount":0},"#
                + id)
        #expect(encoder.keepAlive == Array("\n\n".utf8))
        #expect(encoder.head.fields["content-type"] == "text/event-stream")
    }

    @Test("all of a piece but its last character goes out at once; the last event holds that one")
    func lastCharacter() throws {
        let found = try writes([.textDelta("ab"), .textDelta("c"), .textDelta("d\u{1F600}"), .finished(.stop)])
        #expect(
            found.map { $0.map { Self.parts($0) } } == [
                [[["text": "a"]]], [[["text": "b"]]], [[["text": "cd"]]], [], [[["text": "\u{1F600}"]]],
            ])
    }

    @Test("a call is whole, even if its pieces come mixed with another's, and ends with STOP")
    func calls() throws {
        let found = try writes([
            .textDelta("x"), .toolCallStarted(index: 0, id: "a", name: "f"), .signature([1]),
            .toolCallStarted(index: 1, id: "b", name: "g"), .toolCallArgumentsDelta(index: 0, #"{"n":"#),
            .toolCallArgumentsDelta(index: 1, "{}"), .toolCallArgumentsDelta(index: 0, "1}"), .finished(.toolCalls),
        ])
        #expect(found.dropLast().flatMap(\.self).map { Self.parts($0) } == [[["text": "x"]]])
        let last = try #require(found.last?.first)
        #expect(
            Self.parts(last) == [
                ["functionCall": ["id": "a", "name": "f", "args": ["n": 1]], "thoughtSignature": "AQ=="],
                ["functionCall": ["id": "b", "name": "g", "args": [:]]],
            ])
        #expect(last["candidates"]?[0]?["finishReason"] == "STOP")
    }

    @Test("a call whose arguments are no object ends the answer as malformed")
    func malformedCall() throws {
        let last = try writes([
            .toolCallStarted(index: 0, id: "a", name: "f"), .toolCallArgumentsDelta(index: 0, "{"),
            .finished(.toolCalls),
        ]).last?.first
        #expect(Self.parts(last) == [["text": ""]])
        #expect(last?["candidates"]?[0]?["finishReason"] == "MALFORMED_FUNCTION_CALL")
    }

    @Test("thoughts go out only to those who ask; the signature of a hidden one does all the same")
    func thoughts() throws {
        let events: [ModelEvent] = [.reasoningDelta("Hm."), .signature([1]), .textDelta("Hi"), .finished(.stop)]
        let hidden = try writes(events).flatMap(\.self).map { Self.parts($0) }
        #expect(hidden == [[["text": "", "thoughtSignature": "AQ=="]], [["text": "H"]], [["text": "i"]]])
        let shown = try writes(events, config: #""thinkingConfig":{"includeThoughts":true}"#)
            .flatMap(\.self).map { Self.parts($0) }
        #expect(
            shown == [
                [["text": "Hm", "thought": true]], [["text": ".", "thought": true, "thoughtSignature": "AQ=="]],
                [["text": "H"]], [["text": "i"]],
            ])
    }

    @Test("an image comes in an event of its own, behind the text before it")
    func image() throws {
        let found = try writes([
            .textDelta("ab"), .media(Media(.image, mimeType: "image/png", .inline([1]))), .textDelta("c"),
            .finished(.stop),
        ])
        let image: JSON = ["inlineData": ["mimeType": "image/png", "data": "AQ=="]]
        #expect(
            found.map { $0.map { Self.parts($0) } } == [
                [[["text": "a"]]], [[["text": "b"]]], [[image]], [], [[["text": "c"]]],
            ])
    }

    @Test("sources and ratings come with the last event")
    func addenda() throws {
        let found = try writes([
            .textDelta("abc"), .citation(Citation(url: "https://a", title: "A", range: 0..<3)),
            .extended(name: "gemini.safetyRatings", [["category": "C"]]), .finished(.stop),
        ])
        let last = found.last?.first?["candidates"]?[0]
        #expect(
            last?["groundingMetadata"]?["groundingSupports"] == [
                ["segment": ["startIndex": 0, "endIndex": 3], "groundingChunkIndices": [0]]
            ])
        #expect(last?["safetyRatings"] == [["category": "C"]])
    }

    @Test("a refused prompt is one event without candidates")
    func blocked() throws {
        let found = try writes([.promptBlocked(reason: "SAFETY", message: nil), .ended]).flatMap(\.self)
        #expect(found.count == 1)
        #expect(found[0]["promptFeedback"] == ["blockReason": "SAFETY"])
        #expect(found[0]["candidates"] == nil)
        #expect(try encoder().error(insteadOf: .promptBlocked(reason: "SAFETY", message: nil)) == nil)
    }

    @Test("an answer of the form text/x.enum comes at once, without the quotes of its JSON")
    func choice() throws {
        let found = try writes(
            [.textDelta("\"Ye"), .textDelta("s\""), .finished(.stop)],
            config: #""responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["Yes","No"]}"#)
        #expect(found.flatMap(\.self).map { Self.parts($0) } == [[["text": "Yes"]]])
    }

    @Test("an answer too long to be one of some values is passed on as it comes")
    func longChoice() throws {
        let long = String(repeating: "x", count: 20_000)
        let found = try writes(
            [.textDelta("\"ab"), .textDelta(long), .textDelta("yz"), .finished(.stop)],
            config: #""responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["Yes","No"]}"#)
        let texts = found.map { $0.map { Self.parts($0)?[0]?["text"]?.string ?? "" }.joined() }
        #expect(texts.joined() == "\"ab" + long + "yz")
        #expect(texts.map(\.isEmpty) == [true, false, false, true, false])
    }

    @Test("several candidates have events of their own, and end together")
    func candidates() throws {
        let found = try writes([
            .candidateSelected(1), .textDelta("bb"), .finished(.length), .candidateSelected(0), .textDelta("aa"),
            .finished(.stop), .candidateSelected(4000), .textDelta("x"), .finished(.stop),
        ]).flatMap(\.self)
        #expect(found.map { $0["candidates"]?[0]?["index"] } == [1, 0, 0])
        #expect(found.last?["candidates"]?.array?.map { $0["finishReason"] } == ["STOP", "MAX_TOKENS"])
    }
}

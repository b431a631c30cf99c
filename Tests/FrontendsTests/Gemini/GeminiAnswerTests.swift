import PolluxCore
import PolluxFrontends
import Testing

@Suite("Whole answers in the Gemini format")
struct GeminiAnswerTests {
    private func encode(
        _ events: [ModelEvent], config: String = "", contents: String = #"{"parts":[{"text":"Hi"}]}"#
    ) throws -> JSON {
        let request = try GeminiDecoding.decode(
            #"{"contents":[\#(contents)],"generationConfig":{\#(config)}}"#)
        var reducer = ModelResponseReducer()
        for event in events { reducer.apply(event) }
        let answer = try GeminiDecoding.frontend().encode(reducer.response, for: request, ChatRun.reply)
        #expect(answer.head.status == 200)
        #expect(answer.head.fields["content-type"] == "application/json; charset=UTF-8")
        return try JSON.parse(answer.body)
    }

    private static let showThoughts = #""thinkingConfig":{"includeThoughts":true}"#

    @Test("text, thoughts, usage without thoughts in the output, the model and the answer's id")
    func plain() throws {
        var usage = Usage(inputTokens: 9, outputTokens: 8)
        (usage.reasoningTokens, usage.cachedInputTokens) = (4, 2)
        let events: [ModelEvent] = [
            .reasoningDelta("Hm."), .textDelta("Hel"), .textDelta("lo"), .finished(.stop), .usage(usage), .ended,
        ]
        let answer = try encode(events, config: Self.showThoughts)
        #expect(
            answer == [
                "candidates": [
                    [
                        "content": ["parts": [["text": "Hm.", "thought": true], ["text": "Hello"]], "role": "model"],
                        "finishReason": "STOP", "index": 0,
                    ]
                ],
                "usageMetadata": [
                    "promptTokenCount": 9, "cachedContentTokenCount": 2, "candidatesTokenCount": 8,
                    "thoughtsTokenCount": 4, "totalTokenCount": 21,
                    "promptTokensDetails": [["modality": "TEXT", "tokenCount": 9]],
                ], "modelVersion": "gemini-x", "responseId": "R1234567890123456789abcd",
            ])
        #expect(try encode(events)["candidates"]?[0]?["content"]?["parts"] == [["text": "Hello"]])
    }

    @Test(
        "calls are whole objects and end with STOP; one without usable arguments is left out and said to be malformed")
    func calls() throws {
        let answer = try encode([
            .toolCallStarted(index: 0, id: "c1", name: "f"), .signature([1, 2, 3]),
            .toolCallArgumentsDelta(index: 0, #"{"a":"#), .toolCallArgumentsDelta(index: 0, "1}"),
            .toolCallStarted(index: 1, id: "", name: "g"), .finished(.toolCalls), .ended,
        ])
        let candidate = try #require(answer["candidates"]?[0])
        #expect(
            candidate["content"]?["parts"] == [
                ["functionCall": ["id": "c1", "name": "f", "args": ["a": 1]], "thoughtSignature": "AQID"],
                ["functionCall": ["name": "g", "args": [:]]],
            ])
        #expect(candidate["finishReason"] == "STOP")
        let bad = try encode([
            .toolCallStarted(index: 0, id: "c", name: "f"), .toolCallArgumentsDelta(index: 0, "[1"),
            .finished(.toolCalls), .ended,
        ])
        #expect(bad["candidates"]?[0]?["content"]?["parts"] == [])
        #expect(bad["candidates"]?[0]?["finishReason"] == "MALFORMED_FUNCTION_CALL")
        #expect(bad["candidates"]?[0]?["finishMessage"]?.string?.contains("'f'") == true)
    }

    @Test("images stand among the text, in order, with their bytes; sources by address keep it")
    func images() throws {
        let answer = try encode([
            .textDelta("a"), .media(Media(.image, mimeType: "image/png", .inline([0xFB, 0xFF]))), .textDelta("b"),
            .media(Media(.image, mimeType: "", .url("https://x/y.png"))), .finished(.stop), .ended,
        ])
        #expect(
            answer["candidates"]?[0]?["content"]?["parts"] == [
                ["text": "a"], ["inlineData": ["mimeType": "image/png", "data": "+/8="]], ["text": "b"],
                ["fileData": ["fileUri": "https://x/y.png"]],
            ])
    }

    @Test("the signature of a hidden thought stands on an empty part, so that it can come back")
    func hiddenSignature() throws {
        let answer = try encode([.reasoningDelta("Hm."), .signature([1]), .textDelta("Hi"), .finished(.stop), .ended])
        #expect(
            answer["candidates"]?[0]?["content"]?["parts"] == [
                ["text": "", "thoughtSignature": "AQ=="], ["text": "Hi"],
            ])
    }

    @Test("sources are grounding, with offsets in bytes of the part they belong to")
    func grounding() throws {
        let answer = try encode(
            [
                .reasoningDelta("Hm."), .textDelta("caf\u{E9} au lait"),
                .media(Media(.image, mimeType: "image/png", .inline([1]))), .textDelta("!?"),
                .citation(Citation(url: "https://a", title: "A", range: 0..<5)),
                .citation(Citation(url: "https://b", title: "", range: 14..<15)),
                .citation(Citation(url: "https://a", title: "A", range: 6..<999)), .finished(.stop), .ended,
            ], config: Self.showThoughts)
        #expect(
            answer["candidates"]?[0]?["groundingMetadata"] == [
                "groundingChunks": [["web": ["uri": "https://a", "title": "A"]], ["web": ["uri": "https://b"]]],
                "groundingSupports": [
                    [
                        "segment": ["partIndex": 1, "startIndex": 0, "endIndex": 5, "text": "caf\u{E9}"],
                        "groundingChunkIndices": [0],
                    ],
                    [
                        "segment": ["partIndex": 3, "startIndex": 1, "endIndex": 2, "text": "?"],
                        "groundingChunkIndices": [1],
                    ],
                    [
                        "segment": ["partIndex": 1, "startIndex": 6, "endIndex": 13, "text": "au lait"],
                        "groundingChunkIndices": [0],
                    ],
                ],
            ])
    }

    @Test("what an upstream of the same family says about a candidate is handed on, and probabilities of the other one")
    func addenda() throws {
        let answer = try encode([
            .textDelta("x"), .citation(Citation(url: "https://a", title: "", range: 0..<1)),
            .extended(name: "gemini.groundingMetadata", ["webSearchQueries": ["q"]]),
            .extended(name: "gemini.safetyRatings", [["category": "C", "probability": "LOW"]]),
            .extended(name: "gemini.secret", ["a": 1]),
            .extended(
                name: "openai.logprobs",
                ["content": [["token": "x", "logprob": -0.5, "top_logprobs": [["token": "y", "logprob": -1.5]]]]]),
            .finished(.stop), .ended,
        ])
        let candidate = try #require(answer["candidates"]?[0])
        #expect(candidate["groundingMetadata"] == ["webSearchQueries": ["q"]])
        #expect(candidate["safetyRatings"] == [["category": "C", "probability": "LOW"]])
        #expect(candidate["secret"] == nil)
        #expect(candidate["avgLogprobs"] == -0.5)
        #expect(
            candidate["logprobsResult"] == [
                "chosenCandidates": [["token": "x", "logProbability": -0.5]],
                "topCandidates": [["candidates": [["token": "y", "logProbability": -1.5]]]],
            ])
    }

    @Test("a refused prompt is an answer without candidates")
    func blocked() throws {
        let answer = try encode([.promptBlocked(reason: "SAFETY", message: "no"), .ended])
        #expect(answer["candidates"] == nil)
        #expect(answer["promptFeedback"] == ["blockReason": "SAFETY", "blockReasonMessage": "no"])
        #expect(answer["usageMetadata"]?["promptTokenCount"] == 0)
        #expect(
            try encode([.promptBlocked(reason: "x", message: nil), .ended])["promptFeedback"] == [
                "blockReason": "OTHER"
            ])
    }

    @Test("a prompt with media is not said to be text alone")
    func mediaPrompt() throws {
        let image = #"{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}"#
        let answer = try encode(
            [.textDelta("x"), .finished(.stop), .usage(Usage(inputTokens: 3, outputTokens: 1)), .ended], contents: image
        )
        #expect(answer["usageMetadata"]?["promptTokensDetails"] == nil)
    }

    @Test("a conversation that the client named is named in the answer, whole and in the stream's last event")
    func conversation() throws {
        let frontend = try GeminiDecoding.frontend()
        for (members, name) in [(#","conversationId":"c\"1""#, "c\"1"), ("", nil)] {
            let request = try GeminiDecoding.decode(#"{"contents":[{"parts":[{"text":"Hi"}]}]\#(members)}"#)
            var reducer = ModelResponseReducer()
            var encoder = frontend.makeEncoder(for: request, ChatRun.reply)
            var stream: [UInt8] = []
            for event in [ModelEvent.textDelta("Hello"), .finished(.stop)] {
                reducer.apply(event)
                encoder.encode(event, into: &stream)
            }
            _ = encoder.finish(after: nil, into: &stream)
            let whole = try JSON.parse(frontend.encode(reducer.response, for: request, ChatRun.reply).body)
            #expect(whole["conversationId"]?.string == name)
            let names = try JSON.parse(stream).array?.map { $0["conversationId"]?.string }
            #expect(names == [nil, name])
        }
    }

    @Test("several candidates keep their places")
    func candidates() throws {
        let answer = try encode([
            .candidateSelected(1), .textDelta("b"), .finished(.length), .candidateSelected(0), .textDelta("a"),
            .finished(.filtered("content_filter")), .ended,
        ])
        #expect(answer["candidates"]?[0]?["finishReason"] == "SAFETY")
        #expect(answer["candidates"]?[1]?["finishReason"] == "MAX_TOKENS")
        #expect(answer["candidates"]?[1]?["index"] == 1)
    }
}

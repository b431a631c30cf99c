import Glibc
import PolluxCore
import PolluxSimulator
import Testing

/// The rows of section 13 that are no faults for the client: F-12, F-25, F-26, F-27.
@Suite("What an upstream may do without harm", .serialized)
struct HarmlessOddityTests {
    @Test(
        "F-25 … F-27: the client gets the same text, a finish reason and [DONE]",
        arguments: [
            "nodone", "crlf", "cr", "bom", "nospace", "multiline", "fields", "comments", "split", "interim",
            "split,crlf,bom", "split,cr,fields,comments", "nodone,crlf",
        ])
    func oddStreams(_ marks: String) async throws {
        try await TestGateway.with { gateway in
            let prompt = "[[sim:\(marks)]] caf\u{E9} \u{4F60}\u{597D} \u{1F468}\u{200D}\u{1F469} \u{2028} end"
            let answer = StreamedAnswer(try gateway.chat(prompt, stream: true))
            #expect(answer.text == "echo[sim-large|turn=1]: \(prompt)")
            #expect(answer.finishReason == "stop")
            #expect(answer.endsWithDone)
            let whole = try gateway.chat(prompt)
            #expect(whole.answerText == answer.text)
        }
    }

    @Test("F-25: an event stream that ends with the connection is whole when it has a finish reason")
    func connectionDelimited() async throws {
        let chunk = #"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}"#
        let raw = try RawUpstream(
            answer: Array("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: \(chunk)\n\n".utf8))
        defer { raw.stop() }
        var setup = Family.openAICompatible.setup()
        setup.localURL = raw.url
        try await TestGateway.with(setup) { gateway in
            let answer = StreamedAnswer(try gateway.chat("hello", stream: true))
            #expect(answer.text == "hi")
            #expect(answer.finishReason == "stop")
            #expect(answer.endsWithDone)
        }
    }

    /// A build without optimization takes ten times as long for each byte.
    private static let largeEvent = getenv("POLLUX_LONG") != nil ? 10_000_000 : 1_000_000

    @Test("F-12: a large event is delivered whole", arguments: [false, true])
    func largeEvent(isStreamed: Bool) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.chat(
                "[[sim:big=\(Self.largeEvent)]]", stream: isStreamed, deadline: .within(.seconds(60)))
            #expect(reply.fault == nil)
            let text = isStreamed ? StreamedAnswer(reply).text : reply.answerText
            #expect(text?.utf8.count == Self.largeEvent)
        }
    }

    @Test("Gemini Business text of every script and control mark arrives unharmed", arguments: [false, true])
    func businessText(isStreamed: Bool) async throws {
        try await TestGateway.with(Family.geminiBusiness.setup()) { gateway in
            let reply = try gateway.chat("[[sim:ctrl]] [[sim:unicode]] x", model: "gemini-2.5-pro", stream: isStreamed)
            let text = try #require(isStreamed ? StreamedAnswer(reply).text : reply.answerText)
            #expect(text.contains("line\u{2028}separator next\u{85}line"))
            #expect(text.hasSuffix("\u{5E9}\u{5DC}\u{5D5}\u{5DD} \u{10FFFF} end"))
            #expect(!text.contains("<ctrl"))
        }
    }

    @Test("a refusal by the upstream's policy is a refusal with content_filter, tried once", arguments: [false, true])
    func policyRefusal(isStreamed: Bool) async throws {
        try await TestGateway.with(Family.geminiBusiness.setup(topLevel: "")) { gateway in
            let reply = try gateway.chat("[[sim:skip=policy]] x", model: "gemini-2.5-pro", stream: isStreamed)
            #expect(reply.status == 200)
            let reason =
                isStreamed
                ? StreamedAnswer(reply).finishReason : reply.json["choices"]?[0]?["finish_reason"]?.string
            #expect(reason == "content_filter")
            #expect(gateway.answerRequests(.geminiBusiness).count == 1)
        }
    }
}

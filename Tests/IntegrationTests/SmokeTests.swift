import PolluxSimulator
import Testing

@Suite("The whole gateway")
struct SmokeTests {
    @Test("answers whole and streamed, from both kinds of upstream", arguments: Family.allCases, [false, true])
    func answers(_ family: Family, isStreamed: Bool) async throws {
        try await TestGateway.with(family.setup()) { gateway in
            let reply = try gateway.chat("hello", model: family.model, stream: isStreamed)
            #expect(reply.status == 200)
            #expect(reply.fault == nil)
            let text = isStreamed ? StreamedAnswer(reply).text : reply.answerText
            #expect(text?.hasSuffix(": hello") == true, "\(reply.text)")
            if isStreamed { #expect(StreamedAnswer(reply).endsWithDone) }
            #expect(gateway.answerRequests(family).map(\.verdict) == ["ok"])
            // Cut off, its connection would be lost for the next request.
            #expect(eventually { gateway.answerRequests(family).map(\.ending) == [.complete] })
        }
    }
}

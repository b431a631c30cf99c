import PolluxCore
import Testing

@Suite("Counting a request's tokens")
struct TokenCountTests {
    private func request(_ parts: [Part]) -> ModelRequest {
        var request = ModelRequest(id: "r", model: "m")
        request.turns = [Turn(.user, parts)]
        return request
    }

    @Test("text counts as everywhere, and everything that is sent upstream adds to it")
    func grows() {
        var whole = request([.text("What is the weather in Oslo?")])
        var last = TokenCount(of: whole).total
        #expect(last == TokenEstimate("What is the weather in Oslo?").tokens)
        let steps: [(inout ModelRequest) -> Void] = [
            { $0.system = [.text("Be brief, please.")] },
            { $0.tools = [ToolSpec(name: "get_weather", description: "The weather.", schema: ["type": "object"])] },
            {
                $0.turns.append(
                    Turn(.model, [Part(.toolCall(ToolCall(id: "a", name: "f", rawArguments: "{\"n\":123}")))]))
            },
            {
                let result = ToolResult(callID: "a", name: "f", parts: [.text("four degrees and rain")])
                $0.turns.append(Turn(.user, [Part(.toolResult(result))]))
            },
            { $0.output = .jsonSchema(name: "x", schema: ["type": "object", "required": ["a"]], strict: false) },
            { $0.turns.append(Turn(.user, [Part(.media(Media(.image, mimeType: "image/png", .inline([1]))))])) },
        ]
        for (number, step) in steps.enumerated() {
            step(&whole)
            let count = TokenCount(of: whole)
            #expect(count.total > last, "step \(number)")
            last = count.total
        }
        #expect(TokenCount(of: whole).media == [.image: 258])
    }

    @Test("media count by kind, and long ones by their length")
    func media() {
        let sound = Media(.audio, mimeType: "audio/mpeg", .inline([UInt8](repeating: 0, count: 1_000_000)))
        let note = Media(.document, mimeType: "text/plain", .inline([UInt8](repeating: 65, count: 400)))
        let count = TokenCount(of: request([Part(.media(sound)), Part(.media(note))]))
        #expect(count.media == [.audio: 2000, .document: 101])
        #expect(count.total == 2101 && count.text == 0)
        #expect(TokenCount(of: request([])).total == 0)
    }
}

import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: functions, wished forms and limits, by convention")
struct BusinessToolTests {
    private static func call(_ text: String) -> FakeResponse { FakeResponse(text: BusinessWorld.answer(text)) }
    private static let weather = ToolSpec(name: "weather", description: "Weather of a town")

    @Test("functions are described in the prompt, and a call is read from the answer")
    func callAndResult() async throws {
        let text = "Let me see.\n```pollux-call\n{\"name\": \"weather\", \"arguments\": {\"town\": \"Bern\"}}\n```"
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetStreamAssist" && attempt == 1 ? Self.call(text) : nil
        }
        var request = ModelRequest.asking("Weather in Bern?")
        request.tools = [Self.weather]
        let events = try await world.events(request)
        #expect(events.finish == .toolCalls)
        let calls = events.compactMap { event -> String? in
            if case .toolCallArgumentsDelta(_, let arguments) = event { return arguments }
            return nil
        }
        #expect(calls == [#"{"town":"Bern"}"#] || calls == [#"{"town": "Bern"}"#])
        // What follows goes on in the session, with the result alone.
        guard
            case .toolCallStarted(_, let id, let name)? = events.first(where: {
                if case .toolCallStarted = $0 { true } else { false }
            })
        else { throw GatewayError(.internalError, .request, "no call") }
        let made = ToolCall(id: id, name: name, rawArguments: calls[0])
        request.turns += [
            Turn(.model, [.text("Let me see."), Part(.toolCall(made))]),
            Turn(.user, [Part(.toolResult(ToolResult(callID: id, name: name, parts: [.text("rain")])))]),
        ]
        let asked = try await world.asked(request)
        #expect(asked.contains("pollux-result"))
        #expect(asked.contains("rain"))
        #expect(!asked.contains("Weather in Bern?"))
        #expect(world.requests("widgetCreateSession").count == 1)
    }

    @Test("an answer that is not the JSON asked for is corrected in the same session, once")
    func repair() async throws {
        let world = try BusinessWorld { request, attempt in
            guard BusinessWorld.step(of: request) == "widgetStreamAssist" else { return nil }
            return Self.call(attempt == 1 ? "no json" : "```json\n{\"a\": 1}\n```")
        }
        var request = ModelRequest.asking("Give a")
        request.output = .jsonSchema(
            name: "s", schema: ["type": "object", "properties": ["a": ["type": "integer"]], "required": ["a"]],
            strict: true)
        let events = try await world.events(request)
        #expect(try JSON.parse(Array(events.text.utf8)) == ["a": 1])
        #expect(world.requests("widgetCreateSession").count == 1)
        #expect(world.requests("widgetStreamAssist").count == 2)
        let never = try BusinessWorld(answer: Self.call("still none"))
        #expect(await never.failure(request).error?.kind == .upstreamInvalidOutput)
        #expect(never.requests("widgetStreamAssist").count == 2)
    }

    @Test("the limit on output tokens ends the answer here")
    func limit() async throws {
        let world = try BusinessWorld(answer: Self.call(String(repeating: "word ", count: 200)))
        var request = ModelRequest.asking("talk")
        request.sampling.maxOutputTokens = 10
        let events = try await world.events(request)
        #expect(events.finish == .length)
        #expect(events.usages.last?.outputTokens ?? 99 <= 10)
        #expect(world.http.openBodyCount == 0)
    }
}

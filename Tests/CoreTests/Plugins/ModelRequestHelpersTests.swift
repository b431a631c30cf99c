import PolluxCore
import Testing

@Suite("What a request asks of a provider")
struct ModelRequestHelpersTests {
    private static let image = Part(.media(Media(.image, mimeType: "image/png", .inline([1]))))

    private struct Need: Sendable {
        let param: String
        /// `nil`: no capability helps.
        let capability: ModelInfo.Capabilities?
        let change: @Sendable (inout ModelRequest) -> Void
    }

    private static let needs = [
        Need(param: "tools", capability: .tools) { $0.tools = [ToolSpec(name: "f")] },
        Need(param: "tools", capability: nil) { $0.hostedTools = [.other(name: "code", [:])] },
        Need(param: "tools", capability: nil) { $0.hostedTools = [.webSearch(options: [:])] },
        Need(param: "response_format", capability: .structuredOutput) { $0.output = .json },
        Need(param: "n", capability: .severalCandidates) { $0.candidateCount = 2 },
        Need(param: "modalities", capability: .imageOutput) { $0.modalities = [.text, .image] },
        Need(param: "modalities", capability: nil) { $0.modalities = [.audio] },
        Need(param: "messages", capability: .mediaInput) { $0.turns = [Turn(.user, [.text("see"), image])] },
        Need(param: "messages", capability: .mediaInput) { $0.system = [image] },
        Need(param: "messages", capability: .tools) {
            $0.turns = [Turn(.model, [Part(.toolCall(ToolCall(id: "1", name: "f", rawArguments: "{}")))])]
        },
        Need(param: "messages", capability: [.tools, .mediaInput]) {
            $0.turns = [Turn(.user, [Part(.toolResult(ToolResult(callID: "1", name: "f", parts: [image])))])]
        },
    ]

    @Test(
        "what no capability covers is refused by the field's name, and what one covers is not", arguments: needs.indices
    )
    func refusal(_ index: Int) throws {
        let need = Self.needs[index]
        var request = ModelRequest(id: "r", model: "m")
        #expect(request.refusal(beyond: [.chat], kind: "acme") == nil)
        need.change(&request)
        let refusal = try #require(request.refusal(beyond: [.chat], kind: "acme"))
        #expect((refusal.kind, refusal.scope, refusal.param) == (.unsupported, .request, need.param))
        #expect(refusal.message.contains("acme"))
        let all: ModelInfo.Capabilities = [
            .chat, .tools, .mediaInput, .structuredOutput, .imageOutput, .severalCandidates,
        ]
        #expect((request.refusal(beyond: all, kind: "acme") == nil) == (need.capability != nil))
        if let capability = need.capability {
            #expect(request.refusal(beyond: capability, kind: "acme") == nil)
        }
    }

    @Test("turns of one role that follow each other are made one, and nothing is lost")
    func alternatingTurns() {
        var request = ModelRequest(id: "r", model: "m")
        let user = Turn.Role.user
        request.turns = [
            Turn(user, [.text("a")]), Turn(user, [.text("b")]), Turn(.model, [.text("c")]), Turn(user, [.text("d")]),
        ]
        let merged = [Turn(user, [.text("a"), .text("b")]), Turn(.model, [.text("c")]), Turn(user, [.text("d")])]
        #expect(request.alternatingTurns == merged)
    }

    @Test(
        "a call's arguments are an object, or nothing",
        arguments: [("", true), ("{}", true), (#"{"a":1}"#, true), ("[1]", false), ("{", false), ("text", false)])
    func arguments(_ text: String, _ isObject: Bool) {
        let call = ToolCall(id: "1", name: "f", rawArguments: text)
        #expect((call.arguments != nil) == isObject)
    }

    @Test("web search is refused unless the upstream has it")
    func webSearch() {
        var request = ModelRequest(id: "r", model: "m")
        request.hostedTools = [.webSearch(options: [:])]
        #expect(request.refusal(beyond: [.chat], webSearch: true, kind: "acme") == nil)
    }

    @Test("what a request sets is named as in the OpenAI format, the rest as the client did, but for what is known")
    func ignoredFields() {
        var request = ModelRequest(id: "r", model: "m")
        #expect(request.ignoredFields() == [])
        request.sampling.temperature = 0
        request.sampling.stop = ["x"]
        request.sampling.logprobs = false
        request.reasoning.budget = 0
        request.extensions = ["openai.verbosity": "low", "gemini.safetySettings": [], "frontend.form": true]
        let all = ["temperature", "stop", "reasoning_effort", "safetySettings", "verbosity"]
        #expect(request.ignoredFields() == all)
        #expect(request.ignoredFields(besides: [.stop, .temperature]) == Array(all.dropFirst(2)))
    }
}

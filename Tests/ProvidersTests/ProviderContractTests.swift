import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Every provider keeps the contract for plugins")
struct ProviderContractTests {
    @Test("openai-compatible, called streaming")
    func openAICompatible() async {
        let contract = ProviderContract(OpenAICompatibleProvider.self, settings: Self.openAISettings) { _ in
            .events(
                chunk(#"{"role":"assistant","content":"Hel"}"#), chunk(#"{"content":"lo"}"#),
                chunk("{}", finish: "stop"), "[DONE]")
        }
        let violations = await contract.violations()
        #expect(violations == [])
    }

    @Test("openai-compatible, asked for whole answers")
    func openAICompatibleWhole() async {
        let settings = Self.openAISettings.object.map { known in
            JSON.object(JSONObject(known.members.map { ($0.key, $0.value) } + [("stream", false)]))
        }
        var contract = ProviderContract(OpenAICompatibleProvider.self, settings: settings ?? .null) { _ in
            FakeResponse(
                text: #"{"id":"up-1","model":"u","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}"#)
        }
        contract.isStreamed = false
        let violations = await contract.violations()
        #expect(violations == [])
    }

    @Test("gemini-business")
    func geminiBusiness() async {
        var contract = ProviderContract(
            GeminiBusinessProvider.self, settings: [:], credential: BusinessWorld.credential
        ) { request in
            switch BusinessWorld.step(of: request) {
            case "getoxsrf": BusinessWorld.signingKey()
            case "widgetCreateSession": FakeResponse(text: #"{"session":{"name":"\#(BusinessWorld.session)"}}"#)
            case "widgetStreamAssist": FakeResponse(text: Self.businessAnswer)
            default: FakeResponse(404, text: "no such path")
            }
        }
        contract.publicValues = ["csesidx", "config_id"]
        contract.refusal = { BusinessWorld.error($0, "UNKNOWN", message: ProviderContract.upstreamWords) }
        let violations = await contract.violations()
        #expect(violations == [])
    }

    @Test("gemini-web")
    func geminiWeb() async {
        let contract = ProviderContract(
            GeminiWebProvider.self, settings: [:], credential: WebWorld.credential, request: .askingWeb("Say hi")
        ) { request in
            switch WebWorld.name(of: request) {
            case "app": FakeResponse(text: WebWorld.page())
            case "RotateCookies": WebWorld.renewal("sidts-FAKE2")
            case "otAQ7b": FakeResponse(text: WebWorld.call("otAQ7b", WebWorld.status))
            case "jSf9Qc": FakeResponse(text: WebWorld.call("jSf9Qc", "[1,[],false]"))
            case "StreamGenerate": WebWorld.answer("Hello there.")
            default: FakeResponse(404, text: "no such path")
            }
        }
        let violations = await contract.violations()
        #expect(violations == [])
    }

    private static let openAISettings: JSON = [
        "base_url": "https://upstream.test/v1", "api_keys": ["sk-upstream-0123456789"], "models": ["m-1"],
    ]

    private static var businessAnswer: String {
        let replies: [JSON] = ["A red", " square."].map { text in
            ["groundedContent": ["content": ["role": "model", "text": .string(text)]]]
        }
        return BusinessWorld.stream(
            replies.map { ["state": "IN_PROGRESS", "replies": [$0]] } + [["state": "SUCCEEDED"]])
    }
}

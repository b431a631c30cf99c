import AcmePlugins
import PolluxCore
import PolluxTesting
import Testing

@Suite("Our plugins keep Pollux's contracts")
struct ContractTests {
    @Test("the provider")
    func provider() async {
        let contract = ProviderContract(
            AcmeProvider.self,
            settings: ["base_url": "https://api.acme.example", "api_keys": ["key-0123456789", "key-9876543210"]]
        ) { _ in
            FakeResponse(text: #"{"say":"Hel"}"# + "\n" + #"{"say":"lo"}"# + "\n" + #"{"done":"end"}"# + "\n")
        }
        let violations = await contract.violations()
        #expect(violations == [])
    }

    private static func chat(_ events: [(String, JSON)]) -> FakeResponse {
        FakeResponse(text: events.map { "event: \($0.0)\ndata: \($0.1.text)\n\n" }.joined())
    }

    @Test("the provider with functions: an answer in words, and one that calls")
    func chatProvider() async {
        let answers: [[(String, JSON)]] = [
            [("text", ["text": "Hel"]), ("text", ["text": "lo"]), ("end", ["why": "end", "read": 3, "wrote": 2])],
            [
                ("text", ["text": "Let me see."]), ("call", ["id": "c1", "function": "clock"]),
                ("input", ["json": "{\"zone\":"]), ("input", ["json": "\"UTC\"}"]),
                ("call", ["id": "c2", "function": "clock"]), ("input", ["json": "{}"]), ("end", ["why": "calls"]),
            ],
        ]
        for answer in answers {
            let contract = ProviderContract(
                AcmeChatProvider.self,
                settings: ["base_url": "https://api.acme.example", "api_keys": ["key-0123456789", "key-9876543210"]]
            ) { _ in Self.chat(answer) }
            let violations = await contract.violations()
            #expect(violations == [])
        }
    }

    @Test("the credential source")
    func source() async {
        var contract = CredentialSourceContract(
            KeyFilesSource.self, settings: ["folder": "/run/secrets", "names": ["amber", "birch"]],
            files: ["/run/secrets/amber": "key-0123456789\n", "/run/secrets/birch": "key-9876543210\n"],
            accounts: ["amber", "birch"])
        contract.change = (files: ["/run/secrets/amber": "key-5555555555\n"], accounts: ["amber", "birch"])
        let violations = await contract.violations()
        #expect(violations == [])
    }

    @Test("the frontend")
    func frontend() {
        let ask = Route(.post, "/ask/{model...}")
        let contract = FrontendContract(
            TextFrontend.self, settings: ["system": "Answer in plain text."],
            samples: [
                FrontendSample(ask, variables: ["model": "acme-1"], query: [("system", "Be brief.")], body: "Hello"),
                FrontendSample(
                    ask, variables: ["model": "acme-1"], query: [("stream", "1")], body: "Hello", isStreamed: true),
            ])
        let violations = contract.violations()
        #expect(violations == [])
    }
}

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

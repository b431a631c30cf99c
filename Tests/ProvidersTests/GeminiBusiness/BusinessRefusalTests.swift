import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: what it refuses, ignores and offers")
struct BusinessRefusalTests {
    private static let tool = ToolSpec(name: "f")

    private static let refused: [(String, @Sendable (inout ModelRequest) -> Void)] = [
        ("tools", { $0.hostedTools = [.other(name: "code_execution", [:])] }),
        ("tools[0].function.name", { $0.tools = [ToolSpec(name: "a b")] }),
        ("n", { $0.candidateCount = 2 }),
        ("modalities", { $0.modalities = [.text, .audio] }),
        (
            "tools",
            {
                $0.resolvedModel = "gemini-imagen"
                $0.tools = [tool]
            }
        ),
        (
            "response_format",
            {
                $0.resolvedModel = "gemini-veo"
                $0.output = .json
            }
        ),
    ]

    @Test(
        "what the upstream cannot do is refused before an account is used, and says where it can be done",
        arguments: refused.indices)
    func refusals(index: Int) async throws {
        let (param, change) = Self.refused[index]
        let world = try BusinessWorld()
        var request = ModelRequest.asking("Hi")
        change(&request)
        let refusal = try #require(world.provider.refusal(of: request))
        #expect(refusal.kind == .unsupported)
        #expect(refusal.scope == .request)
        #expect(refusal.param == param)
        #expect(await world.failure(request).error == refusal)
        #expect(world.http.requests.isEmpty)
    }

    @Test("what is ignored is named, and nothing else")
    func namesIgnored() throws {
        let provider = try BusinessWorld().provider
        var request = ModelRequest.asking("Hi")
        request.sampling.stop = ["x"]
        #expect(provider.ignoredParameters(of: request) == [])
        request.sampling.temperature = 0
        request.sampling.seed = 7
        request.sampling.maxOutputTokens = 5
        request.reasoning.budget = 0
        #expect(provider.ignoredParameters(of: request) == ["temperature", "seed", "reasoning_effort"])
    }

    @Test("sampling and limits that the upstream does not know are ignored")
    func ignored() async throws {
        let (plain, world) = (try BusinessWorld(), try BusinessWorld())
        var request = ModelRequest.asking("Describe the picture")
        _ = try await plain.events(request)
        request.sampling.temperature = 0.1
        request.sampling.topP = 0.5
        request.sampling.topK = 3
        request.sampling.seed = 1
        request.sampling.presencePenalty = 1
        request.sampling.frequencyPenalty = 1
        request.reasoning.level = .high
        #expect(world.provider.refusal(of: request) == nil)
        #expect(try await world.events(request).text == "A red square.")
        #expect(try world.question() == plain.question())
    }

    @Test("an account says what it lacks and where to find it")
    func problems() throws {
        let provider = try BusinessWorld().provider
        #expect(provider.problem(with: BusinessWorld.credential) == nil)
        let empty = provider.problem(with: Credential(accountID: "a", values: ["csesidx": Secret("")])) ?? ""
        for key in ["secure_c_ses", "csesidx", "config_id"] { #expect(empty.contains("\(key) is missing")) }
        #expect(!empty.contains("host_c_oses"))
    }

    @Test(
        "values that would break a request are refused, without showing them",
        arguments: [
            ("secure_c_ses", "CSE.a; b=c"), ("secure_c_ses", "CSE.ä"), ("host_c_oses", "x\r\ny"), ("csesidx", "1&x=2"),
            ("config_id", "a/b"), ("user_agent", "a\nb"),
        ])
    func badValues(key: String, value: String) throws {
        var credential = BusinessWorld.credential
        credential.values[key] = Secret(value)
        let problem = try #require(try BusinessWorld().provider.problem(with: credential))
        #expect(problem.contains(key))
        #expect(!problem.contains(value))
    }
}

@Suite("Gemini Business: settings")
struct BusinessSettingsTests {
    private let place = SettingsPosition(file: "settings.yaml", line: 1, column: 1)

    private func read(_ values: [String: String]) -> (settings: GeminiBusinessSettings, issues: [String]) {
        let entries = values.sorted { $0.key < $1.key }.map { key, value in
            SettingsEntry(key: key, at: place, value: SettingsNode(.scalar(SettingsScalar(value)), at: place))
        }
        var map = SettingsMap(SettingsNode(.mapping(entries), at: place))
        let settings = GeminiBusinessSettings(reading: &map)
        return (settings, map.issues.sorted.map(\.message))
    }

    @Test("without keys the real hosts are used")
    func defaults() {
        let (settings, issues) = read([:])
        #expect(issues.isEmpty)
        #expect(settings.authBase == "https://business.gemini.google")
        #expect(settings.apiBase == "https://biz-discoveryengine.googleapis.com")
        #expect(settings.accountsBase == "https://auth.business.gemini.google")
        #expect(settings.webGrounding)
        #expect(GeminiBusinessProvider.defaultDeadlines.firstByte == .seconds(300))
        #expect(GeminiBusinessProvider.defaultDeadlines.gap == .seconds(300))
        #expect(GeminiBusinessProvider.defaultDeadlines.total == .seconds(600))
    }

    @Test(
        "plain http is for loopback, unless the operator says otherwise",
        arguments: [
            ("http://127.0.0.1:8098", true), ("http://localhost:1", true), ("http://[::1]:8098", true),
            ("https://proxy.example", true), ("http://proxy.example", false), ("http://127.evil.example", false),
        ])
    func plainHTTP(base: String, isAccepted: Bool) {
        #expect(read(["api_base": base]).issues.isEmpty == isAccepted)
        #expect(read(["api_base": base, "allow_plain_http": "true"]).issues.isEmpty)
    }

    @Test("an unknown key is refused with the one that was meant")
    func unknownKey() {
        #expect(read(["languge_code": "de"]).issues == ["unknown key; did you mean \"language_code\"?"])
    }

    @Test("a model's name upstream is its own, another, or left to the upstream")
    func models() {
        let list = SettingsNode(
            .sequence([
                node(["id": "a"]), node(["id": "b", "model_id": "B"]), node(["id": "c", "model_id": "auto"]),
            ]), at: place)
        var map = SettingsMap(SettingsNode(.mapping([SettingsEntry(key: "models", at: place, value: list)]), at: place))
        let settings = GeminiBusinessSettings(reading: &map)
        #expect(map.issues.sorted.isEmpty)
        #expect(
            settings.models == [
                BusinessModel(id: "a", upstreamID: "a"), BusinessModel(id: "b", upstreamID: "B"),
                BusinessModel(id: "c", upstreamID: nil),
            ])
    }

    private func node(_ values: [String: String]) -> SettingsNode {
        let entries = values.sorted { $0.key < $1.key }.map { key, value in
            SettingsEntry(key: key, at: place, value: SettingsNode(.scalar(SettingsScalar(value)), at: place))
        }
        return SettingsNode(.mapping(entries), at: place)
    }
}

import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini web: models")
struct WebModelTests {
    private static let table: WebModelTable = {
        let status = WebStatus((try? JSON.parse(Array(WebWorld.status.utf8))) ?? .null)
        return WebModelTable(models: status.models, aliases: ["fast": "gemini-flash", "nothing": "gemini-ultra"])
    }()

    private func name(_ wanted: String) -> String? {
        switch Self.table.choice(for: wanted) {
        case .automatic: "auto"
        case .model(let model): model.name
        case nil: nil
        }
    }

    @Test(
        "a model answers to its name, id, category, display name and versions",
        arguments: [
            ("gemini-flash", "gemini-flash"), ("fbb127bbb056c959", "gemini-flash"), ("Flash", "gemini-flash"),
            ("3.5 Flash", "gemini-flash"), ("gemini-3.5-flash", "gemini-flash"), ("gemini-3-flash", "gemini-flash"),
            ("gemini-2.5-flash", "gemini-flash"), ("flash", "gemini-flash"), ("gemini-2.5-pro", "gemini-pro"),
            ("gemini-3.1-pro", "gemini-pro"), ("fast", "gemini-flash"), ("gemini-auto", "auto"),
            ("gemini-ultra", nil), ("nothing", nil), ("", nil), ("gemini-flash-lite", nil),
        ] as [(String, String?)])
    func names(_ wanted: String, _ found: String?) { #expect(name(wanted) == found) }

    @Test("an account's models, tier and numbers are read from its status")
    func status() throws {
        let status = WebStatus(try JSON.parse(Array(WebWorld.status.utf8)))
        #expect(status.code == 1000)
        #expect(status.capacity == 2)
        #expect(status.models.map(\.id) == ["fbb127bbb056c959", "9d8ca3786ebdfbea"])
        #expect(status.models.map(\.number) == [1, 3])
        #expect(status.models.map(\.displayName) == ["3.5 Flash", "3.1 Pro"])
    }

    @Test(
        "the tier follows the flags",
        arguments: [
            ("[],[115,19]", 4), ("[16],[]", 3), ("[],[106]", 3), ("[8],[]", 2), ("[],[19]", 2), ("[21],[1]", 1),
            ("null,null", 1),
        ])
    func tiers(_ flags: String, _ capacity: Int) throws {
        let nulls = String(repeating: "null,", count: 16)
        #expect(WebStatus(try JSON.parse(Array("[\(nulls)\(flags)]".utf8))).capacity == capacity)
    }

    @Test("before an account was asked the usual models are offered, afterwards its own")
    func listed() async throws {
        let world = try WebWorld()
        #expect(world.provider.offeredModels == nil)
        let before = world.provider.modelsUntilListed?.map(\.id) ?? []
        #expect(before.prefix(4) == ["gemini-auto", "gemini-flash", "gemini-pro", "gemini-flash-lite"])
        #expect(before.contains("gemini-2.5-pro"))
        let models = try await world.provider.listModels(on: world.lease)
        #expect(
            models.prefix(5).map(\.id) == [
                "gemini-auto", "gemini-flash", "gemini-3.5-flash", "gemini-pro", "gemini-3.1-pro",
            ])
        #expect(!models.map(\.id).contains("gemini-flash-lite"))
        #expect(models[1].displayName == "3.5 Flash")
        _ = try await world.provider.listModels(on: world.lease)
        #expect(world.requests("otAQ7b").count == 2)
        #expect(world.requests("app").count == 1)
    }

    @Test("the operator's own list is offered and used as it stands")
    func configured() async throws {
        let world = try WebWorld(settings: {
            $0.models = [WebModel(name: "mine", id: "0123456789abcdef", number: 9)]
            $0.aliases = [:]
        })
        #expect(world.provider.offeredModels?.map(\.id) == ["gemini-auto", "mine"])
        _ = try await world.events(.askingWeb("x", model: "mine"))
        let selector = world.requests("StreamGenerate").first?.fields["x-goog-ext-525001261-jspb"]
        #expect(selector?.contains("0123456789abcdef") == true)
    }

    @Test("an account is tried without a question")
    func probe() async throws {
        let world = try WebWorld()
        var steps: [ProbeStep] = []
        await world.provider.probe(world.lease) { steps.append($0) }
        #expect(steps.map(\.name) == ["session", "models (gemini-flash, gemini-pro)"])
        #expect(world.requests("StreamGenerate").isEmpty)
        let dead = try WebWorld(script: { _, _ in FakeResponse(403, text: "") })
        steps = []
        await dead.provider.probe(dead.lease) { steps.append($0) }
        #expect(steps.first?.failure?.kind == .upstreamAuth)
    }
}

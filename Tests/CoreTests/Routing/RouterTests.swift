import PolluxCore
import Testing

@Suite("From a model's name to targets")
struct RouterTests {
    private typealias Entry = ModelCatalog.Entry

    private func entry(_ provider: String, _ models: [String]?, _ capabilities: ModelInfo.Capabilities = [.chat])
        -> Entry
    {
        Entry(
            provider: provider, models: models?.map { ModelInfo(id: $0, owner: provider, capabilities: capabilities) })
    }

    private func targets(
        _ model: String, _ catalog: [Entry], routes: [ModelRoute] = [], needs: ModelInfo.Capabilities = []
    ) throws -> [String] {
        let router = Router(routes: routes)
        return try router.targets(for: model, needs: needs, in: catalog).map { "\($0.provider):\($0.model)" }
    }

    private func refusal(_ model: String, _ catalog: [Entry], routes: [ModelRoute] = []) -> GatewayError? {
        #expect(throws: GatewayError.self) { try targets(model, catalog, routes: routes) }
    }

    @Test("a model that several providers offer is served by all of them, in the order of the file")
    func severalProviders() throws {
        let catalog = [
            entry("web", ["pro", "flash"]), entry("business", ["flash"]), entry("google", ["flash", "pro"]),
        ]
        #expect(try targets("flash", catalog) == ["web:flash", "business:flash", "google:flash"])
        #expect(try targets("pro", catalog) == ["web:pro", "google:pro"])
    }

    @Test("an entry under models: leads where it says, whatever the providers offer")
    func entries() throws {
        let route = ModelRoute(
            id: "flash",
            targets: [RouteTarget(provider: "google", model: "g-flash"), RouteTarget(provider: "web", model: "w")])
        let catalog = [entry("web", ["flash"]), entry("google", [])]
        #expect(try targets("flash", catalog, routes: [route]) == ["google:g-flash", "web:w"])
    }

    @Test("provider/model names one provider")
    func addressed() throws {
        let catalog = [entry("web", ["flash"]), entry("business", ["flash"])]
        #expect(try targets("business/flash", catalog) == ["business:flash"])
        #expect(refusal("business/pro", catalog)?.kind == .modelNotFound)
        #expect(refusal("nobody/flash", catalog)?.kind == .modelNotFound)
        #expect(refusal("business/", catalog)?.kind == .modelNotFound)
    }

    @Test("ids with a slash are found whole before their first part counts as a provider")
    func slashIDs() throws {
        let catalog = [entry("meta", ["llama"]), entry("local", ["meta/llama", "org/team/model"])]
        #expect(try targets("meta/llama", catalog) == ["local:meta/llama"])
        #expect(try targets("org/team/model", catalog) == ["local:org/team/model"])
        #expect(try targets("local/org/team/model", catalog) == ["local:org/team/model"])
    }

    @Test("a provider whose models nobody knows yet takes any name, but stands back for one that is known to offer it")
    func openCatalog() throws {
        let catalog = [entry("local", nil), entry("business", ["flash"])]
        #expect(try targets("anything", catalog) == ["local:anything"])
        #expect(try targets("local/anything/else", catalog) == ["local:anything/else"])
        #expect(try targets("flash", catalog) == ["business:flash"])
    }

    @Test("targets that cannot honour a request rank last and keep their order; unknown ones are given the benefit")
    func capabilities() throws {
        let route = ModelRoute(
            id: "m",
            targets: ["plain", "able", "plain2", "unknown"].map { RouteTarget(provider: $0, model: "m") })
        let catalog = [
            entry("plain", ["m"]), entry("plain2", ["m"]), entry("able", ["m"], [.chat, .tools]), entry("unknown", nil),
        ]
        #expect(
            try targets("m", catalog, routes: [route], needs: .tools) == ["able:m", "unknown:m", "plain:m", "plain2:m"])
        #expect(try targets("m", catalog, routes: [route]) == ["plain:m", "able:m", "plain2:m", "unknown:m"])
    }

    @Test("an unknown name is answered with the nearest one and the number of all")
    func nearestName() {
        let catalog = [entry("web", ["gemini-3-flash", "gemini-2.5-pro"])]
        let error = refusal("gemini-3-flsh", catalog)
        #expect(
            error?.message == "no route serves the model \"gemini-3-flsh\"; nearest: \"gemini-3-flash\". "
                + "GET /v1/models lists all 2")
        #expect(error?.param == "model")
        #expect(refusal("zzz", catalog)?.message == "no route serves the model \"zzz\". GET /v1/models lists all 2")
        #expect(refusal("zzz", [])?.message == "no route serves the model \"zzz\". no provider offers a model yet")
    }

    @Test("a name of any length is answered with a short sentence")
    func longName() {
        let error = refusal(String(repeating: "é\u{301}", count: 100_000), [entry("web", ["flash"])])
        #expect((error?.message.utf8.count ?? .max) < 600)
    }

    @Test("one name is described as in the list, and so is provider/model; a name nobody is known to offer is not")
    func oneModel() {
        var (large, small) = (ModelInfo(id: "flash", owner: "web"), ModelInfo(id: "flash", owner: "business"))
        (large.inputTokenLimit, small.inputTokenLimit) = (1000, 200)
        let catalog = [
            Entry(provider: "web", models: [large]), Entry(provider: "business", models: [small]), entry("open", nil),
        ]
        let route = ModelRoute(id: "mine", targets: [RouteTarget(provider: "open", model: "x")])
        let router = Router(routes: [route])
        #expect(router.model(named: "flash", in: catalog)?.inputTokenLimit == 200)
        #expect(router.model(named: "web/flash", in: catalog)?.inputTokenLimit == 1000)
        #expect(router.model(named: "web/flash", in: catalog)?.id == "web/flash")
        #expect(router.model(named: "mine", in: catalog)?.owner == "open")
        for name in ["other", "web/other", "open/other", "", "/"] {
            #expect(router.model(named: name, in: catalog) == nil, "\(name)")
        }
    }

    @Test("the list shows entries first, then what the providers offer, each name once, with the smallest limits")
    func list() {
        var (large, small) = (ModelInfo(id: "flash", owner: "web"), ModelInfo(id: "flash", owner: "business"))
        (large.inputTokenLimit, small.inputTokenLimit, small.outputTokenLimit) = (1000, 200, 50)
        let catalog = [
            Entry(provider: "web", models: [large]), Entry(provider: "business", models: [small]), entry("local", nil),
        ]
        let mine = ModelRoute(id: "mine", targets: [RouteTarget(provider: "local", model: "x")])
        let models = Router(routes: [mine]).models(in: catalog)
        #expect(models.map(\.id) == ["mine", "flash"])
        #expect(models.map(\.owner) == ["local", "web"])
        #expect(models.map(\.inputTokenLimit) == [nil, 200])
        #expect(models.map(\.outputTokenLimit) == [nil, 50])
    }
}

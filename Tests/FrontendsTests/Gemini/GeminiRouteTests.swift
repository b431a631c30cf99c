import PolluxCore
import PolluxFrontends
import Testing

@Suite("Paths and models in the Gemini format")
struct GeminiRouteTests {
    private let frontend: GeminiFrontend

    init() throws { frontend = try GeminiDecoding.frontend() }

    @Test("a path with a version serves the other versions too, and claims the uploads beside it")
    func mounts() {
        let mounts = frontend.mounts(at: "/gemini/v1beta")
        #expect(
            mounts.map(\.path) == [
                "/gemini/v1beta", "/gemini/v1", "/gemini/v1alpha", "/gemini/v1beta1", "/gemini/upload/v1beta",
            ])
        #expect(mounts.map(\.ownsUnknownPaths) == [true, false, false, false, true])
        #expect(frontend.mounts(at: "/google").map(\.path) == ["/google"])
        #expect(GeminiFrontend.defaultPaths == ["/v1beta", "/gemini/v1beta"])
    }

    @Test(
        "a request with this dialect's key is recognised",
        arguments: [
            ("/v1/models", ["x-goog-api-key": "k"], true), ("/v1/models?key=k", [:], true),
            ("/v1/models?a=b&key=k", [:], true), ("/v1/models?monkey=k", [:], false),
            ("/v1/models", ["authorization": "Bearer k"], false),
        ] as [(String, HTTPFields, Bool)])
    func mark(_ target: String, _ fields: HTTPFields, _ isOurs: Bool) {
        #expect(frontend.recognises(HTTPRequestHead(method: .get, target: target, fields: fields)) == isOurs)
        #expect(frontend.takesQueryKey)
    }

    @Test(
        "what Google has and this gateway has not is said plainly",
        arguments: [
            ("POST", ["cachedContents"], 501), ("GET", ["cachedContents", "x"], 501), ("GET", ["tunedModels"], 501),
            ("POST", ["tunedModels", "x:generateContent"], 501), ("POST", ["files"], 501),
            ("GET", ["files", "a"], 501),
            ("POST", ["files:register"], 501), ("POST", ["models", "x:embedContent"], 501),
            ("POST", ["models", "a", "b:batchEmbedContents"], 501), ("POST", ["models", "x:predict"], 501),
            ("POST", ["models", "x:predictLongRunning"], 501), ("POST", ["models", "x:batchGenerateContent"], 501),
            ("POST", ["interactions"], 501), ("POST", ["corpora", "x"], 501), ("POST", ["models", "x:dance"], 404),
            ("POST", ["models", "x"], 404), ("GET", ["nothing"], nil), ("DELETE", ["models", "x"], nil),
            ("GET", [], nil),
        ] as [(String, [String], Int?)])
    func refusals(_ method: String, _ path: [String], _ status: Int?) throws {
        let error = frontend.refusal(of: HTTPMethod(rawValue: method), at: path)
        let answer = error.map { frontend.encode(error: $0, ChatRun.reply) }
        #expect(answer?.head.status == status)
        guard let answer, status == 501 else { return }
        let body = try JSON.parse(answer.body)["error"]
        #expect(body?["status"] == "UNIMPLEMENTED")
        #expect(body?["message"]?.string?.hasPrefix("this gateway does not offer ") == true)
    }

    @Test("a model says what can be done with it")
    func model() throws {
        var model = ModelInfo(id: "a/b:c", owner: "local", created: 7)
        (model.description, model.inputTokenLimit, model.outputTokenLimit) = ("d", 1000, 10)
        #expect(
            String(decoding: frontend.encode(model: model, ChatRun.reply).body, as: UTF8.self)
                == #"{"name":"models/a/b:c","baseModelId":"a/b:c","version":"1","displayName":"a/b:c","#
                + #""description":"d","#
                + #""inputTokenLimit":1000,"outputTokenLimit":10,"#
                + #""supportedGenerationMethods":["generateContent","streamGenerateContent","countTokens"]}"#)
        model.capabilities = [.imageOutput]
        let answer = try JSON.parse(frontend.encode(model: model, ChatRun.reply).body)
        #expect(answer["supportedGenerationMethods"] == [])
    }

    @Test("pages lead through the whole list, and a list that changed in between loses nothing that stayed")
    func pages() throws {
        var models = (1...7).map { ModelInfo(id: "m\($0)", owner: "o") }
        var (names, token) = ([String](), String?.none)
        var pageCount = 0
        repeat {
            var query = [(name: "pageSize", value: "3")]
            if let token { query.append(("pageToken", token)) }
            let page = try list(models, query)
            names += page.names
            token = page.next
            pageCount += 1
            models.removeAll { $0.id == "m1" }
        } while token != nil && pageCount < 10
        #expect(names == (1...7).map { "models/m\($0)" })
        #expect(pageCount == 3)
    }

    @Test("without a size a page holds 50, and never more than 1000")
    func pageSizes() throws {
        let models = (1...1200).map { ModelInfo(id: "m\($0)", owner: "o") }
        #expect(try list(models, []).names.count == 50)
        #expect(try list(models, [("page_size", "5000")]).names.count == 1000)
        #expect(try list(models, [("pageSize", "0")]).names.count == 50)
        #expect(try list([], []).next == nil)
    }

    @Test(
        "a page that is none is a 400",
        arguments: [("pageSize", "-1"), ("pageSize", "x"), ("pageToken", "!"), ("pageToken", "bTk")])
    func badPages(_ name: String, _ value: String) throws {
        var request = IncomingRequest.gemini("")
        (request.route, request.query) = (Route(.get, "/models"), [(name, value)])
        let call: GatewayCall
        do {
            call = try frontend.decode(request)
        } catch {
            #expect(frontend.encode(error: error, ChatRun.reply).head.status == 400)
            return
        }
        guard case .listModels(let page) = call else { return #expect(Bool(false)) }
        let answer = frontend.encode(models: [ModelInfo(id: "m1", owner: "o")], page: page, ChatRun.reply)
        #expect(answer.head.status == 400)
    }

    private func list(
        _ models: [ModelInfo], _ query: [(name: String, value: String)]
    ) throws -> (names: [String], next: String?) {
        var request = IncomingRequest.gemini("")
        (request.route, request.query) = (Route(.get, "/models"), query)
        guard case .listModels(let page) = try frontend.decode(request) else { return ([], nil) }
        let answer = try JSON.parse(frontend.encode(models: models, page: page, ChatRun.reply).body)
        return (answer["models"]?.array?.compactMap { $0["name"]?.string } ?? [], answer["nextPageToken"]?.string)
    }
}

import PolluxCore
import PolluxFrontends
import Testing

@Suite("Models in the OpenAI format")
struct ModelRouteTests {
    @Test("models are listed and looked up by ids with slashes and colons")
    func modelRoutes() throws {
        let frontend = try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
        #expect(frontend.routes.map(\.template) == ["/models", "/models/{id...}", "/chat/completions"])
        var request = IncomingRequest.chat([])
        request.route = frontend.routes[0]
        #expect(try frontend.decode(request) == .listModels())
        request.route = frontend.routes[1]
        request.variables = ["id": "org/model:free"]
        #expect(try frontend.decode(request) == .getModel(id: "org/model:free"))
    }

    @Test("models are listed with exactly the four fields")
    func models() throws {
        let frontend = try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
        let model = ModelInfo(id: "a/b:c", owner: "local", created: 7)
        let one = #"{"id":"a/b:c","object":"model","created":7,"owned_by":"local"}"#
        #expect(String(decoding: frontend.encode(model: model, ChatRun.reply).body, as: UTF8.self) == one)
        #expect(
            String(decoding: frontend.encode(models: [model, model], page: .all, ChatRun.reply).body, as: UTF8.self)
                == #"{"object":"list","data":[\#(one),\#(one)]}"#)
        #expect(
            String(decoding: frontend.encode(models: [], page: .all, ChatRun.reply).body, as: UTF8.self)
                == #"{"object":"list","data":[]}"#)
    }
}

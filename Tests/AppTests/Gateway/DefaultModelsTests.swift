import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Requests that name no model")
struct DefaultModelsTests {
    private static let provider =
        "providers: [{name: l, kind: openai-compatible, base_url: \"http://127.0.0.1:1/v1\", models: [chat, paint]}]"

    private func model(_ settings: String, asked: String = "", image: Bool = false) throws -> String {
        let gateway = try GatewayWorld(settings + "\n" + Self.provider).gateway
        var request = ModelRequest(id: "r", model: asked)
        if image { request.modalities = [.text, .image] }
        let named = try gateway.defaultModels.applied(to: request, gateway.pipeline)
        #expect(named.resolvedModel == named.model)
        return named.model
    }

    @Test("they get models_default: its image model when they ask for an image, else its text model")
    func defaults() throws {
        let settings = "models_default: {text: chat, image: l/paint}"
        #expect(try model(settings) == "chat")
        #expect(try model(settings, image: true) == "l/paint")
        #expect(try model(settings, asked: "named", image: true) == "named")
    }

    @Test("an entry of models: may be the default")
    func entry() throws {
        #expect(try model("models: [{id: gemini-auto, targets: [l/chat]}]") == "gemini-auto")
    }

    @Test("a default that nobody offers is no answer: the request is told to name a model")
    func unknown() throws {
        let error = #expect(throws: GatewayError.self) { try model("") }
        #expect(
            error?.message == "model is missing, and no provider offers the default \"gemini-auto\" "
                + "(models_default.text); name a model: GET /v1/models lists them")
        #expect(error?.code == "missing_required_parameter")
        #expect(error?.param == "model")
    }
}

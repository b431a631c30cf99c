public import PolluxCore

/// The OpenAI format: models and chat completions, whole and streamed.
public struct OpenAIFrontend: Frontend {
    public static let kind: PluginKind = "openai"
    public static let defaultPaths = ["/v1"]

    private let settings: OpenAIFrontendSettings

    public init(settings: OpenAIFrontendSettings, context: FrontendContext) throws(GatewayError) {
        self.settings = settings
    }

    /// Many tools configure the bare host: `/v1/chat/completions` also answers at `/chat/completions`.
    public func mounts(at path: String) -> [FrontendMount] {
        let own = FrontendMount(path, routes)
        guard path.hasSuffix("/v1") else { return [own] }
        return [own, FrontendMount(String(path.dropLast("/v1".count)), routes, ownsUnknownPaths: false)]
    }

    public var routes: [Route] { [Self.models, Self.model, Self.chatCompletions] }

    private static let models = Route(.get, "/models")
    private static let model = Route(.get, "/models/{id...}")
    private static let chatCompletions = Route(.post, "/chat/completions")

    public func decode(_ request: IncomingRequest) throws(GatewayError) -> GatewayCall {
        switch request.route {
        case Self.models: return .listModels()
        case Self.model: return .getModel(id: request.variables["id"] ?? "")
        case Self.chatCompletions: return .generate(try ChatRequestDecoder.decode(request))
        default:
            throw GatewayError(.routeNotFound, .request, "there is no such endpoint; see GET /models for a start")
        }
    }

    public func makeEncoder(for request: ModelRequest, _ reply: ReplyContext) -> any ResponseEncoder {
        ChatStreamEncoder(for: request, reply, settings)
    }

    public func encode(_ response: ModelResponse, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        if let block = response.promptBlock { return .openAI(block.gatewayError) }
        return ChatAnswerEncoder(request: request, reply: reply, settings: settings).encode(response)
    }

    /// The format lists everything at once.
    public func encode(models: [ModelInfo], page: ModelPage, _ reply: ReplyContext) -> HTTPAnswer { .openAI(models) }

    public func encode(model: ModelInfo, _ reply: ReplyContext) -> HTTPAnswer { .openAI(model) }

    public func encode(error: GatewayError, _ reply: ReplyContext) -> HTTPAnswer { .openAI(error) }
}

public import PolluxCore

/// The Gemini format: models, generations whole and streamed, and counts of tokens.
public struct GeminiFrontend: Frontend {
    public static let kind: PluginKind = "gemini"
    public static let defaultPaths = ["/v1beta", "/gemini/v1beta"]

    private let settings: GeminiFrontendSettings
    private let log: Logger

    public init(settings: GeminiFrontendSettings, context: FrontendContext) throws(GatewayError) {
        (self.settings, log) = (settings, context.log)
    }

    /// A key in the query is this format's own convention.
    public var takesQueryKey: Bool { true }

    public func recognises(_ head: HTTPRequestHead) -> Bool {
        head.fields["x-goog-api-key"] != nil || head.query.split(separator: "&").contains { $0.hasPrefix("key=") }
    }

    // MARK: - Paths

    public var routes: [Route] { [Self.generate, Self.stream, Self.countTokens, Self.models, Self.model] }

    private static let models = Route(.get, "/models")
    private static let model = Route(.get, "/models/{id...}")
    private static let generate = Route(.post, "/models/{id...}:generateContent")
    private static let stream = Route(.post, "/models/{id...}:streamGenerateContent")
    private static let countTokens = Route(.post, "/models/{id...}:countTokens")

    private static let versions = ["v1beta", "v1", "v1alpha", "v1beta1"]

    /// A client joins its base address, a version and the path, and clients differ in the version. Uploads stand below
    /// the base address, and are only refused.
    public func mounts(at path: String) -> [FrontendMount] {
        var mounts = [FrontendMount(path, routes)]
        guard let slash = path.lastIndex(of: "/") else { return mounts }
        let (base, version) = (path[..<slash], path[path.index(after: slash)...])
        guard Self.versions.contains(String(version)) else { return mounts }
        for other in Self.versions where other != version {
            mounts.append(FrontendMount("\(base)/\(other)", routes, ownsUnknownPaths: false))
        }
        mounts.append(FrontendMount("\(base)/upload/\(version)", []))
        return mounts
    }

    public func refusal(of method: HTTPMethod, at path: [String]) -> GatewayError? {
        GeminiRefusals.refusal(of: method, at: path)
    }

    /// The official libraries read bytes alone, but cannot read one line of a stream above 4 MiB; a film is never
    /// that small.
    public func mediaPreference(for request: ModelRequest) -> MediaPreference {
        MediaPreference(
            output: .base64, mostInlineBytes: request.stream ? settings.maxInlineImageBytes : Self.mostInlineBytes,
            hasMediaParts: true, mostInlineFilmBytes: Self.mostInlineFilmBytes)
    }

    private static let mostInlineBytes = 32 << 20
    private static let mostInlineFilmBytes = 20 << 20

    // MARK: - Codec

    public func decode(_ request: IncomingRequest) throws(GatewayError) -> GatewayCall {
        switch request.route {
        case Self.models: return .listModels(try ModelPage(geminiQuery: request.query))
        case Self.model: return .getModel(id: request.variables["id"] ?? "")
        case Self.generate: return .generate(try GeminiRequestDecoder.decode(request, settings, log))
        case Self.stream:
            var call = try GeminiRequestDecoder.decode(request, settings, log)
            call.stream = true
            if Self.wantsEvents(request.query) { call.extensions[GeminiForm.isEventStream] = true }
            return .generate(call)
        case Self.countTokens: return .countTokens(try GeminiRequestDecoder.decodeCount(request, settings, log))
        default: throw GatewayError(.routeNotFound, .request, "there is no such method; see GET /v1beta/models")
        }
    }

    private static func wantsEvents(_ query: [(name: String, value: String)]) -> Bool {
        query.contains { ($0.name == "alt" || $0.name == "$alt") && $0.value.lowercased() == "sse" }
    }

    public func makeEncoder(for request: ModelRequest, _ reply: ReplyContext) -> any ResponseEncoder {
        GeminiStreamEncoder(for: request, reply)
    }

    public func encode(_ response: ModelResponse, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        GeminiAnswerEncoder(request: request, reply: reply).encode(response)
    }

    public func encode(models: [ModelInfo], page: ModelPage, _ reply: ReplyContext) -> HTTPAnswer {
        .gemini(models, page)
    }

    public func encode(model: ModelInfo, _ reply: ReplyContext) -> HTTPAnswer { .gemini(model) }

    public func encode(tokens: TokenCount, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        .gemini(tokens)
    }

    public func encode(error: GatewayError, _ reply: ReplyContext) -> HTTPAnswer { .gemini(error) }
}

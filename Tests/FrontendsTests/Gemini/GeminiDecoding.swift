import PolluxCore
import PolluxFrontends

/// Requests as the frontend understands them.
enum GeminiDecoding {
    static func frontend(_ settings: GeminiFrontendSettings = GeminiFrontendSettings()) throws -> GeminiFrontend {
        try GeminiFrontend(settings: settings, context: FrontendContext(log: .silent))
    }

    static func decode(
        _ body: String, settings: GeminiFrontendSettings = GeminiFrontendSettings()
    ) throws -> ModelRequest {
        guard case .generate(let request) = try frontend(settings).decode(.gemini(body)) else {
            throw GatewayError(.internalError, .request, "this is no generation")
        }
        return request
    }

    /// A request with one question and these further members.
    static func decode(with members: String) throws -> ModelRequest {
        try decode(#"{"contents":[{"parts":[{"text":"Hi"}]}],\#(members)}"#)
    }

    static func decode(contents: String) throws -> ModelRequest { try decode(#"{"contents":[\#(contents)]}"#) }

    static func decode(config: String) throws -> ModelRequest {
        try decode(with: #""generationConfig":{\#(config)}"#)
    }
}

extension IncomingRequest {
    static func gemini(
        _ body: String, verb: String = "generateContent", query: [(name: String, value: String)] = [],
        fields: HTTPFields = [:]
    ) -> IncomingRequest {
        IncomingRequest(
            requestID: "req_1", route: Route(.post, "/models/{id...}:\(verb)"), variables: ["id": "gemini-x"],
            query: query,
            head: HTTPRequestHead(method: .post, target: "/v1beta/models/gemini-x:\(verb)", fields: fields),
            body: Array(body.utf8), receivedAt: Instant(microseconds: 5_000_000))
    }
}

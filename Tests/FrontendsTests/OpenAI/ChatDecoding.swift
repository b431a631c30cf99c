import PolluxCore
import PolluxFrontends

/// Requests as the frontend understands them.
enum ChatDecoding {
    static func decode(_ body: String) throws(GatewayError) -> ModelRequest {
        let frontend = try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
        guard case .generate(let request) = try frontend.decode(.chat(Array(body.utf8))) else {
            throw GatewayError(.internalError, .request, "this is no generation")
        }
        return request
    }

    /// A request with one user message and these further members.
    static func decode(with members: String) throws(GatewayError) -> ModelRequest {
        try decode(#"{"model":"m","messages":[{"role":"user","content":"Hi"}],\#(members)}"#)
    }

    static func decode(message: String) throws(GatewayError) -> ModelRequest {
        try decode(#"{"model":"m","messages":[\#(message)]}"#)
    }
}

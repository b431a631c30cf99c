public import PolluxCore

/// The frontends that ship with the gateway.
public enum StandardFrontends {
    public static let all: [any Frontend.Type] = [OpenAIFrontend.self, GeminiFrontend.self]

    /// The answer to an error outside every frontend's paths, and of the HTTP layer itself (P-9): in the OpenAI format,
    /// which the most clients read.
    public static func answer(for error: GatewayError) -> HTTPAnswer { .openAI(error) }
}

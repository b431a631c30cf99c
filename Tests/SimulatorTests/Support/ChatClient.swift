import PolluxCore
import PolluxSimulator

/// A client of the simulated OpenAI-compatible upstream.
struct ChatClient {
    let http: BlockingClient

    init(_ server: SimulatorServer) { http = BlockingClient(port: server.port) }

    func chat(_ prompt: JSON, stream: Bool = false, _ change: (inout JSONObject) -> Void = { _ in })
        -> BlockingClient.Reply
    {
        http.send("POST", "/v1/chat/completions", [], Self.body(prompt, stream: stream, change).bytes())
    }

    static func body(_ prompt: JSON, stream: Bool, _ change: (inout JSONObject) -> Void = { _ in }) -> JSON {
        var body = JSONObject([
            ("model", "sim-large"), ("stream", .bool(stream)), ("messages", [["role": "user", "content": prompt]]),
        ])
        change(&body)
        return .object(body)
    }
}

extension BlockingClient.Reply {
    /// The payloads of a plainly framed event stream.
    var events: [String] {
        text.split(separator: "\n\n").compactMap { $0.hasPrefix("data: ") ? String($0.dropFirst(6)) : nil }
    }

    var chunkObjects: [JSON] { events.compactMap { try? JSON.parse(Array($0.utf8)) } }

    var deltas: [JSON] { chunkObjects.compactMap { $0["choices"]?[0]?["delta"] } }

    var streamedText: String { deltas.compactMap { $0["content"]?.string }.joined() }

    var finishReasons: [String] { chunkObjects.compactMap { $0["choices"]?[0]?["finish_reason"]?.string } }

    var message: JSON? { json?["choices"]?[0]?["message"] }
}

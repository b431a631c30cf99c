public import PolluxCore

/// A client of a gateway in the same process: no socket, no thread, the whole path of a request.
///
///     let client = GatewayClient(gateway.handler, key: "plx_…")
///     let reply = await client.post("/v1/chat/completions", ["model": "acme-1", "messages": […]])
public struct GatewayClient: Sendable {
    private let handler: any HTTPRequestHandler
    private let fields: HTTPFields

    /// - Parameters:
    ///   - key: Sent as a bearer token with every request; `nil` sends none.
    ///   - fields: Sent with every request too.
    public init(_ handler: any HTTPRequestHandler, key: String? = nil, fields: HTTPFields = [:]) {
        self.handler = handler
        var fields = fields
        fields.append("host", "127.0.0.1")
        if let key { fields.append("authorization", "Bearer \(key)") }
        self.fields = fields
    }

    /// - Parameter target: Path and query, percent-encoded: `/v1/models?x=y`.
    public func send(
        _ method: HTTPMethod, _ target: String, fields more: HTTPFields = [:], body: [UInt8] = []
    ) async -> MemoryReply {
        var fields = fields
        for field in more { fields.append(field.name, field.value) }
        let head = HTTPRequestHead(method: method, target: target, fields: fields)
        let exchange = MemoryExchange(head: head, body: body)
        await handler.handle(exchange)
        return exchange.reply
    }

    public func get(_ target: String) async -> MemoryReply { await send(.get, target) }

    public func post(_ target: String, _ body: JSON) async -> MemoryReply {
        await send(.post, target, fields: ["content-type": "application/json"], body: body.bytes())
    }

    public func post(_ target: String, text: String) async -> MemoryReply {
        await send(.post, target, fields: ["content-type": "text/plain"], body: Array(text.utf8))
    }
}

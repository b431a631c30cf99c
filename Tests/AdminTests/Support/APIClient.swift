import PolluxCore
import Testing

@testable import PolluxAdmin

/// Calls the API as the HTTP server does, and holds every answer against the document.
struct APIClient {
    let memory = MemoryBackend()
    var api: AdminAPI { AdminAPI(memory.backend) }

    struct Answer {
        var status: Int
        var json: JSON
        var fields: HTTPFields
        var error: AdminError?
        var listener: EventListener?
    }

    /// - Parameter target: Below the API's path, with a query.
    func send(
        _ method: HTTPMethod, _ target: String, _ body: JSON? = nil, fields: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(method, target, bytes: body?.bytes(), type: "application/json", fields: fields)
    }

    func send(
        _ method: HTTPMethod, _ target: String, bytes: [UInt8]?, type: String, fields: HTTPFields = [:]
    ) async throws -> Answer {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { item in
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(pair[0]), value: pair.count > 1 ? String(pair[1]) : "")
        }
        var fields = fields
        if bytes != nil { fields.append("content-type", type) }
        let request = AdminRequest(
            method: method, path: parts[0].split(separator: "/").map(String.init), query: query, fields: fields,
            caller: AdminCaller(actor: "admin key", address: "192.0.2.1", requestID: "req_test"))
        do throws(AdminError) {
            let call = try api.prepare(request)
            let reply = try await api.run(call, body: bytes ?? [])
            return try hold(reply, against: call.operation)
        } catch {
            try #require((try? ErrorCodec.shape.check(error.json)) != nil, "\(error.json.text)")
            return Answer(status: error.status, json: error.json, fields: [:], error: error)
        }
    }

    /// What is answered is what the document says.
    private func hold(_ reply: AdminReply, against operation: AdminOperation) throws(AdminError) -> Answer {
        switch (operation.answer, reply.content) {
        case (.json(let status, let shape), .json(let json)):
            do { try shape.check(json) } catch {
                Issue.record("\(operation.id) answers what its shape does not have: \(error)")
            }
            return Answer(status: status, json: json, fields: reply.fields)
        case (.jsonOrText(let shape), .json(let json)):
            do { try shape.check(json) } catch {
                Issue.record("\(operation.id) answers what its shape does not have: \(error)")
            }
            return Answer(status: 200, json: json, fields: reply.fields)
        case (.jsonOrText, .text(let text)): return Answer(status: 200, json: .string(text), fields: reply.fields)
        case (.nothing, .nothing): return Answer(status: 204, json: .null, fields: reply.fields)
        case (.events, .events(let listener)):
            return Answer(status: 200, json: .null, fields: reply.fields, listener: listener)
        default:
            Issue.record("\(operation.id) answers in another way than it declares")
            return Answer(status: 0, json: .null, fields: [:])
        }
    }
}

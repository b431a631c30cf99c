import PolluxCore

/// The operations as an OpenAPI 3.1 document. Made from the table that dispatches them, so it says what is served.
struct OpenAPIDocument {
    let operations: [AdminOperation]
    init(_ operations: [AdminOperation]) { self.operations = operations }

    /// What every operation may answer beside its own.
    private static let commonFailures = [400, 401, 403, 413, 415, 429, 500, 503, 507]

    var json: JSON {
        var components = JSONObject()
        _ = ErrorCodec.shape.schema(&components)
        var paths = JSONObject()
        for operation in operations {
            var item = paths[operation.path]?.object ?? JSONObject()
            item[operation.method.rawValue.lowercased()] = describe(operation, &components)
            paths[operation.path] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Pollux admin API", "version": "1",
                "description": "Accounts, client keys, settings and usage of a running gateway.",
            ],
            "servers": [["url": ".", "description": "Where this document was read."]],
            "security": [["adminKey": []]], "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "adminKey": [
                        "type": "http", "scheme": "bearer", "description": "`admin.key` of the settings.",
                    ]
                ], "schemas": .object(components),
            ],
        ]
    }

    private func describe(_ operation: AdminOperation, _ components: inout JSONObject) -> JSON {
        var object = JSONObject([
            ("operationId", .string(operation.id)), ("tags", [.string(operation.group)]),
            ("summary", .string(operation.summary)),
        ])
        if !operation.details.isEmpty { object["description"] = .string(operation.details) }
        if !operation.parameters.isEmpty {
            var parameters: [JSON] = []
            for parameter in operation.parameters { parameters.append(describe(parameter, &components)) }
            object["parameters"] = .array(parameters)
        }
        if let body = operation.body {
            var content = JSONObject()
            for (medium, shape) in body.media {
                content[medium.rawValue] = ["schema": shape.schema(&components)]
            }
            object["requestBody"] = ["required": .bool(body.isRequired), "content": .object(content)]
        }
        object["responses"] = responses(of: operation, &components)
        return .object(object)
    }

    private func describe(_ parameter: AdminOperation.Parameter, _ components: inout JSONObject) -> JSON {
        var object = JSONObject([
            ("name", .string(parameter.name)), ("in", .string(parameter.place.rawValue)),
            ("required", .bool(parameter.isRequired)), ("description", .string(parameter.help)),
            ("schema", parameter.shape.schema(&components)),
        ])
        if case .list = parameter.shape.kind {
            object["style"] = "form"
            object["explode"] = false
        }
        return .object(object)
    }

    private func responses(of operation: AdminOperation, _ components: inout JSONObject) -> JSON {
        var responses = JSONObject()
        switch operation.answer {
        case .json(let status, let shape):
            responses[String(status)] = [
                "description": "Done.", "content": ["application/json": ["schema": shape.schema(&components)]],
            ]
        case .jsonOrText(let shape):
            responses["200"] = [
                "description": "Done.",
                "content": [
                    "application/json": ["schema": shape.schema(&components)],
                    "text/plain": ["schema": ["type": "string"]],
                ],
            ]
        case .nothing: responses["204"] = ["description": "Done."]
        case .events:
            responses["200"] = [
                "description": "Events, until the connection ends.",
                "content": ["text/event-stream": ["schema": ["type": "string"]]],
            ]
        }
        for status in Set(Self.commonFailures + operation.failures).sorted() {
            responses[String(status)] = [
                "description": .string(Self.meaning[status] ?? "Refused."),
                "content": ["application/json": ["schema": ErrorCodec.shape.schema(&components)]],
            ]
        }
        return .object(responses)
    }

    private static let meaning = [
        400: "Something in the request cannot be used; `param` names it.", 401: "No admin key, or a wrong one.",
        403: "Not from here, or not with this key.", 404: "There is no such thing.",
        409: "It stands against what is there.", 412: "Another change came first; read it again.",
        413: "The body is too large.", 415: "The body is of another type.",
        422: "Understood, and impossible; `details` name each problem.", 429: "Too many attempts; see `Retry-After`.",
        500: "A fault of the gateway's own; see its log.", 503: "The gateway is shutting down, or busy.",
        507: "The disk takes nothing; nothing was changed.",
    ]
}

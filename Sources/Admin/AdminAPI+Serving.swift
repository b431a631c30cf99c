public import PolluxCore

/// A request for the API, its caller known.
public struct AdminRequest: Sendable {
    public var method: HTTPMethod
    /// Decoded segments below the API's path: `["keys", "key_1"]`.
    public var path: [String]
    public var query: [(name: String, value: String)]
    public var fields: HTTPFields
    public var caller: AdminCaller

    public init(
        method: HTTPMethod, path: [String], query: [(name: String, value: String)], fields: HTTPFields,
        caller: AdminCaller
    ) {
        (self.method, self.path, self.query, self.fields, self.caller) = (method, path, query, fields, caller)
    }
}

extension AdminAPI {
    /// An operation with what is needed to run it but the body.
    public struct Call: Sendable {
        public let operation: AdminOperation
        let input: AdminInput
        let medium: AdminOperation.Body.Medium?
        let shape: Shape?

        /// At most so many bytes are read; 0 when the operation takes no body.
        public var bodyLimit: Int { operation.body?.limit ?? 0 }
    }

    /// Finds the operation and checks all that stands in the head.
    ///
    /// - Throws: 404, 405, 400 for parameters, 415.
    public func prepare(_ request: AdminRequest) throws(AdminError) -> Call {
        let asked: HTTPMethod = request.method == .head ? .get : request.method
        let matching = operations.compactMap { operation in operation.match(request.path).map { (operation, $0) } }
        let exact = matching.filter { !$0.0.path.contains("{") }
        // `/accounts/import` is no account called "import".
        let candidates = exact.isEmpty ? matching : exact
        guard !candidates.isEmpty else {
            throw .notFound("the admin API has no such path; \(Self.path)/openapi.json lists them", code: "not_found")
        }
        guard let (operation, variables) = candidates.first(where: { $0.0.method == asked }) else {
            var error = AdminError(405, "method_not_allowed", "this path does not take \(request.method.rawValue)")
            error.allowed = candidates.map(\.0.method)
            throw error
        }
        let parameters = try ParameterReader(operation).read(variables, request)
        let (medium, shape) = try medium(of: request, operation)
        return Call(
            operation: operation, input: AdminInput(caller: request.caller, parameters: parameters), medium: medium,
            shape: shape)
    }

    /// Checks the body and runs the operation.
    public func run(_ call: Call, body: [UInt8]) async throws(AdminError) -> AdminReply {
        var input = call.input
        if let declared = call.operation.body {
            input.rawBody = body
            if body.isEmpty {
                guard !declared.isRequired else {
                    throw .invalid(nil, "this operation needs a JSON body", code: "missing_body")
                }
            } else if call.medium == .text {
                input.body = .string(String(decoding: body, as: UTF8.self))
            } else {
                input.body = try Self.parse(body)
                do { try call.shape?.check(input.body) } catch { throw error.adminError }
            }
        } else if !body.isEmpty {
            throw .invalid(nil, "this operation takes no body", code: "unexpected_body")
        }
        return try await perform(call.operation, input)
    }

    private static func parse(_ body: [UInt8]) throws(AdminError) -> JSON {
        do { return try JSON.parse(body) } catch {
            throw .invalid(nil, "the body is no valid JSON: \(error)", code: "invalid_json")
        }
    }

    /// - Throws: 415 when a body comes in a form that the operation does not read.
    private func medium(
        of request: AdminRequest, _ operation: AdminOperation
    ) throws(AdminError) -> (AdminOperation.Body.Medium?, Shape?) {
        guard let body = operation.body else { return (nil, nil) }
        guard let text = request.fields["content-type"] else {
            // Without a body there is no type either.
            if !body.isRequired { return (nil, nil) }
            throw unsupported(body)
        }
        let essence = text.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard let found = body.media.first(where: { $0.medium.rawValue == essence }) else { throw unsupported(body) }
        return (found.medium, found.shape)
    }

    private func unsupported(_ body: AdminOperation.Body) -> AdminError {
        let types = body.media.map(\.medium.rawValue).joined(separator: " or ")
        return AdminError(415, "unsupported_media_type", "send the body as Content-Type: \(types)")
    }
}

/// Reads parameters into the types that their shapes say.
private struct ParameterReader {
    let operation: AdminOperation

    init(_ operation: AdminOperation) { self.operation = operation }

    func read(
        _ variables: [String: String], _ request: AdminRequest
    ) throws(AdminError) -> [String: JSON] {
        var values: [String: JSON] = [:]
        for parameter in operation.parameters {
            let text: String? =
                switch parameter.place {
                case .path: variables[parameter.name]
                case .query: request.query.first { $0.name == parameter.name }?.value
                case .header: request.fields[parameter.name]
                }
            guard let text else {
                guard parameter.isRequired else { continue }
                throw .invalid(
                    parameter.name, "'\(parameter.name)' is missing; \(parameter.help)",
                    code: "missing_required_parameter")
            }
            let value = Self.value(text, parameter.shape)
            do { try parameter.shape.check(value) } catch {
                throw .invalid(parameter.name, "'\(parameter.name)' \(error.problem)", code: error.code)
            }
            values[parameter.name] = value
        }
        try refuseUnknown(request.query)
        return values
    }

    private func refuseUnknown(_ query: [(name: String, value: String)]) throws(AdminError) {
        let known = operation.parameters.filter { $0.place == .query }.map(\.name)
        var seen: Set<String> = []
        for item in query {
            guard known.contains(item.name) else {
                let hint = nearest(to: item.name, among: known).map { "; did you mean '\($0)'?" } ?? ""
                throw .invalid(item.name, "'\(item.name)' is no parameter of this path\(hint)", code: "unknown_field")
            }
            guard seen.insert(item.name).inserted else {
                throw .invalid(item.name, "'\(item.name)' is given twice; give it once")
            }
        }
    }

    /// A query has only texts; a number in it is written like one of JSON.
    private static func value(_ text: String, _ shape: Shape) -> JSON {
        switch shape.kind {
        case .integer:
            let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
            return isPlain ? Int(text).map { .number(JSONNumber($0)) } ?? .string(text) : .string(text)
        case .boolean: return text == "true" ? true : text == "false" ? false : .string(text)
        case .list: return .array(text.split(separator: ",").map { .string(String($0)) })
        default: return .string(text)
        }
    }
}

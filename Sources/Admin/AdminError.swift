public import PolluxCore

/// Why an operation was refused: `{"error": {"code", "message", "param"?, "details"?}}`.
public struct AdminError: Error, Sendable, Equatable {
    /// One of several things that are wrong: a line of an import, a key of the settings.
    public struct Detail: Sendable, Equatable {
        public var param: String?
        public var line: Int?
        public var message: String

        public init(param: String? = nil, line: Int? = nil, _ message: String) {
            (self.param, self.line, self.message) = (param, line, message)
        }
    }

    public var status: Int
    public var code: String
    /// Says what happened and what to do next; holds no secret.
    public var message: String
    /// The field at fault, in the caller's own spelling: `limits.requests`.
    public var param: String?
    public var details: [Detail]
    public var retryAfter: Duration?
    /// What was changed before it went wrong, for the audit log; `nil` when nothing was.
    public var changed: String?
    /// The methods that a path takes, for a 405.
    public var allowed: [HTTPMethod] = []

    public init(
        _ status: Int, _ code: String, _ message: String, param: String? = nil, details: [Detail] = [],
        retryAfter: Duration? = nil
    ) {
        (self.status, self.code, self.message, self.param) = (status, code, message, param)
        (self.details, self.retryAfter) = (details, retryAfter)
    }

    /// What a port of the gateway says: codes that stores and rules agree on decide before kinds do.
    public init(_ error: GatewayError) {
        let code = error.code ?? Self.code(of: error.kind)
        let status =
            switch code {
            case "storage_unavailable": 507
            case "version_conflict": 412
            case "not_found": 404
            case "conflict": 409
            default: error.kind == .cancelled ? 503 : error.httpStatus
            }
        self.init(status, code, error.message, param: error.param, retryAfter: error.retryAfter)
    }

    public static func invalid(_ param: String?, _ message: String, code: String = "invalid_value") -> AdminError {
        AdminError(400, code, message, param: param)
    }

    public static func notFound(_ what: String, code: String) -> AdminError { AdminError(404, code, what) }

    /// `requestTooLarge` → `request_too_large`
    private static func code(of kind: GatewayError.Kind) -> String {
        kind.rawValue.reduce(into: "") { text, letter in
            if letter.isUppercase { text += "_" }
            text += letter.lowercased()
        }
    }

    public var json: JSON {
        var error: JSONObject = JSONObject([("code", .string(code)), ("message", .string(message))])
        if let param { error["param"] = .string(param) }
        if !details.isEmpty { error["details"] = .array(details.map(Self.json)) }
        return .object(JSONObject([("error", .object(error))]))
    }

    private static func json(_ detail: Detail) -> JSON {
        var object = JSONObject()
        if let param = detail.param { object["param"] = .string(param) }
        if let line = detail.line { object["line"] = .number(JSONNumber(line)) }
        object["message"] = .string(detail.message)
        return .object(object)
    }
}

/// Asks a port of the gateway, and says its errors in the words of this API.
public func asking<Value>(
    _ body: () async throws(GatewayError) -> Value
) async throws(AdminError) -> Value {
    do { return try await body() } catch { throw AdminError(error) }
}

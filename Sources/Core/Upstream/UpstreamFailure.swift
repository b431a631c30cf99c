/// What an upstream said about a failure, as far as it could be understood.
///
/// Some words are known and count for more than a status: those for a prompt that is too long, a filter, a limit, and
/// the types `authentication_error`, `overloaded_error` and their like.
public struct UpstreamFailure: Sendable, Equatable {
    public var message = ""
    /// The upstream's own word for the kind of failure: `context_length_exceeded`, `RESOURCE_EXHAUSTED`.
    public var code = ""
    public var type = ""
    /// An HTTP status that the text carries, as errors inside a 200 do.
    public var status: Int?
    /// The quota that is spent, where the upstream names one: `GenerateRequestsPerDayPerProjectPerModel-FreeTier`.
    public var quota = ""

    public init(message: String = "", code: String = "", type: String = "", status: Int? = nil) {
        (self.message, self.code, self.type, self.status) = (message, code, type, status)
    }

    /// Reads `{"error": {message, type, code}}` and the shapes that compatible servers send in its place:
    /// `{"error": "text"}`, `{"message"}`, `{"detail"}`, or a list with one of them.
    public init?(_ body: JSON) {
        let body = body[0] ?? body
        guard case .object(let outer) = body else { return nil }
        switch outer["error"] {
        case .object(let error)?: self.init(members: error)
        case .string(let text)?: self.init(message: text)
        case let error? where !error.isNull: self.init(message: error.text)
        default:
            guard outer["message"] != nil || outer["detail"] != nil else { return nil }
            self.init(members: outer)
        }
    }

    private init(members: JSONObject) {
        message = members["message"]?.string ?? members["detail"]?.text ?? ""
        type = members["type"]?.string ?? members["status"]?.string ?? ""
        code = members["code"]?.string ?? ""
        status = members["code"]?.int ?? members["status"]?.int
        // google.rpc.QuotaFailure, also as Google's OpenAI format has it.
        for detail in members["details"]?.array?.prefix(16) ?? [] where quota.isEmpty {
            for violation in detail["violations"]?.array?.prefix(16) ?? [] where quota.isEmpty {
                quota = String(decoding: (violation["quotaId"]?.string ?? "").utf8.prefix(128), as: UTF8.self)
            }
        }
    }

    /// For the log: bounded, since upstreams send whole pages.
    var detail: String {
        let words = [code, type, message].filter { !$0.isEmpty }.joined(separator: " · ")
        return String(decoding: words.utf8.prefix(2048), as: UTF8.self)
    }

    // MARK: - Known reasons

    var saysTooLong: Bool {
        code == "context_length_exceeded" || code == "string_above_max_length"
            || mentions("maximum context length", "context length", "context window", "prompt is too long")
    }

    var saysBlocked: Bool {
        ["content_filter", "content_policy_violation", "moderation_blocked"].contains(code)
            || mentions("content management policy", "safety system", "flagged")
    }

    var saysRateLimited: Bool {
        ["rate_limit_exceeded", "insufficient_quota"].contains(code)
            || ["rate_limit_error", "insufficient_quota", "RESOURCE_EXHAUSTED", "requests", "tokens"].contains(type)
    }

    /// The allowance of a day is spent, not that of a minute.
    var saysDayIsSpent: Bool { quota.contains("PerDay") }

    private func mentions(_ phrases: String...) -> Bool {
        let text = message.lowercased()
        return phrases.contains { text.contains($0) }
    }
}

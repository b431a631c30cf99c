import PolluxCore

/// One line of the doctor's report.
struct Finding: Sendable, Equatable {
    enum Subject: Sendable, Equatable {
        case source(String)
        case provider(String)
        case account(String, of: String)
        case rateLimits
    }

    var subject: Subject
    var step: String
    /// What is wrong and what to do; `nil` when the step went well.
    var problem: String?

    init(_ subject: Subject, _ step: String, problem: String?) {
        (self.subject, self.step, self.problem) = (subject, step, problem)
    }

    /// The operator may read what clients may not: the detail stands behind the message.
    init(_ subject: Subject, _ step: String, failure: GatewayError?) {
        self.init(subject, step, problem: failure.map(Self.text))
    }

    private static func text(_ failure: GatewayError) -> String {
        let detail = failure.detail.isEmpty ? "" : " (\(failure.detail))"
        let advice = failure.kind.operatorAdvice.map { "; \($0)" } ?? ""
        return failure.message + detail + advice
    }

    /// The provider whose account this is.
    var triedProvider: String? {
        if case .account(_, let provider) = subject { return provider }
        return nil
    }

    var line: String {
        "\(problem == nil ? "ok  " : "FAIL") \(subjectText): \(step)\(problem.map { ": \($0)" } ?? "")"
    }

    var json: JSON {
        var members: [(String, JSON)] =
            switch subject {
            case .source(let name): [("source", .string(name))]
            case .provider(let name): [("provider", .string(name))]
            case .account(let id, let provider): [("provider", .string(provider)), ("account", .string(id))]
            case .rateLimits: [("section", "rate_limit")]
            }
        members += [
            ("step", .string(step)), ("ok", .bool(problem == nil)), ("problem", problem.map { .string($0) } ?? .null),
        ]
        return .object(JSONObject(members))
    }

    private var subjectText: String {
        switch subject {
        case .source(let name): "credential source \"\(name)\""
        case .provider(let name): "provider \"\(name)\""
        case .account(let id, let provider): "\(provider)/\(id)"
        case .rateLimits: "rate limits"
        }
    }
}

extension GatewayError.Kind {
    /// What the person who runs the gateway may look at; the message itself speaks to clients.
    var operatorAdvice: String? {
        switch self {
        case .upstreamUnreachable: "see that it runs, and that its address and proxy in the settings are right"
        case .upstreamTLS: "check its certificate, or name its authority with ca_file"
        case .upstreamTimeout: "see that it answers; timeouts: of this provider says how long it is waited for"
        case .upstreamAuth: "check the account's key, or sign in again"
        default: nil
        }
    }
}

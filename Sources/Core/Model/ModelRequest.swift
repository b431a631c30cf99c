/// What a client asks of a model, in no client's format: the one shape between frontends and providers.
///
/// Absent differs from zero everywhere: an option the client did not send is `nil`.
public struct ModelRequest: Sendable, Equatable {
    /// The gateway's id of this request; also the answer's `x-request-id`.
    public var id: String
    /// The model as the client named it; empty in a request that names none, until the gateway puts its default there.
    public var model: String
    /// The model's name at the chosen upstream. Set by the router for each attempt.
    public var resolvedModel: String
    /// System text in the order it came; late system messages are appended, never lost.
    public var system: [Part] = []
    public var turns: [Turn] = []
    public var tools: [ToolSpec] = []
    public var hostedTools: [HostedTool] = []
    public var toolChoice: ToolChoice = .auto
    public var parallelToolCalls: Bool?
    public var output: OutputFormat = .text
    /// The kinds of output wanted; empty leaves it to the model.
    public var modalities: Set<Modality> = []
    public var sampling = Sampling()
    public var reasoning = Reasoning()
    /// How many answers are wanted.
    public var candidateCount = 1
    public var stream = false
    public var client = ClientInfo()
    /// How images that a model makes are wanted; `nil` leaves it to the operator.
    public var mediaOutput: MediaOutput?
    /// What the client says about the conversation that this request belongs to.
    public var conversation = ConversationHints()
    /// When the client stops waiting. Shortens, never lengthens, what the operator allows.
    public var deadline: Instant?
    /// Fields without a neutral home, named `openai.*` or `gemini.*`, for a provider of the same family.
    public var extensions: [String: JSON] = [:]

    public init(id: String, model: String) {
        (self.id, self.model, resolvedModel) = (id, model, model)
    }
}

extension ModelRequest {
    /// The turns with those of one role that follow each other made one, for upstreams whose roles must alternate.
    public var alternatingTurns: [Turn] {
        turns.reduce(into: []) { merged, turn in
            if merged.last?.role == turn.role {
                merged[merged.count - 1].parts += turn.parts
            } else {
                merged.append(turn)
            }
        }
    }
}

/// Who asks.
public struct ClientInfo: Sendable, Equatable {
    /// The client key's id; empty when clients need no key.
    public var keyID = ""
    public var address = ""
    public var userAgent = ""
    /// The client's own user, if it names one.
    public var endUserID: String?

    public init() {}
}

/// One turn of the conversation.
public struct Turn: Sendable, Equatable {
    public enum Role: Sendable, Equatable { case user, model }
    public var role: Role
    public var parts: [Part]
    public var name: String?

    public init(_ role: Role, _ parts: [Part], name: String? = nil) {
        (self.role, self.parts, self.name) = (role, parts, name)
    }
}

public enum Modality: String, Sendable, Hashable, CaseIterable { case text, image, audio }

/// The wished form of the answer.
public enum OutputFormat: Sendable, Equatable {
    case text
    /// Exactly one JSON object.
    case json
    case jsonSchema(name: String, schema: JSON, strict: Bool)
}

public struct Sampling: Sendable, Equatable {
    public var temperature: Double?
    public var topP: Double?
    public var topK: Int?
    public var maxOutputTokens: Int?
    public var stop: [String] = []
    public var seed: Int?
    public var presencePenalty: Double?
    public var frequencyPenalty: Double?
    public var logitBias: JSON?
    public var logprobs: Bool?
    public var topLogprobs: Int?

    public init() {}
}

/// How much the model is to think, and whether its thoughts are shown.
public struct Reasoning: Sendable, Equatable {
    public enum Level: String, Sendable, CaseIterable { case none, minimal, low, medium, high, xhigh, max }
    public var level: Level?
    /// Tokens; 0 is off, -1 leaves it to the model.
    public var budget: Int?
    public var includeText: Bool?

    public init() {}
}

/// A function that the model may call.
public struct ToolSpec: Sendable, Equatable {
    public var name: String
    public var description: String?
    /// JSON Schema of the arguments; `nil` takes none.
    public var schema: JSON?
    public var strict: Bool?

    public init(name: String, description: String? = nil, schema: JSON? = nil, strict: Bool? = nil) {
        (self.name, self.description, self.schema, self.strict) = (name, description, schema, strict)
    }
}

public enum ToolChoice: Sendable, Equatable {
    case auto, none, required
    /// One or more of these must be called.
    case mustCall([String])
    /// The model may call, but only these.
    case mayCall([String])
}

/// A tool that runs at the upstream.
public enum HostedTool: Sendable, Equatable {
    case webSearch(options: JSON)
    case other(name: String, JSON)
}

/// A call that the model made.
public struct ToolCall: Sendable, Equatable {
    /// Unique within the conversation.
    public var id: String
    /// Made by the gateway, because the provider knows no ids; such a provider is never sent one.
    public var idIsSynthetic: Bool
    public var name: String
    /// As the model wrote them; a JSON object, or whatever it was.
    public var rawArguments: String

    /// The arguments as an object, empty where there are none; `nil` when the model wrote something else.
    public var arguments: JSONObject? {
        rawArguments.isEmpty ? JSONObject() : (try? JSON.parse(Array(rawArguments.utf8), .upstream))?.object
    }

    public init(id: String, idIsSynthetic: Bool = false, name: String, rawArguments: String) {
        (self.id, self.idIsSynthetic) = (id, idIsSynthetic)
        (self.name, self.rawArguments) = (name, rawArguments)
    }
}

/// What the client's function answered.
public struct ToolResult: Sendable, Equatable {
    public var callID: String
    /// Looked up from the call when the client's format does not carry it; empty for an orphan.
    public var name: String
    public var parts: [Part]
    public var isError: Bool

    public init(callID: String, name: String, parts: [Part], isError: Bool = false) {
        (self.callID, self.name, self.parts, self.isError) = (callID, name, parts, isError)
    }
}

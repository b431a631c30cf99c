public import PolluxCore

/// The providers that ship with the gateway, in the order of the documentation.
public enum StandardProviders {
    public static let all: [any Provider.Type] = [
        GeminiBusinessProvider.self, GeminiWebProvider.self, OpenAICompatibleProvider.self,
    ]
}

extension ModelRequest {
    /// The refusal of what models with these capabilities cannot honour, naming the field in the OpenAI format; `nil`
    /// when they can do all that this request asks for.
    ///
    /// - Parameters:
    ///   - capabilities: Calls and their results in the conversation need `tools`, media anywhere in it `mediaInput`.
    ///   - webSearch: Whether the upstream can search by itself; other hosted tools are refused.
    ///   - kind: The provider's kind, for the message.
    public func refusal(
        beyond capabilities: ModelInfo.Capabilities, webSearch: Bool = false, kind: PluginKind
    ) -> GatewayError? {
        guard let (param, what, instead) = obstacle(capabilities, webSearch: webSearch) else { return nil }
        let advice = instead ?? "leave it out, or choose a model of another provider"
        return GatewayError(
            .unsupported, .request, "providers of kind \(kind) do not offer \(what); \(advice)", param: param)
    }

    private typealias Obstacle = (param: String, what: String, instead: String?)

    private func obstacle(_ capabilities: ModelInfo.Capabilities, webSearch: Bool) -> Obstacle? {
        for tool in hostedTools {
            switch tool {
            case .webSearch: if !webSearch { return ("tools", "web search", nil) }
            case .other(let name, _): return ("tools", "the hosted tool \"\(name)\"", nil)
            }
        }
        if !tools.isEmpty, !capabilities.contains(.tools) { return ("tools", "function calling", nil) }
        if output != .text, !capabilities.contains(.structuredOutput) {
            return ("response_format", "a guaranteed JSON form of answers", nil)
        }
        if candidateCount > 1, !capabilities.contains(.severalCandidates) {
            return ("n", "more than one answer to a request", "send n = 1 several times")
        }
        let producible: Set<Modality> = capabilities.contains(.imageOutput) ? [.text, .image] : [.text]
        if !modalities.isSubset(of: producible) { return ("modalities", "answers other than text", nil) }
        for part in ([system] + turns.map(\.parts)).joined() {
            if let obstacle = part.obstacle(capabilities) { return obstacle }
        }
        return nil
    }
}

extension Part {
    fileprivate func obstacle(
        _ capabilities: ModelInfo.Capabilities
    ) -> (param: String, what: String, instead: String?)? {
        switch content {
        case .text, .reasoning, .refusal: return nil
        case .media(let media):
            return capabilities.contains(.mediaInput) ? nil : ("messages", "\(media.kind.noun) in the prompt", nil)
        case .toolCall:
            return capabilities.contains(.tools) ? nil : ("messages", "a conversation with function calls", nil)
        case .toolResult(let result):
            guard capabilities.contains(.tools) else { return ("messages", "a conversation with function calls", nil) }
            return result.parts.lazy.compactMap { $0.obstacle(capabilities) }.first
        }
    }
}

extension Media.Kind {
    fileprivate var noun: String {
        switch self {
        case .image: "an image"
        case .audio: "audio"
        case .video: "a video"
        case .document: "a document"
        }
    }
}
